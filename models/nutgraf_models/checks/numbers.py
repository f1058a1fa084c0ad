"""Whether a text has the numbers of another."""

import math
import re
from bisect import bisect_left, bisect_right
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
    r"\s?(?:[-–:&/]|to)\s?|(?:\s[a-z]+){1,2}\s(?:to|against)\s|,?\s(?:[A-Z][\w.'’]*\s){1,4}|"
    r"\s(?:for|in favour),?(?: and)?\s"
)
_WIDEST_JOINT = 40
_AND, _BETWEEN = re.compile(r"\sand\s"), re.compile(r"\bbetween\s$", re.I)
_OUT_OF = re.compile(r"[\s-]out[\s-]of[\s-]")
_PLAIN = frozenset({"", "ordinal", "nth"})
_DEGREES = frozenset({"degree", "°C", "°F"})
# Units that are always written.
_ALWAYS_SAID = CURRENCIES | {"%", "part", "×", "war", "clock", "date", "decade", "pair"}
_OPPOSITE = ({">", "<"}, {">", "≤"})
# What is counted in years.
_YEARLY = frozenset({"anniversary", "birthday"})
# A line of the table has nouns that may count the same things.
_KINDS: dict[str, int] = {
    noun: kind
    for kind, line in enumerate(Path(__file__).with_name("kinds.txt").read_text(encoding="utf-8").splitlines())
    for noun in line.split()
}


class NumberIndex:
    """The numbers of an article, for looking up those of its summaries.

    `months` has the months of its dates, which may be in figures.
    """

    def __init__(self, text: str) -> None:
        found = quantities(text)
        together = linked(text, found)
        self._dates = close_dates(text) | {value for one in found if one.unit == "date" for value in one.values}
        self.months = {MONTHS[int(date) // 100 - 1] for date in self._dates if 100 <= date < 1300}
        self._pairs = {one.values for one in found if one.unit == "pair"} | set(_pairs(text, found, together))
        # By their values as they are written, and by what they measure.
        self._valued: dict[float, list[Quantity]] = defaultdict(list)
        self._measured: dict[tuple[str, float], list[Quantity]] = defaultdict(list)
        # Where it stands makes no difference.
        sources = (one._replace(start=0, end=0) for one in (*found, *together.values(), *_within(text, found)))
        for source in dict.fromkeys(sources):
            for value in source.values:
                self._valued[_key(value)].append(source)
            for measure in _measures(source):
                self._measured[measure].append(source)
        self._sorted: dict[str, list[float]] = defaultdict(list, {"": sorted(self._valued)})
        for name, size in sorted(self._measured):
            self._sorted[name].append(size)

    def unsupported(self, text: str, found: Sequence[Quantity]) -> list[tuple[int, int]]:
        """Where `text`, whose quantities are `found`, has numbers that the article lacks."""
        together = linked(text, found)
        wrong = []
        for place, one in enumerate(found):
            if place in together:
                said, other = together[place], found[place + 1]
                are_apart = self._has(one) and self._has(other)
                # The numbers of "5-10 people" count people; those of "two out of six" may be of six women, and of two.
                if said.unit == "pair":
                    is_found = are_apart and self._has(said)
                else:
                    is_found = self._has(said) or (are_apart and bool(_OUT_OF.fullmatch(text, one.end, other.start)))
            elif place - 1 in together:
                continue
            else:
                said, is_found = one, self._has(one)
            if not is_found:
                wrong.append((said.start, said.end))
        return wrong

    def _has(self, said: Quantity) -> bool:
        if said.is_implied:
            return True
        if said.unit == "date":
            return not self._dates.isdisjoint(said.values)
        if said.unit == "pair":
            return said.values in self._pairs or said.values[::-1] in self._pairs
        if said.bound == "≫":
            least = said.values[0]
            near = self._between(said, least, _VAGUENESS * least)
            return any(value == least or source.bound != "≫" for value, source in near)
        exact = [
            *(source for measure in _measures(said) for source in self._measured.get(measure, ())),
            *(source for value in said.values for source in self._valued.get(_key(value), ()) if _can_be(said, source)),
        ]
        if any({said.bound, source.bound} not in _OPPOSITE for source in exact):
            return True
        return self._has_decade(said) if said.unit == "decade" else self._is_rounded(said)

    def _between(self, said: Quantity, low: float, high: float) -> Iterator[tuple[float, Quantity]]:
        """The values from `low` to `high`, in the unit of `said`, of what may count or measure the same thing."""
        for value in _slice(self._sorted[""], low, high):
            yield from ((value, one) for one in self._valued[value] if one.unit == said.unit or _can_be(said, one))
        for measure, size in MEASURES.get(said.unit, ()):
            for value in _slice(self._sorted[measure], low * size, high * size):
                yield from ((value / size, one) for one in self._measured[measure, value])

    def _has_decade(self, said: Quantity) -> bool:
        """Whether the article has a year, an age or a decade of "the 1990s" and "the forties"."""
        first = said.values[0]
        age = said._replace(unit="year")
        near = [*self._between(age, first, first + 9)]
        for century in (1900, 2000):
            if first < 100:
                near += self._between(age, century + first, century + first + 9)
            for decade in (first + century, first - century):
                near += self._between(said, decade, decade)
        return bool(near)

    def _is_rounded(self, said: Quantity) -> bool:
        """Whether the text says itself that the number is not exact, and the article has one that it may stand for."""
        number = abs(said.values[-1])
        if not said.bound or not number:
            return False
        digits = 0 if said.unit in ("part", "nth") else _significant_digits(number)
        low, high = number * (1 - _ROUNDING), number * (1 + _ROUNDING)
        if said.bound == ">":
            # "More than 1,000" is up to the next thousand.
            step = 10.0 ** (math.floor(math.log10(number)) - digits + 1) if digits else 2 * _ROUNDING * number
            low, high = number, max(high, number + step)
        elif said.bound != "≈":
            high = number
        if said.values[0] < 0:
            low, high = -high, -low
        return any(digits < _significant_digits(value) for value, _ in self._between(said, low, high))


def _pairs(text: str, found: Sequence[Quantity], together: dict[int, Quantity]) -> Iterator[tuple[float, ...]]:
    for place, (one, other) in enumerate(pairwise(found)):
        if place in together:
            yield one.values[0], other.values[0]
        elif place - 1 in together or place + 1 in together or other.start - one.end > _WIDEST_JOINT:
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


def _can_be(said: Quantity, source: Quantity) -> bool:
    """Whether two equal numbers can be the same, of which at least one has no unit."""
    plain, measured = (said, source) if said.unit in _PLAIN else (source, said)
    is_shared = bool(said.counted & source.counted)
    if plain.unit not in _PLAIN:
        return False
    if measured.unit in _PLAIN:
        if said.unit == source.unit == "":
            return source.is_implied or not _count_different_things(said, source)
        count = said if said.unit == "" else source
        return source.is_implied or is_shared or not count.counted
    if measured.unit == "times":
        return True
    if measured.unit == "points":
        return "point" in plain.counted
    if measured.unit in _DEGREES:
        return said is plain and said.values[0] < 0
    if plain.unit:
        return measured.unit in plain.counted or (measured.unit == "year" and bool(_YEARLY & plain.counted))
    if measured.unit in _ALWAYS_SAID:
        return said is plain and measured.unit in CURRENCIES and (is_shared or not plain.counted)
    return measured.unit in plain.counted or not plain.counted


def _count_different_things(one: Quantity, other: Quantity) -> bool:
    """Whether it is known of two counts that they are of different things, people and ships."""
    kinds, others = ({_KINDS[noun] for noun in quantity.counted if noun in _KINDS} for quantity in (one, other))
    return bool(kinds and others) and kinds.isdisjoint(others)


def _slice(values: Sequence[float], low: float, high: float) -> Sequence[float]:
    """Those of sorted values that are from `low` to `high`."""
    return values[bisect_left(values, low) : bisect_right(values, high)]


def _significant_digits(value: float) -> int:
    return len(f"{value:.9g}".split("e")[0].replace(".", "").replace("-", "").strip("0"))


def _key(value: float) -> float:
    return float(f"{value:.9g}")
