"""Whether a text has the numbers of another."""

import re
from collections import defaultdict
from itertools import pairwise

from nutgraf_models.checks.amounts import Quantity
from nutgraf_models.checks.quantities import close_dates, quantities

# Of what is said to be about, above or below a number, the number may be this far.
_ROUNDING = 0.1
_ABOVE = re.compile(r"\b(?:more than|over|at least|above|in excess of|upwards of)\s+(?:a\s+)?$", re.I)
_BELOW = re.compile(
    r"\b(?:less than|fewer than|under|below|nearly|almost|up to|just short of|close to)\s+(?:a\s+)?$", re.I
)
_ABOUT = re.compile(r"\b(?:about|around|some|roughly|approximately|an estimated|close to)\s+(?:a\s+)?$", re.I)
_PAIR_GAP = 24
_APART = re.compile(r"[.,;:!?\n]")
_SCORE = re.compile(r"[-–]")


class NumberIndex:
    """The numbers of an article, for looking up those of its summaries."""

    def __init__(self, text: str) -> None:
        self._units: dict[float, set[str]] = defaultdict(set)
        # Numbers next to each other.
        self._joined: set[tuple[float, ...]] = set()
        self._dates = close_dates(text)
        found = quantities(text)
        for quantity in found:
            for value in quantity.values:
                self._units[_key(value)].add("" if quantity.unit == "joined" else quantity.unit)
            if quantity.unit == "joined":
                self._joined.add(quantity.values)
            if quantity.unit == "date":
                self._dates |= set(quantity.values)
                day_or_year = re.findall(r"\d+", text[quantity.start : quantity.end])
                for value in day_or_year:
                    self._units[float(value)].add("")
        for one, other in pairwise(found):
            if other.start - one.end <= _PAIR_GAP and not _APART.search(text, one.end, other.start):
                self._joined |= {(a, b) for a in one.values for b in other.values}

    def unsupported(self, text: str, found: list[Quantity]) -> list[tuple[int, int]]:
        """Where `text`, whose quantities are `found`, has numbers that the article lacks."""
        wrong = []
        paired = 0
        for place, quantity in enumerate(found):
            other = found[place + 1] if place + 1 < len(found) else None
            if place < paired:
                continue
            if other is not None and _is_score(text, quantity, other):
                paired = place + 2
                a, b = quantity.values[0], other.values[0]
                if not {(a, b), (b, a)} & self._joined:
                    wrong.append((quantity.start, other.end))
            elif not self._has(text, quantity):
                wrong.append((quantity.start, quantity.end))
        return wrong

    def _has(self, text: str, quantity: Quantity) -> bool:
        unit = quantity.unit
        if unit == "implied":
            return True
        if unit == "date":
            return any(value in self._dates for value in quantity.values)
        if unit == "vague":
            return self._has_about(quantity.values[0])
        if unit == "joined":
            return quantity.values in self._joined
        if any(self._has_value(value, unit) for value in quantity.values):
            return True
        return (not unit and self._has_decade(text, quantity)) or self._is_rounded(text, quantity)

    def _has_value(self, value: float, unit: str) -> bool:
        units = self._units.get(_key(value), set())
        if unit == "part":
            return "part" in units or bool({"%", ""} & self._units.get(_key(100 * value), set())) or "implied" in units
        if unit == "%" and self._units.get(_key(value / 100), set()) & {"part", "implied"}:
            return True
        if unit == "":
            return bool(units - {"vague", "date"})
        return unit in units or "" in units

    def _has_about(self, least: float) -> bool:
        if "vague" in self._units.get(_key(least), ()):
            return True
        return any(least <= value < 1000 * least and units - {"date", "time"} for value, units in self._units.items())

    def _has_decade(self, text: str, quantity: Quantity) -> bool:
        value = quantity.values[0]
        if not text[quantity.start : quantity.end].endswith("s") or value % 10:
            return False
        return any(self._has_value(value + year, "") for year in range(1, 10))

    def _is_rounded(self, text: str, quantity: Quantity) -> bool:
        """Whether the text says itself that the number is not exact, and the article has one that it may stand for."""
        before = text[max(0, quantity.start - 20) : quantity.start]
        above, below, about = (pattern.search(before) for pattern in (_ABOVE, _BELOW, _ABOUT))
        if not (above or below or about):
            return False
        said = quantity.values[-1]
        low = said * (1 - _ROUNDING if below or about else 1)
        high = said * (1 + _ROUNDING if above or about else 1)
        return said >= 10 and any(
            low <= value <= high
            and (quantity.unit in units or "" in units)
            and _significant_digits(said) < _significant_digits(value)
            for value, units in self._units.items()
        )


def _significant_digits(value: float) -> int:
    return len(f"{value:.9g}".split("e")[0].replace(".", "").strip("0"))


def _is_score(text: str, one: Quantity, other: Quantity) -> bool:
    """Whether two numbers are one thing, "2-1": then the article must have both next to each other."""
    return (
        one.is_plain and other.is_plain and bool(_SCORE.fullmatch(text, one.end, other.start)) and one.values[0] < 1000
    )


def _key(value: float) -> float:
    return float(f"{value:.9g}")
