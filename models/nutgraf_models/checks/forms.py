"""Common forms of words, so that one thing written in two ways is found to be one thing."""

import re
import unicodedata
from functools import lru_cache

_SPELLING = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "ʻ": "'", "`": "'", "´": "'"}
    | {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
# Each line is one thing: what its suffix does not tell. The rest of demonyms is in `_places`.
_SAME = {
    word: line.split()[0]
    for line in """
    january jan
    february feb
    march mar
    april apr
    august aug
    september sept sep
    october oct
    november nov
    december dec
    monday mon
    tuesday tue tues
    wednesday wed
    thursday thu thur thurs
    friday fri
    saturday sat
    sunday sun
    america american us usa
    britain british briton uk
    england english
    scotland scottish scots scot
    wales welsh
    ireland irish
    france french
    spain spanish spaniard
    germany german
    netherlands dutch holland
    denmark danish dane
    sweden swedish swede
    norway norwegian
    finland finnish finn
    poland polish
    greece greek
    turkey turkish turk
    switzerland swiss
    portugal portuguese
    belgium belgian
    lebanon lebanese
    peru peruvian
    cyprus cypriot
    afghanistan afghan
    kazakhstan kazakh
    philippines filipino
    thailand thai
    argentina argentine
    serbia serb
    croatia croat
    slovakia slovak
    czechia czech
    iceland icelandic
    vietnam vietnamese
    europe european
    glasgow glaswegian
    manchester mancunian
    liverpool liverpudlian
    """.strip().splitlines()
    for word in line.split()
}
_INFLECTION = re.compile(r"(?:ing|ies|ied|es|ed|s|e|y)$")
_DEMONYM_ENDINGS = ("ians", "ian", "eans", "ean", "ans", "an", "ese", "ns", "n", "is", "i")


@lru_cache(maxsize=1 << 15)
def fold(word: str) -> str:
    """A word without case and accents, with plain apostrophes. "Zoë" and "ZOE" meet, "O’Brien" and "O'Brien"."""
    word = word.casefold().translate(_SPELLING)
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_SPELLING)


@lru_cache(maxsize=1 << 15)
def name_forms(word: str) -> frozenset[str]:
    """The forms that a name may be found by: without possessive, plural, dots; a country for its people.

    Two names are taken for one if they have a form in common.
    """
    form = fold(word)
    form = form.removesuffix("'s").rstrip("'").replace("'", "").replace(".", "")
    forms = {form, _SAME.get(form, form)}
    if len(form) > 3 and form.endswith("s"):
        singular = form[:-1]
        forms |= {singular, _SAME.get(singular, singular)}
    return frozenset(forms)


def stem(form: str) -> str:
    """A light stemmer for folded words: inflected forms of a word should meet."""
    return _INFLECTION.sub("", form) if form.isalpha() and len(form) > 4 else form


@lru_cache(maxsize=1 << 15)
def canonical(word: str) -> str:
    """The one form that a word is compared by where two texts are laid side by side."""
    form = fold(word).removesuffix("'s").rstrip("'")
    return stem(_SAME.get(form, form))


@lru_cache(maxsize=1 << 15)
def places(word: str) -> frozenset[str]:
    """The names of places whose people or things may be called so: "Russian" gives "russia", among others."""
    form = fold(word).removesuffix("'s").rstrip("'")
    found = set()
    for ending in _DEMONYM_ENDINGS:
        stem = form.removesuffix(ending)
        if stem != form and len(stem) >= 4:
            found |= {stem, stem + "a", stem + "e", stem + "y", stem + "o"}
    return frozenset(found)
