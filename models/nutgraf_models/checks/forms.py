"""Normal forms of words, so that different spellings of the same word compare equal."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_SPELLING = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "ʻ": "'", "`": "'", "´": "'"}
    | {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
# German and Scandinavian letters spelled in ASCII.
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_INFLECTION = re.compile(r"(?:ing|ies|ied|es|ed|s|e|y)$")
_IRREGULAR = {"children": "child", "wives": "wife", "lives": "life", "people": "person"}


@lru_cache(maxsize=1 << 15)
def fold(word: str) -> str:
    """A word without case and accents, with straight apostrophes: "Zoë" equals "ZOE", "O’Brien" equals "O'Brien"."""
    word = word.casefold().translate(_SPELLING)
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_SPELLING)


def _lines(file: str) -> Iterator[list[str]]:
    """The lines of a table: the names of one thing, the canonical one first."""
    for line in Path(__file__).with_name(file).read_text(encoding="utf-8").splitlines():
        yield line.split(", ")


# Synonyms of a name: a place and its people, a word and its abbreviation. Names in capitals match only in capitals, and
# those with a dot only before a dot.
_SYNONYMS: dict[str, set[str]] = defaultdict(set)
# The same for names of several words, by first word.
PHRASES: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
_CANONICAL: dict[str, str] = {}
for _file in ("places.txt", "abbreviations.txt"):
    for _names in _lines(_file):
        _has_acronym = any(_name.isupper() for _name in _names)
        for _name in _names:
            _words = tuple(_name.split(" "))
            if len(_words) > 1 or (_has_acronym and not _name.isupper()):
                PHRASES[_words[0]].append((_words, _names[0]))
            if len(_words) == 1:
                _SYNONYMS[_name].add(_names[0])
                if _file == "places.txt":
                    _CANONICAL.setdefault(_name.lower(), _names[0])


@lru_cache(maxsize=1 << 15)
def name_forms(word: str, *, has_dot: bool = False) -> frozenset[str]:
    """The normal forms of a name: without possessive, dots and accents; a country for its people.

    Two names are equal if they share a form. `has_dot`: a dot follows the word.
    """
    form = plain(word)
    spelled = plain(unicodedata.normalize("NFC", word).casefold().translate(_SPELLED_OUT))
    names = {form, spelled, form.upper()} if word.replace(".", "").removesuffix("s").isupper() else {form, spelled}
    if has_dot:
        names.add(f"{form}.")
    return frozenset({form, spelled}.union(*(_SYNONYMS[name] for name in names if name in _SYNONYMS)))


def is_place(word: str) -> bool:
    """Whether a word alone names a place or its people: "Wales", "Welsh"."""
    return plain(word) in _CANONICAL


@lru_cache(maxsize=1 << 15)
def plain(word: str) -> str:
    """A folded word without possessive, apostrophes and dots."""
    return fold(word).removesuffix("'s").rstrip("'").replace("'", "").replace(".", "")


@lru_cache(maxsize=1 << 12)
def singular(form: str) -> str:
    """The singular of a folded English noun, by rule."""
    if form.endswith("men"):
        return form[:-3] + "man"
    if form.endswith("ies") and len(form) > 4:
        return form[:-3] + "y"
    if form.endswith(("ches", "shes", "sses", "xes")):
        return form[:-2]
    return _IRREGULAR.get(form) or (form[:-1] if form.endswith("s") and not form.endswith(("ss", "us")) else form)


def stem(form: str) -> str:
    """A light stemmer for folded words."""
    return _INFLECTION.sub("", form) if form.isalpha() and len(form) > 4 else form


@lru_cache(maxsize=1 << 15)
def canonical(word: str) -> str:
    """The form of a word for aligning two texts."""
    form = fold(word).removesuffix("'s").rstrip("'")
    return stem(_CANONICAL.get(form, form))
