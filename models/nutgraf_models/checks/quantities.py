"""Numbers, amounts, shares, dates and times in a text, however they are written."""

import re
from collections.abc import Sequence
from itertools import pairwise

from nutgraf_models.checks.amounts import Quantity, amount, counted
from nutgraf_models.checks.dates import clock, date, spoken_clock
from nutgraf_models.checks.number_words import READERS, VULGAR, and_part
from nutgraf_models.checks.units import CURRENCIES, MEASURES

# Figures, in groups of three where spaces part them; words; fractions.
_TOKEN = re.compile(
    r"[^\W\d_]+|(?<![\d.,])(?:\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+|\d{1,3}(?: \d{3}){2,}|[1-9]\d? \d{3}|\d{3} 000)"
    r"(?![\w/:-]|[., ]\d)|\d+(?:[.,:/]\d+)*|[½¼¾⅓⅔]"
)
_SPACES = re.compile(r"\s")
_GROUPS = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?")
_SUFFIX = re.compile(r"(?:(st|nd|rd|th)|['’]?s)\b")
_SHORT_YEAR = re.compile(r"[-–/](\d\d)\b(?![-–/:.,]\d)")
_FRACTION = re.compile(r"\s?([½¼¾⅓⅔])|[\s-]([1-3])/([2-8])(?![\d/])")
_ROMAN = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_NAME_BEFORE = re.compile(r"\b[A-Z]\w*\s$")
_TO = re.compile(r"\s*(?:to|and|or|-|–|—|/)\s*(?:US|A)?[$£€¥₹]?$")
_FROM, _FAR_TO = re.compile(r"\bfrom\s$"), re.compile(r"\s[^.;:,\d\n]{1,30}\sto\s$")
_IN = re.compile(r"[\s-](?:in|out[\s-]of)[\s-](?:every\s)?")
# "Two in three games" is no share.
_PLAYED = frozenset("game match start appearance race over test round season outing attempt".split())
_HYPHEN = re.compile(r"[-–]")
_YEARS = range(1900, 2100)


def quantities(text: str) -> list[Quantity]:
    """The quantities in `text`, in order, none within another."""
    found: list[Quantity] = []
    done = 0
    for match in _TOKEN.finditer(text):
        word = match[0]
        if not (word in READERS or word[0].isdecimal() or word[0] in "IVX") or match.start() < done:
            continue
        start, end = match.span()
        if word in READERS:
            quantity = READERS[word](text, word.lower(), start, end)
        elif word[0].isdecimal():
            quantity = _figures(text, start, end)
        else:
            quantity = Quantity(start, end, (_roman(word),), "ordinal") if _is_roman(text, word, start) else None
        if quantity is not None:
            spoken = spoken_clock(text, quantity)
            found.append(spoken if spoken and spoken.start >= done else quantity)
            done = found[-1].end
    for place in range(len(found) - 2, -1, -1):
        found[place], found[place + 1] = _range(text, found[place], found[place + 1])
    return found


def linked(text: str, found: Sequence[Quantity]) -> dict[int, Quantity]:
    """What neighbours of `found` say together, a share ("one in four") or a pair ("2-1"), by the place of the first."""
    both: dict[int, Quantity] = {}
    for place, (one, other) in enumerate(pairwise(found)):
        if place - 1 in both or one.unit or other.unit or one.factor > 1:
            continue
        first, second = one.values[0], other.values[0]
        if one.is_plain and other.is_plain and first < 1000 and _HYPHEN.fullmatch(text, one.end, other.start):
            both[place] = Quantity(one.start, other.end, (first, second), "pair")
        elif 0 < first < second <= 1000 and not _PLAYED & other.counted and _IN.fullmatch(text, one.end, other.start):
            both[place] = Quantity(one.start, other.end, (first / second,), "part")
    return both


def _figures(text: str, start: int, end: int) -> Quantity | None:
    word = _SPACES.sub("", text[start:end])
    if start and text[start - 1].isalpha():
        return None  # "G20" is a name.
    moment = date(text, word, start, end) or clock(text, word, start, end)
    if moment is not None:
        return moment
    if "/" in word or ":" in word:
        parts = [float(re.sub(r"[.,]", "", part)) for part in re.split("[/:]", word)]
        if "/" in word and len(parts) == 2 and parts[0] < parts[1] < 9:
            return amount(text, start, end, parts[0] / parts[1], "part")
        return Quantity(start, end, _season(*parts) if len(parts) == 2 else tuple(parts), "pair")
    number = word
    if _GROUPS.fullmatch(word):
        number = word.replace(",", "")
    elif "," in word:
        number = word.replace(",", ".", 1).replace(",", "")
    if number.count(".") > 1:
        number = number.replace(".", "")
    value = float(number)
    fraction = _FRACTION.match(text, end)
    if fraction:
        more = VULGAR[fraction[1]] if fraction[1] else int(fraction[2]) / int(fraction[3])
        return amount(text, start, fraction.end(), value + more)
    more, behind = and_part(text, end)
    if more:
        return amount(text, start, behind, value + more)
    suffix = _SUFFIX.match(text, end)
    if suffix:
        unit = "ordinal" if suffix[1] else "decade" if value % 10 == 0 else ""
        return Quantity(start, suffix.end(), (value,), unit, counted(text, suffix.end()))
    short = _SHORT_YEAR.match(text, end)
    if short and value in _YEARS and end - start == 4:
        return Quantity(start, short.end(), _season(value, float(short[1])), "pair")
    return amount(text, start, end, value, is_plain=number.isdecimal())


def _season(first: float, second: float) -> tuple[float, float]:
    """ "2014-15" is 2014 and 2015."""
    return first, first - first % 100 + second if first in _YEARS and second < 100 else second


def _is_roman(text: str, word: str, start: int) -> bool:
    """Whether a word is the number of a name: "Elizabeth II"."""
    return bool(len(word) > 1 and _ROMAN.fullmatch(word) and _NAME_BEFORE.search(text, max(0, start - 20), start))


def _roman(numeral: str) -> float:
    """The value of a numeral of the letters I, V and X."""
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in numeral]
    return float(sum(-one if one < other else one for one, other in pairwise([*values, 0])))


def _range(text: str, one: Quantity, other: Quantity) -> tuple[Quantity, Quantity]:
    """Two neighbours as they are meant: in "2 to 2.5 million" and "5-10%" what stands at one of them holds for both."""
    if one.unit in ("", other.unit) and (_TO.fullmatch(text, one.end, other.start) or _is_from(text, one, other)):
        has_more = other.unit and not one.unit and not one.counted and one.values[0] not in _YEARS
        if other.unit == "clock" and has_more:
            return one._replace(values=(60 * one.values[0], 60 * one.values[0] + 720), unit="clock"), other
        if (other.factor > one.factor == 1 and not one.counted) or (has_more and other.unit in MEASURES):
            values = (*one.values, *(value * other.factor for value in one.values)) if other.factor > 1 else one.values
            return one._replace(values=values, unit=other.unit, counted=other.counted), other
        if not (one.unit or one.counted or one.is_implied) and other.counted and not other.unit:
            return one._replace(counted=other.counted), other
    elif one.unit in CURRENCIES and not (other.unit or other.counted) and _TO.fullmatch(text, one.end, other.start):
        return one._replace(values=(*one.values, *(value * other.factor for value in one.values))), other._replace(
            unit=one.unit
        )
    return one, other


def _is_from(text: str, one: Quantity, other: Quantity) -> bool:
    """Whether they are the ends of "from 7.8 last month to 7.9 per cent"."""
    return bool(_FAR_TO.fullmatch(text, one.end, other.start) and _FROM.search(text, max(0, one.start - 5), one.start))
