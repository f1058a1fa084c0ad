"""Language detection."""

import re

import py3langid

UNKNOWN = "und"
_MIN_LETTERS = 40
_SAMPLE = 4000
_NAME = re.compile(r"\b[^\W\d_]*[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’]*")


def load() -> None:
    """Loads the model for `detect`, which takes half a second and is otherwise done by the first call."""
    py3langid.classify("")


def detect(text: str) -> str:
    """The language as an ISO 639-1 code ("en"), or "und" for a text with too few letters.

    Uses langid (Lui and Baldwin 2012), which knows 97 languages. Foreign names can mislead it, so a text that is
    English without its names counts as English.
    """
    sample = text[:_SAMPLE]
    letters = sum(map(_weight, filter(str.isalpha, sample)))
    if letters < _MIN_LETTERS:
        return UNKNOWN
    code = str(py3langid.classify(sample)[0])
    if code != "en" and str(py3langid.classify(_NAME.sub("", sample))[0]) == "en":
        return "en"
    return code


def _weight(letter: str) -> int:
    """Information per letter: 3 for Chinese and Japanese characters, 2 for other non-Latin scripts, 1 for Latin."""
    return 3 if "\u3000" < letter < "\ua000" else 2 if letter > "\u036f" else 1
