"""The tokenizer, without the state that transformers keeps on its wrapper, and so safe for any thread."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from nutgraf_models.card import Prompt
from nutgraf_models.engines.base import Row
from nutgraf_models.errors import ModelError
from nutgraf_models.sentences import split, word_count

IsEnough = Callable[[Sequence[int]], bool]

_END_MARKS = frozenset(".!?…。！？؟।\n")
# How byte-level vocabularies write a line break.
_BYTE_LEVEL_LINE_BREAK = "Ċ"


class Tokens:
    """Text to tokens and back, and when a row of tokens has said enough."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._ends = frozenset(
            index
            for token, index in tokenizer.get_vocab().items()
            if _END_MARKS & set(token) or _BYTE_LEVEL_LINE_BREAK in token
        )

    @classmethod
    def from_folder(cls, folder: Path) -> "Tokens":
        """Raises:
        ModelError: the folder has no usable tokenizer.json.
        """
        try:
            return cls(Tokenizer.from_file(str(folder / "tokenizer.json")))
        except Exception as error:  # what the Rust side raises has no type of its own
            raise ModelError(f"cannot read tokenizer.json of {folder.name}: {error}") from error

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(one.ids) for one in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def count_prompt(self, prompt: Prompt) -> int:
        """Tokens of the longer of a card's two prompts, with none of an article in it."""
        longest = max(prompt.after_short, prompt.after_long, key=len)
        return len(self.encode(prompt.before + longest, special=True))

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=special).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def stop_rule(self, row: Row) -> IsEnough:
        """Whether tokens hold all the sentences or words that `row` asks for, once the next sentence has begun.

        Not sooner: whether "U.S." ends a sentence is known only from what follows.
        """

        def is_enough(tokens: Sequence[int]) -> bool:
            # A sentence can have come to an end only where one of the last tokens may end one. Decoding is not free.
            if self._ends.isdisjoint(tokens[-4:-1]):
                return False
            ended = [one for one in split(self.decode(tokens))[:-1] if one.is_complete]
            if len(ended) >= row.max_sentences:
                return True
            return row.max_words is not None and sum(word_count(one.text) for one in ended) >= row.max_words

        return is_enough
