"""Whether a text has the numbers of another."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from nutgraf_models.checks.amounts import Quantity
from nutgraf_models.checks.dates import MONTHS, close_dates
from nutgraf_models.checks.quantities import linked, quantities
from nutgraf_models.checks.units import CURRENCIES, MEASURES

# What is said to be about, nearly or above a number may be this far from it.
_ROUNDING = 0.1
# "Hundreds" are up to so many hundred.
_VAGUENESS = 100
# What joins two numbers to a pair: "two goals to one", "between 10 and 12", "Rangers 3, Hearts 1".
_JOINT = re.compile(
    r"\s?(?:[-–:&/]|to)\s?|(?:\s[a-z]+){1,2}\s(?:to|against)\s|,?\s(?:[A-Z][\w.'’]*\s){1,4}|\s(?:for|in favour),?(?: and)?\s"
)
_AND, _BETWEEN = re.compile(r"\sand\s"), re.compile(r"\bbetween\s$", re.I)
_DEGREES = frozenset({"degree", "°C", "°F"})
# No number is so much without saying so.
_NEVER_LEFT_OUT = CURRENCIES | _DEGREES | {"%", "part", "points", "×", "war", "clock", "date", "decade"}
_OPPOSITE = ({">", "<"}, {">", "≤"})
# A line of the table has nouns that may count the same.
_KINDS: dict[str, int] = {
    noun: kind
    for kind, line in enumerate(Path(__file__).with_name("kinds.txt").read_text(encoding="utf-8").splitlines())
    for noun in line.split()
}
# An anniversary is counted in years.
_YEARLY = frozenset({"anniversary", "birthday"})


class NumberIndex:
    """The numbers of an article, for looking up those of its summaries."""

    def __init__(self, text: str) -> None:
        found = quantities(text)
        together = linked(text, found)
        self._dates = close_dates(text) | {value for one in found if one.unit == "date" for value in one.values}
        # The months of dates in figures, for which there may be no word.
        self.months = {MONTHS[int(date) // 100 - 1] for date in self._dates if 100 <= date < 1300}
        self._pairs = {one.values for one in found if one.unit == "pair"} | set(_pairs(text, found, together))
        self._sources = [*found, *together.values(), *_within(text, found)]
        self._measured: dict[tuple[str, float], list[Quantity]] = defaultdict(list)
        self._valued: dict[float, list[Quantity]] = defaultdict(list)
        for source in self._sources:
            for measure in _measures(source):
                self._measured[measure].append(source)
            for value in source.values:
                self._valued[_key(value)].append(source)

    def unsupported(self, text: str, found: Sequence[Quantity]) -> list[tuple[int, int]]:
        """Where `text`, whose quantities are `found`, has numbers that the article lacks."""
        together = linked(text, found)
        said = [together.get(place, one) for place, one in enumerate(found) if place - 1 not in together]
        return [(one.start, one.end) for one in said if not self._has(one)]

    def _has(self, said: Quantity) -> bool:
        if said.is_implied:
            return True
        if said.unit == "date":
            return not self._dates.isdisjoint(said.values)
        if said.unit == "pair":
            return said.values in self._pairs or said.values[::-1] in self._pairs
        if said.bound == "≫":
            least = said.values[0]
            return any(
                least <= value < (_VAGUENESS * least if source.bound != "≫" else least + 1)
                for source in self._sources
                for value in _comparable(said, source)
            )
        exact = [
            *(source for measure in _measures(said) for source in self._measured.get(measure, ())),
            *(source for value in said.values for source in self._valued.get(_key(value), ()) if _can_be(said, source)),
        ]
        if any({said.bound, source.bound} not in _OPPOSITE for source in exact):
            return True
        return self._has_decade(said) if said.unit == "decade" else self._is_rounded(said)

    def _has_decade(self, said: Quantity) -> bool:
        """Whether the article has a year, or an age, of "the 1990s" and "the forties"."""
        first = said.values[0]
        return any(
            first <= value < first + 10
            or ((first < 100 <= value or (value < 100 <= first and source.unit == "decade")) and (value - first) % 100 < 10)
            for source in self._sources
            if source.unit in ("", "year", "decade") and not source.counted
            for value in source.values
        )

    def _is_rounded(self, said: Quantity) -> bool:
        """Whether the text says itself that the number is not exact, and the article has one that it may stand for."""
        if not said.bound:
            return False
        number = abs(said.values[-1])
        digits = 0 if said.unit == "part" else _significant_digits(number)
        step = 10.0 ** (math.floor(math.log10(number)) - digits + 1) if digits else 2 * _ROUNDING * number
        low = number if said.bound == ">" else number * (1 - _ROUNDING)
        high = number * (1 + _ROUNDING) if said.bound in ">≈" else number
        if said.bound == ">":
            high = max(high, number + step)
        return any(
            low <= abs(value) <= high and digits < _significant_digits(value)
            for source in self._sources
            if source.values[0] * said.values[0] > 0
            for value in _comparable(said, source)
        )


def _pairs(text: str, found: Sequence[Quantity], together: dict[int, Quantity]) -> Iterator[tuple[float, ...]]:
    for place, (one, other) in enumerate(pairwise(found)):
        if place in together:
            yield one.values[0], other.values[0]
        elif place - 1 in together or place + 1 in together or other.start - one.end > 40:
            continue
        elif _JOINT.fullmatch(text, one.end, other.start) or (
            _AND.fullmatch(text, one.end, other.start)
            and (other.values[0] == one.values[0] + 1 or _BETWEEN.search(text, max(0, one.start - 9), one.start))
        ):
            yield from ((first, second) for first in one.values for second in other.values)


def _within(text: str, found: Sequence[Quantity]) -> Iterator[Quantity]:
    """Numbers within pairs and dates: the years of "2014-15", the day and the year of "3/5/2015"."""
    for one in found:
        if one.unit == "pair":
            yield from (Quantity(one.start, one.end, (value,)) for value in one.values)
        elif one.unit == "date":
            yield from (Quantity(one.start, one.end, (value % 100,), "ordinal") for value in one.values)
            year = re.search(r"\d{4}", text[one.start : one.end])
            if year:
                yield Quantity(one.start, one.end, (float(year[0]),))


def _measures(quantity: Quantity) -> Iterator[tuple[str, float]]:
    """What is measured, in units that can be compared, and how much of it."""
    for value in quantity.values:
        if quantity.unit == "×":
            yield "factor", _key(value)
            # What doubles rises by 100 per cent; what is halved falls by half.
            yield "share", _key(value - 1 if value > 1 else value)
        elif quantity.unit:
            for measure, size in MEASURES.get(quantity.unit, ((quantity.unit, 1.0),)):
                yield measure, _key(value * size)


def _comparable(said: Quantity, source: Quantity) -> Iterator[float]:
    """The values of `source` in the unit of `said`, if it can be the same thing that they count or measure."""
    if said.unit == source.unit or _can_be(said, source):
        yield from source.values
    for measure, size in MEASURES.get(said.unit, ()):
        yield from (value / size for other, value in _measures(source) if other == measure)


def _can_be(said: Quantity, source: Quantity) -> bool:
    """Whether two equal numbers can be the same, of which one or both lack a unit."""
    if source.is_implied and source.unit in ("", "ordinal"):
        return said.unit in ("", "times", "ordinal")
    is_shared = said.unit in source.counted or source.unit in said.counted
    if source.unit in ("", "ordinal", "nth") and said.unit in ("", "ordinal", "nth"):
        is_shared = bool(said.counted & source.counted)
    if said.unit == "":
        if source.unit == "":
            return not _count_different_things(said, source)
        if source.unit in _DEGREES:
            return said.values[0] < 0
        if source.unit == "points":
            return "point" in said.counted
        if source.unit in ("%", "part", "date", "decade", "clock", "×", "war"):
            return False
        return source.unit == "times" or not said.counted or is_shared
    if source.unit == "":
        if said.unit == "points":
            return "point" in source.counted
        return said.unit == "times" or (said.unit not in _NEVER_LEFT_OUT and (not source.counted or is_shared))
    if said.unit in ("ordinal", "nth") and source.unit == "year":
        return bool(_YEARLY & said.counted)
    units = {said.unit, source.unit}
    return bool(units & {"ordinal", "nth"}) and (is_shared or "times" in units)


def _count_different_things(one: Quantity, other: Quantity) -> bool:
    """Whether it is known of two counts that they are of different things, people and ships."""
    kinds, others = ({_KINDS[noun] for noun in quantity.counted if noun in _KINDS} for quantity in (one, other))
    return bool(kinds and others) and kinds.isdisjoint(others)


def _significant_digits(value: float) -> int:
    return len(f"{value:.9g}".split("e")[0].replace(".", "").replace("-", "").strip("0"))


def _key(value: float) -> float:
    return float(f"{value:.9g}")
