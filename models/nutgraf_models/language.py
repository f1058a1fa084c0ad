"""What language a text seems to be in."""

import py3langid

UNKNOWN = "und"
_MIN_LETTERS = 40
_SAMPLE = 4000


def detect(text: str) -> str:
    """The language as an ISO 639-1 code ("en"), "und" for a text with too few letters to tell.

    Uses langid (Lui and Baldwin 2012), which knows 97 languages.
    """
    sample = text[:_SAMPLE]
    # A Chinese or Japanese character says about as much as three letters of an alphabet.
    letters = sum(3 if "\u3000" < character < "\ua000" else 1 for character in sample if character.isalpha())
    if letters < _MIN_LETTERS:
        return UNKNOWN
    return str(py3langid.classify(sample)[0])
