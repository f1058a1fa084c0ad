"""Sentence splitting and word counting."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import sentencex

from nutgraf_models.text.boundaries import boundaries

# Stops and closing marks at the end of a sentence.
_END = re.compile(r"[.!?…。！？؟।][\"'”’»›)\]]*$")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")
_PARAGRAPH = re.compile(r"[^\n]+")
# Letters of non-Latin scripts.
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1dff\u2c00-\ud7ff]")
_FULL_STOP = re.compile(r"[.…。।][\"'”’»›)\]]*\s*$")
# Maximum number of lines before a story; minimum and maximum number of words of a headline.
_MAX_LINES, _MIN_HEADLINE_WORDS, _MAX_HEADLINE_WORDS = 4, 4, 25
_REAL_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_]{2,}|\b[IAa]\b(?!\.)")


@dataclass(frozen=True)
class Sentence:
    """A sentence at `[start, end)` of a text, in code points, without surrounding white space."""

    text: str
    start: int
    end: int

    @property
    def is_complete(self) -> bool:
        return is_complete(self.text)


def split(text: str, language: str = "en") -> list[Sentence]:
    """The sentences of `text`, in order. A line break always ends a sentence, even without a full stop.

    English is split by `boundaries`; other languages and paragraphs in non-Latin scripts by the sentencex package.
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
    """Whether `sentence` ends with a stop."""
    return bool(_END.search(sentence))


def story_start(text: str, sentences: Sequence[Sentence]) -> int:
    """The index of the first sentence after a headline, a byline and the like; 0 if there is no such line.

    These are the first lines of `text` if they are few, short and without a full stop at their end.
    """
    for line in islice(_PARAGRAPH.finditer(text), _MAX_LINES + 1):
        if _FULL_STOP.search(line.group()) or word_count(line.group()) > _MAX_HEADLINE_WORDS:
            return next((index for index, sentence in enumerate(sentences) if sentence.start >= line.start()), 0)
    return 0


def headline(lines: str) -> str:
    """The first of the `lines` before a story that may be a headline; empty if there is none."""
    return next((line.strip() for line in lines.splitlines() if word_count(line) >= _MIN_HEADLINE_WORDS), "")


def has_words(text: str) -> bool:
    """Whether `text` has at least two words, the minimum for a sentence; "By.", "Dr." and "1." do not."""
    return next(islice(_REAL_WORD.finditer(text), 1, None), None) is not None


def real_words(text: str) -> int:
    """The number of words of two or more letters, "I" and "a", and Chinese or Japanese characters."""
    return len(_REAL_WORD.findall(text))


def word_count(text: str) -> int:
    """Words separated by white space, plus Chinese and Japanese characters, as word processors count them."""
    return len(_WORD.findall(text))
