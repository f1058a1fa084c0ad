"""What language a text seems to be in."""

import re

import py3langid

UNKNOWN = "und"
_MIN_LETTERS = 40
_SAMPLE = 4000
_NAME = re.compile(r"\b[^\W\d_]*[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’]*")


def detect(text: str) -> str:
    """The language as an ISO 639-1 code ("en"), "und" for a text with too few letters to tell.

    Uses langid (Lui and Baldwin 2012), which knows 97 languages. It goes by letters, so that a sentence full of foreign
    names looks foreign: a text whose other words look English is English.
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
    """A Chinese or Japanese character says about as much as three Latin letters; other scripts tell by themselves."""
    return 3 if "\u3000" < letter < "\ua000" else 2 if letter > "\u036f" else 1
