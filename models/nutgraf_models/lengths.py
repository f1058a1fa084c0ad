"""Lengths and caps of a summary."""

import enum
from dataclasses import dataclass


class Length(enum.Enum):
    SHORT = "short"
    LONG = "long"


MAX_SENTENCES_LIMIT = 10
MIN_WORDS_LIMIT = 5
MAX_WORDS_LIMIT = 500

_DEFAULT_MAX_SENTENCES = {Length.SHORT: 1, Length.LONG: 4}
_MIN_SENTENCES = {Length.SHORT: 1, Length.LONG: 2}
_USUAL_WORDS = {Length.SHORT: 25, Length.LONG: 60}


@dataclass(frozen=True)
class Spec:
    """One requested summary: its length and optional caps.

    Raises:
        ValueError: a cap is out of range; the message has the range.
    """

    length: Length
    max_sentences: int | None = None
    max_words: int | None = None

    def __post_init__(self) -> None:
        if self.max_sentences is not None and not 1 <= self.max_sentences <= MAX_SENTENCES_LIMIT:
            raise ValueError(f"max_sentences is {self.max_sentences}; it must be from 1 to {MAX_SENTENCES_LIMIT}")
        if self.max_words is not None and not MIN_WORDS_LIMIT <= self.max_words <= MAX_WORDS_LIMIT:
            raise ValueError(f"max_words is {self.max_words}; it must be from {MIN_WORDS_LIMIT} to {MAX_WORDS_LIMIT}")

    @property
    def sentence_cap(self) -> int:
        """Maximum number of sentences. SHORT is one sentence by definition."""
        if self.length is Length.SHORT:
            return 1
        return self.max_sentences or _DEFAULT_MAX_SENTENCES[self.length]

    @property
    def sentence_floor(self) -> int:
        """Minimum number of sentences that a reader expects."""
        return min(_MIN_SENTENCES[self.length], self.sentence_cap)

    @property
    def usual_words(self) -> int:
        """Typical number of words."""
        usual = _USUAL_WORDS[self.length]
        return usual if self.max_words is None else min(usual, self.max_words)


DEFAULT_SPECS = (Spec(Length.SHORT), Spec(Length.LONG))
