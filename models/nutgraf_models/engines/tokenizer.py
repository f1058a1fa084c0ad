"""The tokenizer, without the state that transformers keeps on its wrapper, and so safe for any thread."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import Encoding, Tokenizer

from nutgraf_models.checkpoints.card import Prompt
from nutgraf_models.engines.base import Row
from nutgraf_models.errors import ModelError
from nutgraf_models.text.sentences import split, word_count

IsEnough = Callable[[Sequence[int]], bool]

_END_MARKS = frozenset(".!?…。！？؟।\n")
# How byte-level vocabularies write a line break.
_BYTE_LEVEL_LINE_BREAK = "Ċ"
# A character that no vocabulary has.
_UNKNOWN = "\U0010fffd"
# How control tokens are written, whether or not a tokenizer calls them special.
_MARK = re.compile(r"[<\[].+[>\]]")


class ArticleTokenizer:
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
        special = {
            index
            for index, token in tokenizer.get_added_tokens_decoder().items()
            if token.special or _MARK.fullmatch(token.content)
        }
        # What an unknown character becomes says nothing to a model.
        self._control = frozenset(special - set(self.encode(_UNKNOWN)))

    @classmethod
    def from_folder(cls, folder: Path) -> "ArticleTokenizer":
        """Raises:
        ModelError: the folder has no usable tokenizer.json.
        """
        try:
            return cls(Tokenizer.from_file(str(folder / "tokenizer.json")))
        except Exception as error:  # what the Rust side raises has no type of its own
            raise ModelError(f"cannot read tokenizer.json of {folder.name}: {error}") from error

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text where it is read `as_text`."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            len(self.encode(self.as_text(text)) if self._controls(encoding) else encoding.ids)
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def as_text(self, text: str) -> str:
        """The text with a space inside of what the tokenizer would take for a control token, such as "<|im_end|>".

        So an article can neither end its turn nor begin another. That tokenizers can be told to split special tokens
        (`encode_special_tokens`) is not enough: a Unigram vocabulary has "</s>" among its pieces.
        """
        spaced = False
        while stretches := self._controls(self._tokenizer.encode(text, add_special_tokens=False)):
            parts, position = [], 0
            for start, end in stretches:
                # What a space does not divide is left out.
                parts += [text[position:start], " " if spaced else f"{text[start]} {text[start + 1 : end]}"]
                position = end
            text = "".join([*parts, text[position:]])
            spaced = True
        return text

    def _controls(self, encoding: Encoding) -> list[tuple[int, int]]:
        """Where control tokens are in a text."""
        if self._control.isdisjoint(encoding.ids):
            return []
        return [span for index, span in zip(encoding.ids, encoding.offsets, strict=True) if index in self._control]

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
