"""Sentences and words, as everything else here counts them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import sentencex

from nutgraf_models.text.boundaries import boundaries

# What may end a sentence, and what may stand after it.
_END = re.compile(r"[.!?…。！？؟।][\"'”’»›)\]]*$")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")
_PARAGRAPH = re.compile(r"[^\n]+")
# Letters of other scripts than Latin.
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1dff\u2c00-\ud7ff]")
_REAL_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_]{2,}|\b[IAa]\b(?!\.)")


@dataclass(frozen=True)
class Sentence:
    """`text` is `whole[start:end]`, without white space around it. Positions count code points."""

    text: str
    start: int
    end: int

    @property
    def is_complete(self) -> bool:
        return is_complete(self.text)


def split(text: str, language: str = "en") -> list[Sentence]:
    """The sentences of `text`, in order. A line break always ends one; a line without a full stop is one too.

    English is split by `boundaries`; other languages, and in any case paragraphs in another script than Latin, by the
    package sentencex.
    """
    sentences = []
    for paragraph in _PARAGRAPH.finditer(text):
        position = paragraph.start()
        for piece in _pieces(paragraph.group(), language):
            body = piece.strip()
            if not body:
                continue
            start = text.index(body, position)
            position = start + len(body)
            sentences.append(Sentence(body, start, position))
    return sentences


def _pieces(paragraph: str, language: str) -> Iterable[str]:
    if language != "en" or 2 * len(_OTHER_SCRIPT.findall(paragraph)) > len(paragraph):
        pieces: Iterable[str] = sentencex.segment(language, paragraph)
        return pieces
    ends = boundaries(paragraph)
    return [paragraph[start:end] for start, end in zip([0, *ends], [*ends, len(paragraph)], strict=True)]


def is_complete(sentence: str) -> bool:
    """Whether `sentence` ends as a sentence does."""
    return bool(_END.search(sentence))


def has_words(text: str) -> bool:
    """Whether `text` has the two words that the shortest sentence has: "By.", "Dr." and "1." have not."""
    return next(islice(_REAL_WORD.finditer(text), 1, None), None) is not None


def real_words(text: str) -> int:
    """What `has_words` counts: words of letters, two at least or "I" or "a", and each Chinese or Japanese character."""
    return len(_REAL_WORD.findall(text))


def word_count(text: str) -> int:
    """Words, as a word processor counts them: what white space keeps apart, and each Chinese or Japanese character."""
    return len(_WORD.findall(text))
