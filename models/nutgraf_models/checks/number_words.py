"""Numbers in words: cardinals, ordinals, fractions, multiples, and words that imply a number."""

import re

from nutgraf_models.checks.amounts import SCALES, Quantity, amount

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
_ONE_PART = {word: value for word, value in _ORDINALS.items() if value > 2} | {"quarter": 4, "half": 2}
_PARTS = {f"{word}s": value for word, value in _ONE_PART.items() if word != "half"} | {"halves": 2}
_DECADES = {f"{word[:-1]}ies": value for word, value in _TENS.items()}
VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
# Minimum values of vague numbers such as "dozens".
_VAGUE = {
    **{"tens": 10.0, "dozens": 20.0, "hundreds": 100.0, "thousands": 1e3},
    **{"millions": 1e6, "billions": 1e9, "trillions": 1e12},
}
_MULTIPLES = {
    **dict.fromkeys("doubles doubled doubling twofold".split(), 2.0),
    **dict.fromkeys("trebles trebled trebling triples tripled tripling threefold".split(), 3.0),
    **dict.fromkeys("quadruples quadrupled quadrupling fourfold".split(), 4.0),
    **dict.fromkeys("halve halved halving".split(), 0.5),
    **{"fivefold": 5.0, "sixfold": 6.0, "tenfold": 10.0},
}
# A multiple, a number of occasions, or a number of parts.
_TIMES = {"double": 2.0, "twice": 2.0, "treble": 3.0, "triple": 3.0, "thrice": 3.0, "quadruple": 4.0}
# Words that imply a number.
_IMPLIED = {"once": 1, "single": 1, "both": 2, "pair": 2, "couple": 2, "twins": 2, "duo": 2, "trio": 3, "quartet": 4}
_NEXT_WORD = re.compile(r"(?:-|\s+)(and\s+)?([^\W\d_]+)")
_AND_PART = re.compile(r"[\s-]and[\s-](an?|one|two|three)[\s-](half|third|quarter|thirds|quarters)\b", re.I)
_SEVERAL = re.compile(r"\b(?:several|few|many|couple of)\s+$", re.I)
# "A third" is a fraction or an ordinal, depending on the context.
_A, _AN = re.compile(r"\ban?\s+$", re.I), re.compile(r"\san?(?=\s)|(?=-)")
_PART_OF = re.compile(
    r"\s(?:of|more|less|fewer|higher|lower|larger|smaller|bigger|longer|shorter|cheaper|faster|off)\b"
)
_PART_BEFORE = re.compile(
    r"\b(?:(than|nearly|almost|about|around|over|under|roughly|barely)|by|up|down|lost|cut|rose|fell|grew)\san?\s+$",
    re.I,
)
_NO_NOUN = re.compile(
    r"\s(?:to|in|from|since|last|this|on|after|and|as|compared|between|over|during|at)\b|\s?[.,;:)]|\s?$"
)
_A_SCALE = re.compile(r"(?:\san?\s|-an?-|[\s-])(dozen|hundred|thousand|million|billion|trillion)\b")
_OF_A_SCALE = re.compile(r"\sof\san?\s(million|billion|trillion)\b")
_HALF_OF = re.compile(r"\s(?:of|the|its|their|his|her|all|that|those|as)\b")
_NO_HALF = re.compile(r"\b(?:first|second|other|opening|time|either|each)[\s-]$", re.I)
_OF_VAGUE = re.compile(r"\sof\s(hundreds|thousands|millions|billions)\b", re.I)
_WORLD_WAR = re.compile(r"(?:World War|WW)[\s-]?(One|Two|II|I|1|2)\b|(First|Second) World War\b", re.I)
_WARS = {"one": 1, "first": 1, "i": 1, "1": 1, "two": 2, "second": 2, "ii": 2, "2": 2}
_UNIT_WORDS = ("hour", "day", "week", "fortnight", "month", "year", "decade", "mile")
_OF = re.compile(r"\sof(?:\sthe)?(?=\s)")


def and_part(text: str, end: int) -> tuple[float, int]:
    """The value of "and a half" or "and three-quarters" at `end`, and its end; 0 and `end` if there is none."""
    found = _AND_PART.match(text, end)
    if not found:
        return 0.0, end
    part = found[2].lower()
    return _UNITS.get(found[1].lower(), 1) / (_ONE_PART.get(part) or _PARTS[part]), found.end()


def _spelled(text: str, word: str, start: int, end: int) -> Quantity | None:
    """The number in words that begins with `word`."""
    if word in SCALES:
        if _SEVERAL.search(text, max(0, start - 12), start):
            return amount(text, start, end, SCALES[word], "")._replace(bound="≫")
        total, current, last = 0.0, 1.0, "one"
        end = start  # the scale is read below, by `amount`
    else:
        total, current = 0.0, float(_UNITS.get(word, _TENS.get(word, 0)))
        last = "tens" if word in _TENS else "unit"
    while word != "zero":
        more, part_end = and_part(text, end)
        if more:
            return amount(text, start, part_end, total + current + more)
        step = _NEXT_WORD.match(text, end)
        if not step:
            break
        linked, following = step[1], step[2].casefold()
        if last == "tens" and 0 < _UNITS.get(following, 0) < 10 and not linked:
            current, last = current + _UNITS[following], "unit"
        elif last == "tens" and _ORDINALS.get(following, 10) < 10 and not linked:
            return amount(text, start, step.end(), current + _ORDINALS[following], "ordinal")
        elif last == "unit" and following in _PARTS and not linked and current < _PARTS[following]:
            return amount(text, start, step.end(), current / _PARTS[following], "part")
        elif current == 1 and following in _ONE_PART and following != "half" and not linked:
            return amount(text, start, step.end(), 1 / _ONE_PART[following], "part")
        elif following == "hundred" and last in ("unit", "one") and not linked:
            current, last = current * 100, "hundred"
        elif following == "thousand" and last != "scale" and not linked:
            total, current, last = total + current * 1000, 0.0, "scale"
        elif last in ("hundred", "scale") and (following in _UNITS or following in _TENS):
            if following in _UNITS and not linked and last == "scale" and _UNITS[following] < 10:
                # "a thousand five hundred" is one number; "a thousand five" is not.
                ahead = _NEXT_WORD.match(text, step.end())
                if not ahead or ahead[2].casefold() != "hundred":
                    break
            current += _UNITS.get(following, _TENS.get(following, 0))
            last = "tens" if following in _TENS else "unit"
        else:
            break
        end = step.end()
    number = amount(text, start, end, total + current)
    # "One" may be a pronoun: "one of them".
    return number._replace(is_implied=word == "one" and number.values == (1.0,))


def _ordinal(text: str, word: str, start: int, end: int) -> Quantity | None:
    value = _ORDINALS.get(word)
    if _A.search(text, max(0, start - 4), start) and word in _ONE_PART:
        scale = _OF_A_SCALE.match(text, end)
        part = 1 / _ONE_PART[word]
        if scale:
            return amount(text, start, scale.end(), part * SCALES[scale[1]])
        before = _PART_BEFORE.search(text, max(0, start - 16), start)
        if _PART_OF.match(text, end) or (before and (before[1] or _NO_NOUN.match(text, end))):
            return amount(text, start, end, part, "part")
        if value:
            return amount(text, start, end, value, "nth")._replace(values=(value, part))
    if value is None:
        return None
    # "first" and "second" often count nothing.
    ordinal = amount(text, start, end, value, "ordinal")._replace(is_implied=value < 3)
    return _war(text, word, start, end) or ordinal


def _half(text: str, word: str, start: int, end: int) -> Quantity | None:
    scale = _A_SCALE.match(text, end)
    if scale:
        return amount(text, start, scale.end(), 0.5 * SCALES[scale[1]])
    if _NO_HALF.search(text, max(0, start - 8), start) or text.startswith(("-time", "time", " past"), end):
        return None
    # "half an hour", "a half-hour"
    article = _AN.match(text, end)
    measured = amount(text, start, article.end(), 0.5) if article else None
    if measured and measured.unit:
        return measured
    is_part = _HALF_OF.match(text, end) or re.search(r"\b(?:by|in|than)\s$", text[max(0, start - 6) : start])
    return amount(text, start, end, 0.5, "part")._replace(is_implied=not is_part)


def _vague(text: str, word: str, start: int, end: int) -> Quantity | None:
    value = _VAGUE[word]
    scale = _OF_VAGUE.match(text, end)
    if scale:
        value, end = value * _VAGUE[scale[1].lower()], scale.end()
    elif word == "tens":
        return None
    of = _OF.match(text, end)
    number = amount(text, start, of.end() if of else end, value)
    return number._replace(end=number.end if number.unit else end, bound="≫")


def _multiple(text: str, word: str, start: int, end: int) -> Quantity | None:
    if word in _MULTIPLES:
        return amount(text, start, end, _MULTIPLES[word], "×")
    return None if text.startswith("-", end) else amount(text, start, end, _TIMES[word], "times")


def _war(text: str, word: str, start: int, end: int) -> Quantity | None:
    """The number of a world war, or None."""
    war = _WORLD_WAR.match(text, start)
    return Quantity(start, war.end(), (float(_WARS[(war[1] or war[2]).lower()]),), "war") if war else None


def _one_unit(text: str, word: str, start: int, end: int) -> Quantity | None:
    """A unit after "a": "a week", "an hour and a half"."""
    article = _A.search(text, max(0, start - 4), start)
    if not article:
        return None
    more, part_end = and_part(text, end)
    return amount(text, article.start(), part_end, 1 + more, word)._replace(is_implied=not more)


def _implied(text: str, word: str, start: int, end: int) -> Quantity | None:
    return amount(text, start, end, float(_IMPLIED[word]))._replace(is_implied=True)


def _hat_trick(text: str, word: str, start: int, end: int) -> Quantity | None:
    return Quantity(start, end + 6, (3.0,)) if text.startswith("trick", end + 1) else None


def _noon(text: str, word: str, start: int, end: int) -> Quantity | None:
    return Quantity(start, end, (0.0 if word == "midnight" else 720.0,), "clock")


def _decade(text: str, word: str, start: int, end: int) -> Quantity | None:
    return Quantity(start, end, (float(_DECADES[word]),), "decade")


def _vulgar(text: str, word: str, start: int, end: int) -> Quantity | None:
    number = amount(text, start, end, VULGAR[word])
    return number if number.unit else number._replace(unit="part")


# Reader by first word. Arguments: the text, the lower-case word, its start and end.
_READERS = {
    **dict.fromkeys([*_UNITS, *_TENS, *(word for word in SCALES if not word.endswith("s"))], _spelled),
    **dict.fromkeys([*_ORDINALS, "quarter"], _ordinal),
    **dict.fromkeys(_VAGUE, _vague),
    **dict.fromkeys([*_MULTIPLES, *_TIMES], _multiple),
    **dict.fromkeys(_IMPLIED, _implied),
    **dict.fromkeys(_DECADES, _decade),
    **dict.fromkeys(VULGAR, _vulgar),
    **dict.fromkeys(_UNIT_WORDS, _one_unit),
    **dict.fromkeys(["world", "ww", "wwi", "wwii"], _war),
    **dict.fromkeys(["noon", "midday", "midnight"], _noon),
    "half": _half,
    "hat": _hat_trick,
}
READERS = {form: reader for word, reader in _READERS.items() for form in (word, word.capitalize(), word.upper())}
