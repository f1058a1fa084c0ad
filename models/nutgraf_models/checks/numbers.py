"""Lookup of a summary's numbers in its article."""

import math
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path

from nutgraf_models.checks.amounts import Quantity
from nutgraf_models.checks.dates import MONTHS, close_dates
from nutgraf_models.checks.quantities import linked, quantities
from nutgraf_models.checks.units import CURRENCIES, MEASURES

# Maximum relative difference for "about", "nearly" or "more than" a number.
_ROUNDING = 0.1
# "Hundreds" may be up to this many hundred.
_VAGUENESS = 100
# Text between the numbers of a pair: "two goals to one", "between 10 and 12", "Rangers 3, Hearts 1".
_JOINT = re.compile(
    r"\s?(?:[-–:&/]|to)\s?|(?:\s[a-z]+){1,2}\s(?:to|against)\s|,?\s(?:[A-Z][\w.'’]*\s){1,4}|"
    r"\s(?:for|in favour),?(?: and)?\s"
)
_MAX_JOINT = 40
_AND, _BETWEEN = re.compile(r"\sand\s"), re.compile(r"\bbetween\s$", re.I)
_OUT_OF = re.compile(r"[\s-]out[\s-]of[\s-]")
_PLAIN = frozenset({"", "ordinal", "nth"})
_DEGREES = frozenset({"degree", "°C", "°F"})
# Units that are never left out.
_EXPLICIT = CURRENCIES | {"%", "part", "×", "war", "clock", "date", "decade", "pair"}
_OPPOSITE = ({">", "<"}, {">", "≤"})
# Nouns counted in years.
_YEARLY = frozenset({"anniversary", "birthday"})
# Each line of the table has nouns that may denote the same things.
_KINDS: dict[str, int] = {
    noun: kind
    for kind, line in enumerate(Path(__file__).with_name("kinds.txt").read_text(encoding="utf-8").splitlines())
    for noun in line.split()
}


class NumberIndex:
    """An index of an article's numbers, for looking up those of its summaries.

    `months`: the months of its dates, including those in figures.
    """

    def __init__(self, text: str) -> None:
        found = quantities(text)
        together = linked(text, found)
        self._dates = close_dates(text) | {
            value for number in found if number.unit == "date" for value in number.values
        }
        self.months = {MONTHS[int(date) // 100 - 1] for date in self._dates if 100 <= date < 1300}
        self._pairs = {number.values for number in found if number.unit == "pair"} | set(_pairs(text, found, together))
        # By value as written, and by measure and base value.
        self._valued: dict[float, list[Quantity]] = defaultdict(list)
        self._measured: dict[tuple[str, float], list[Quantity]] = defaultdict(list)
        # Positions are dropped so that equal quantities are stored once.
        sources = (number._replace(start=0, end=0) for number in (*found, *together.values(), *_within(text, found)))
        for source in dict.fromkeys(sources):
            for value in source.values:
                self._valued[_key(value)].append(source)
            for measure in _measures(source):
                self._measured[measure].append(source)
        self._sorted: dict[str, list[float]] = defaultdict(list, {"": sorted(self._valued)})
        for name, size in sorted(self._measured):
            self._sorted[name].append(size)

    def unsupported(self, text: str, found: Sequence[Quantity]) -> list[tuple[int, int]]:
        """Spans of numbers in `text` that the article lacks; `found` are the quantities of `text`."""
        together = linked(text, found)
        wrong = []
        for index, number in enumerate(found):
            if index in together:
                said, following = together[index], found[index + 1]
                has_both = self._has(number) and self._has(following)
                # Both numbers of "5-10 people" count people; "two out of six" may be two and six of different things.
                if said.unit == "pair":
                    is_found = has_both and self._has(said)
                else:
                    is_found = self._has(said) or (
                        has_both and bool(_OUT_OF.fullmatch(text, number.end, following.start))
                    )
            elif index - 1 in together:
                continue
            else:
                said, is_found = number, self._has(number)
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
            minimum = said.values[0]
            near = self._between(said, minimum, _VAGUENESS * minimum)
            return any(value == minimum or source.bound != "≫" for value, source in near)
        exact = [
            *(source for measure in _measures(said) for source in self._measured.get(measure, ())),
            *(source for value in said.values for source in self._valued.get(_key(value), ()) if _can_be(said, source)),
        ]
        if any({said.bound, source.bound} not in _OPPOSITE for source in exact):
            return True
        return self._has_decade(said) if said.unit == "decade" else self._is_rounded(said)

    def _between(self, said: Quantity, low: float, high: float) -> Iterator[tuple[float, Quantity]]:
        """Article values from `low` to `high`, in the unit of `said`, that may count or measure the same thing."""
        for value in _slice(self._sorted[""], low, high):
            yield from (
                (value, source) for source in self._valued[value] if source.unit == said.unit or _can_be(said, source)
            )
        for measure, size in MEASURES.get(said.unit, ()):
            for value in _slice(self._sorted[measure], low * size, high * size):
                yield from ((value / size, source) for source in self._measured[measure, value])

    def _has_decade(self, said: Quantity) -> bool:
        """Whether the article contains a year, an age or a decade within "the 1990s" or "the forties"."""
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
        """Whether the number is marked as inexact ("about") and the article contains a value that it may round."""
        number = abs(said.values[-1])
        if not said.bound or not number:
            return False
        digits = 0 if said.unit in ("part", "nth") else _significant_digits(number)
        low, high = number * (1 - _ROUNDING), number * (1 + _ROUNDING)
        if said.bound == ">":
            # "More than 1,000" may be up to the next thousand.
            step = 10.0 ** (math.floor(math.log10(number)) - digits + 1) if digits else 2 * _ROUNDING * number
            low, high = number, max(high, number + step)
        elif said.bound != "≈":
            high = number
        if said.values[0] < 0:
            low, high = -high, -low
        return any(digits < _significant_digits(value) for value, _ in self._between(said, low, high))


def _pairs(text: str, found: Sequence[Quantity], together: dict[int, Quantity]) -> Iterator[tuple[float, ...]]:
    for index, (first, second) in enumerate(pairwise(found)):
        if index in together:
            yield first.values[0], second.values[0]
        elif index - 1 in together or index + 1 in together or second.start - first.end > _MAX_JOINT:
            continue
        elif _JOINT.fullmatch(text, first.end, second.start) or (
            _AND.fullmatch(text, first.end, second.start)
            and (second.values[0] == first.values[0] + 1 or _BETWEEN.search(text, max(0, first.start - 9), first.start))
        ):
            yield from product(first.values, second.values)


def _within(text: str, found: Sequence[Quantity]) -> Iterator[Quantity]:
    """Numbers within pairs and dates: the years of "2014-15", the day and the year of "3/5/2015"."""
    for number in found:
        if number.unit == "pair":
            yield from (Quantity(number.start, number.end, (value,)) for value in number.values)
        elif number.unit == "date":
            yield from (Quantity(number.start, number.end, (value % 100,), "ordinal") for value in number.values)
            year = re.search(r"\d{4}", text[number.start : number.end])
            if year:
                yield Quantity(number.start, number.end, (float(year[0]),))


def _measures(quantity: Quantity) -> Iterator[tuple[str, float]]:
    """The measures of a quantity with its value in the base unit, for comparison across units."""
    for value in quantity.values:
        if quantity.unit == "×":
            yield "factor", _key(value)
            # Doubling is a rise of 100 per cent; halving is a fall by half.
            yield "share", _key(value - 1 if value > 1 else value)
        elif quantity.unit:
            for measure, size in MEASURES.get(quantity.unit, ((quantity.unit, 1.0),)):
                yield measure, _key(value * size)


def _can_be(said: Quantity, source: Quantity) -> bool:
    """Whether two equal values, at least one of them without a unit, may be the same quantity."""
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
    if measured.unit in _EXPLICIT:
        return said is plain and measured.unit in CURRENCIES and (is_shared or not plain.counted)
    return measured.unit in plain.counted or not plain.counted


def _count_different_things(first: Quantity, second: Quantity) -> bool:
    """Whether two counts are known to be of different things, such as people and ships."""
    kinds, other_kinds = ({_KINDS[noun] for noun in quantity.counted if noun in _KINDS} for quantity in (first, second))
    return bool(kinds and other_kinds) and kinds.isdisjoint(other_kinds)


def _slice(values: Sequence[float], low: float, high: float) -> Sequence[float]:
    """The part of the sorted `values` from `low` to `high`."""
    return values[bisect_left(values, low) : bisect_right(values, high)]


def _significant_digits(value: float) -> int:
    return len(f"{value:.9g}".split("e")[0].replace(".", "").replace("-", "").strip("0"))


def _key(value: float) -> float:
    return float(f"{value:.9g}")
