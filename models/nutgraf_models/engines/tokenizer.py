"""A thread-safe tokenizer: unlike the wrapper of transformers, it has no mutable state."""

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
# A line break in byte-level vocabularies.
_BYTE_LEVEL_LINE_BREAK = "Ċ"
# A character that no vocabulary has.
_UNKNOWN = "\U0010fffd"
# The form of control tokens, including those that a tokenizer does not mark as special.
_CONTROL_FORM = re.compile(r"[<\[].+[>\]]")


class ArticleTokenizer:
    """Encodes and decodes text, and decides when a row has enough sentences or words."""

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
            if token.special or _CONTROL_FORM.fullmatch(token.content)
        }
        # The token for unknown characters is special, but harmless in an article.
        self._control = frozenset(special - set(self.encode(_UNKNOWN)))

    @classmethod
    def from_folder(cls, folder: Path) -> "ArticleTokenizer":
        """Raises:
        ModelError: the folder has no usable tokenizer.json.
        """
        try:
            return cls(Tokenizer.from_file(str(folder / "tokenizer.json")))
        except Exception as error:  # the Rust code raises plain Exception
            raise ModelError(f"cannot read tokenizer.json of {folder.name}: {error}") from error

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens in each text after `as_text`."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            len(self.encode(self.as_text(text)) if self._controls(encoding) else encoding.ids)
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def as_text(self, text: str) -> str:
        """Inserts a space into any text that would become a control token, such as "<|im_end|>".

        An article can then neither end its turn nor begin another. The tokenizers' own option to split special tokens
        (`encode_special_tokens`) is not enough: the pieces of a Unigram vocabulary include "</s>".
        """
        has_spaces = False
        while spans := self._controls(self._tokenizer.encode(text, add_special_tokens=False)):
            parts, position = [], 0
            for start, end in spans:
                # If it still becomes a control token, it is replaced by a space.
                parts += [text[position:start], " " if has_spaces else f"{text[start]} {text[start + 1 : end]}"]
                position = end
            text = "".join([*parts, text[position:]])
            has_spaces = True
        return text

    def _controls(self, encoding: Encoding) -> list[tuple[int, int]]:
        """The spans of a text's control tokens."""
        if self._control.isdisjoint(encoding.ids):
            return []
        return [span for index, span in zip(encoding.ids, encoding.offsets, strict=True) if index in self._control]

    def count_prompt(self, prompt: Prompt) -> int:
        """The number of tokens in the longer of a card's two prompts, without an article."""
        longest = max(prompt.after_short, prompt.after_long, key=len)
        return len(self.encode(prompt.before + longest, special=True))

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=special).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def stop_rule(self, row: Row) -> IsEnough:
        """A function that is true for tokens with all the sentences or words that `row` allows.

        It is true only after the next sentence has begun: the following words show whether "U.S." ends a sentence.
        """

        def is_enough(tokens: Sequence[int]) -> bool:
            # Decoding takes time, so decode only if one of the last tokens may end a sentence.
            if self._ends.isdisjoint(tokens[-4:-1]):
                return False
            complete = [sentence for sentence in split(self.decode(tokens))[:-1] if sentence.is_complete]
            if len(complete) >= row.max_sentences:
                return True
            return row.max_words is not None and sum(word_count(one.text) for one in complete) >= row.max_words

        return is_enough
