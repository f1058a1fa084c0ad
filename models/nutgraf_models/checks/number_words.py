"""Numbers in words: cardinals, ordinals, parts, and words that only imply a number."""

import re

from nutgraf_models.checks.amounts import PERCENT, SCALE, SCALES, Quantity, amount

_UNITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
SMALL_NUMBERS = {word: str(value) for word, value in _UNITS.items()}
_TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        start=1,
    )
} | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50, "sixtieth": 60, "hundredth": 100}
_DENOMINATORS = {f"{word}s": value for word, value in _ORDINALS.items() if value > 2} | {"quarters": 4, "halves": 2}
_ONE_PART = {word: value for word, value in _ORDINALS.items() if value > 2} | {"quarter": 4, "half": 2}
_VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
# More than the number itself: what "dozens" may stand for begins here.
_VAGUE = {
    **{"tens": 10.0, "dozens": 20.0, "scores": 20.0, "hundreds": 100.0, "thousands": 1e3},
    **{"millions": 1e6, "billions": 1e9, "trillions": 1e12},
}
# Words that stand for a number without being one: an article that has them supports the number.
_IMPLIED = {
    **{"once": 1, "single": 1, "both": 2, "pair": 2, "couple": 2, "twice": 2, "double": 2, "doubled": 2, "twins": 2},
    **{"duo": 2, "trio": 3, "triple": 3, "treble": 3, "hat": 3, "quartet": 4},
}
_NEXT_WORD = re.compile(r"(?:-|\s+)(and\s+)?(a\s+)?([^\W\d_]+)")
_HALF = re.compile(r"\s+(?:an?\s+(dozen|hundred|thousand|million|billion|trillion)\b|(of|the|its|their|his|her|all)\b)")
_PARTS_OF = re.compile(r"\s+of\s+(hundreds|thousands|millions|billions)\b", re.I)


def _spelled(text: str, word: str, start: int, end: int) -> Quantity | None:
    """A number in words, from its first word on."""
    if word in SCALES:
        before = text[max(0, start - 12) : start].casefold()
        if re.search(r"\b(?:several|few|many|some|couple of)\s+$", before):
            return Quantity(start, end, (SCALES[word],), "vague")
        total, current, last = 0.0, 1.0, "one"
        end = start  # the scale is read below, by `amount`
    else:
        total, current = 0.0, float(_UNITS.get(word, _TENS.get(word, 0)))
        last = "tens" if word in _TENS else "unit"
        if word == "zero":
            return Quantity(start, end, (0.0,))
    while step := _NEXT_WORD.match(text, end):
        linked, _, following = step.groups()
        following = following.casefold()
        if last == "tens" and following in _UNITS and 0 < _UNITS[following] < 10 and not linked:
            current, last = current + _UNITS[following], "unit"
        elif last == "tens" and following in _ORDINALS and _ORDINALS[following] < 10 and not linked:
            return Quantity(start, step.end(), (current + _ORDINALS[following],))
        elif following in _DENOMINATORS and last == "unit" and not linked and current < _DENOMINATORS[following]:
            return Quantity(start, step.end(), (current / _DENOMINATORS[following],), "part")
        elif following in _ONE_PART and current == 1 and not linked and following != "half":
            return Quantity(start, step.end(), (1 / _ONE_PART[following],), "part")
        elif following == "half" and linked:
            return amount(text, start, step.end(), total + current + 0.5)
        elif following == "hundred" and last in ("unit", "one") and not linked:
            current, last = current * 100, "hundred"
        elif following == "thousand" and last != "scale" and not linked:
            total, current, last = total + current * 1000, 0.0, "scale"
        elif last in ("hundred", "scale") and (following in _UNITS or following in _TENS):
            if following in _UNITS and not linked and last == "scale" and _UNITS[following] < 10:
                # "a thousand five hundred", but not "a thousand five": only with what makes it one number.
                ahead = _NEXT_WORD.match(text, step.end())
                if not ahead or ahead.group(3).casefold() != "hundred":
                    break
            current += _UNITS.get(following, _TENS.get(following, 0))
            last = "tens" if following in _TENS else "unit"
        else:
            break
        end = step.end()
    if word == "one" and end - start == 3 and not SCALE.match(text, end) and not PERCENT.match(text, end):
        return Quantity(start, end, (1.0,), "implied")
    return amount(text, start, end, total + current)


def _ordinal(text: str, word: str, start: int, end: int) -> Quantity | None:
    value = _ORDINALS.get(word)
    if value is None or re.search(r"\ba\s+$", text[max(0, start - 4) : start], re.I):
        part = _ONE_PART.get(word)
        of = re.match(r"\s+of\b|\s+(?:more|less|fewer)\b", text[end : end + 8])
        return Quantity(start, end, (1.0 / part,), "part") if part and of else None
    # "first" and "second" are said of much that nobody counted.
    return Quantity(start, end, (float(value),), "implied" if value < 3 else "")


def _half(text: str, word: str, start: int, end: int) -> Quantity | None:
    what = _HALF.match(text, end)
    if what and what.group(1):
        return amount(text, start, what.end(), 0.5 * SCALES[what.group(1).lower()])
    return Quantity(start, end, (0.5,), "part" if what else "implied")


def _vague(text: str, word: str, start: int, end: int) -> Quantity | None:
    value = _VAGUE[word]
    parts = _PARTS_OF.match(text, end)
    if parts:
        return Quantity(start, parts.end(), (value * _VAGUE[parts.group(1).lower()],), "vague")
    if word in ("tens", "scores"):
        return None
    return Quantity(start, end, (value,), "vague")


def _implied(text: str, word: str, start: int, end: int) -> Quantity | None:
    if word in ("noon", "midday", "midnight"):
        return Quantity(start, end, (0.0 if word == "midnight" else 720.0,), "time")
    if word == "hat" and not text.startswith("trick", end + 1):
        return None  # A hat-trick is three of something.
    return Quantity(start, end, (float(_IMPLIED[word]),), "implied")


def _vulgar(text: str, word: str, start: int, end: int) -> Quantity | None:
    return Quantity(start, end, (_VULGAR[word],), "part")


# What reads on from a word; each is given the text, the word in small letters, and where it is.
READERS = {
    **dict.fromkeys([*_UNITS, *_TENS, *(word for word in SCALES if not word.endswith("s"))], _spelled),
    **dict.fromkeys([*_ORDINALS, "quarter"], _ordinal),
    **dict.fromkeys(_VAGUE, _vague),
    **dict.fromkeys([*_IMPLIED, "noon", "midday", "midnight"], _implied),
    **dict.fromkeys(_VULGAR, _vulgar),
    "half": _half,
}
