"""Amounts: a number with its sign, scale and unit, its exactness, and the noun that it counts."""

import re
from typing import NamedTuple

from nutgraf_models.checks.forms import fold, singular
from nutgraf_models.checks.units import CURRENCIES, unit_after, unit_before

SCALES = {
    **{"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12},
    **{"dozen": 12.0, "lakh": 1e5, "lakhs": 1e5, "crore": 1e7, "crores": 1e7},
}
_SHORT_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12}
_SCALE = re.compile(
    r"(?:[\s-]{0,2}(hundred|thousand|million|billion|trillion|dozen|lakhs?|crores?)|([kmb])|\s?(mn|mln|bn|tn))\b", re.I
)
_PERCENT = re.compile(r"[\s-]?(?:%|per[\s-]?cent(?:age)?\b|percentage\b|pc\b)([\s-]points?\b)?", re.I)
_MINUS = re.compile(r"(?<![^\s(])(?:[-−]|(?:minus|negative)\s|(–))$", re.I)
_BELOW_ZERO = re.compile(r"\s?below (?:zero|freezing)\b|[\s-]under[\s-]par\b", re.I)
# A fall of 5% is a change of -5%.
_FALLING = re.compile(
    r"\b(?:f[ae]ll\w*|drop\w*|down|declin\w+|decreas\w+|shr[aiu]nk\w*|contract\w*|los[ste]\w*|cut|lower|slump\w*|"
    r"plung\w*|slid|tumbl\w*|deficit)\b[^.;\d]*$",
    re.I,
)
_BOUNDS = (">", "<", "≤", "≈")
_BOUND_BEFORE = re.compile(
    r"\b(?:(more than|over|at least|no (?:less|fewer) than|above|in excess of|upwards of|exceed\w*|top(?:s|ped))"
    r"|(no more than|less than|fewer than|under|below|up to|at most|a maximum of)"
    r"|(nearly|almost|just short of|close to|just under)"
    r"|(about|around|some|roughly|approximately|an estimated|circa))\s(?:an?\s)?$",
    re.I,
)
_BOUND_AFTER = re.compile(r"(\+|-plus\b|\sor more\b)|(\sor (?:less|fewer)\b)|((?!))|(-odd\b|\sor so\b)", re.I)
# Words that end the noun phrase after a number.
_NOT_COUNTED = (
    "in|on|at|of|for|to|from|by|with|and|or|but|as|than|that|who|which|were|was|is|are|has|have|had|will|would|can|"
    "could|may|might|said|says|while|when|after|before|since|until|under|over|between|into|out|up|down|per|more|less|"
    "fewer|not|also|only|all|the|a|an|its|their|his|her|strong|plus|odd|been|be|this|it|they|he|she|we|if|so|"
    "there|against|during|across|among|including|ago|last|next|other|others|about"
)
_COUNTED = re.compile(rf"(?:[\s-](?!(?:{_NOT_COUNTED})\b)[a-zà-ÿ]+(?:['’][a-z]+)?){{1,3}}")
YEARS = range(1900, 2100)


class Quantity(NamedTuple):
    """The quantity written in `text[start:end]`.

    `values`: the possible readings; more than one if the notation is ambiguous.
    `unit`: a unit of `units.py`, "" for a count, or one of: "ordinal", "nth" ("a third": ordinal or fraction), "×" (a
    multiple), "points" (percentage points), "clock" (minutes of the day), "date" (100 * month + day), "decade" (its
    first year), "pair" (both `values` together: "24/7", the years of "2014-15"), "war" (the number of a world war).
    `counted`: the words after the number, in the singular; one of them is the noun that it counts.
    `bound`: ">" for "more than", "<" for "less than", "≤" for "nearly", "≈" for "about", "≫" for "dozens" and the like,
    whose `values` hold the minimum.
    `factor`: the multiplier from a word or letter such as "million".
    `is_plain`: digits and nothing else. `is_implied`: a word that only implies the number, such as "both".
    """

    start: int
    end: int
    values: tuple[float, ...]
    unit: str = ""
    counted: frozenset[str] = frozenset()
    bound: str = ""
    factor: float = 1.0
    is_plain: bool = False
    is_implied: bool = False


def amount(text: str, start: int, end: int, value: float, unit: str = "", *, is_plain: bool = False) -> Quantity:
    """The amount around the number in `text[start:end]`, which includes the `unit` if one is given."""
    number = start
    factor, end, is_letter = (1.0, end, False) if unit else _scale(text, end)
    percent = None if unit else _PERCENT.match(text, end)
    before = None if unit or percent else unit_before(text, start)
    after = None if unit or percent or before else unit_after(text, end)
    if percent:
        unit, end = "points" if percent[1] else "%", percent.end()
    elif before:
        unit, start = before
    elif after:
        unit, end = after
    # "100m" may be a distance; "$100m" is not.
    values: tuple[float, ...] = (value, value * factor) if is_letter and not unit else (value * factor,)
    minus = _MINUS.search(text, max(0, start - 10), start)
    below = _BELOW_ZERO.match(text, end)
    # A dash before a plain number is not a minus sign.
    if below or (minus and (unit or not minus[1])):
        values = tuple(-value for value in values)
        start, end = minus.start() if minus else start, below.end() if below else end
    elif (unit == "%" or unit in CURRENCIES) and _FALLING.search(text, max(0, start - 30), start):
        values += tuple(-value for value in values)
    is_open = len(values) > 1 and not unit
    is_year = is_plain and value in YEARS and number == start
    return Quantity(
        start,
        end,
        values,
        unit,
        frozenset() if is_year or is_open else counted(text, end),
        bound(text, start, end),
        factor,
        is_plain=is_plain and factor == 1 and not unit and start == number,
    )


def counted(text: str, end: int) -> frozenset[str]:
    """The words after a number, in the singular; one of them may be the noun that it counts."""
    words = _COUNTED.match(text, end)
    return (
        frozenset(singular(fold(word)) for word in re.split(r"[\s-]", words[0].strip(" -\n"))) if words else frozenset()
    )


def bound(text: str, start: int, end: int) -> str:
    found = _BOUND_BEFORE.search(text, max(0, start - 24), start) or _BOUND_AFTER.match(text, end)
    return _BOUNDS[(found.lastindex or 1) - 1] if found else ""


def _scale(text: str, end: int) -> tuple[float, int, bool]:
    """The multiplier after a number ("million", "bn"), its end, and whether it is a single letter."""
    factor = 1.0
    while scale := _SCALE.match(text, end):
        word, letter, short = scale.groups()
        letters = letter or short
        if letters and factor > 1:
            break
        factor *= SCALES[word.lower()] if word else _SHORT_SCALES[letters.lower()]
        end = scale.end()
        if letters:
            return factor, end, bool(letter)
    return factor, end, False
