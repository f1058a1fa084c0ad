"""When a row has written enough, so that no token is computed only to be thrown away."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from nutgraf_models.engines.base import Row
from nutgraf_models.engines.search import IsEnough
from nutgraf_models.sentences import split, word_count

_END_MARKS = frozenset(".!?…。！？؟।\n")


class Stopper:
    """Tells that a row has its sentences or words, once the next sentence has begun.

    Not sooner: whether "U.S." ends a sentence is known only from what follows.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._ends = frozenset(
            index for token, index in tokenizer.get_vocab().items() if _END_MARKS & set(token) or "Ċ" in token
        )

    def rule(self, row: Row) -> IsEnough:
        def is_enough(tokens: Sequence[int]) -> bool:
            # A sentence can have come to an end only where one of the last tokens may end one. Decoding is not free.
            if self._ends.isdisjoint(tokens[-4:-1]):
                return False
            text = str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))
            ended = split(text)[:-1]
            if len(ended) >= row.max_sentences:
                return True
            return row.max_words is not None and sum(word_count(one.text) for one in ended) >= row.max_words

        return is_enough
