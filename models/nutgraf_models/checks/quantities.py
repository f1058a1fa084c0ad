"""Extraction of numbers, amounts, shares, dates and times, in figures or words."""

import re
from collections.abc import Sequence
from itertools import pairwise

from nutgraf_models.checks.amounts import YEARS, Quantity, amount, counted
from nutgraf_models.checks.dates import clock, date, spoken_clock
from nutgraf_models.checks.number_words import READERS, VULGAR, and_part
from nutgraf_models.checks.units import CURRENCIES, MEASURES

# Words; figures, including groups of three separated by spaces; vulgar fractions.
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
# "Two in three games" is not a share.
_PLAYED = frozenset("game match start appearance race over test round season outing attempt".split())
_HYPHEN = re.compile(r"[-–]")


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
    for index in range(len(found) - 2, -1, -1):
        found[index], found[index + 1] = _range(text, found[index], found[index + 1])
    return found


def linked(text: str, found: Sequence[Quantity]) -> dict[int, Quantity]:
    """Shares ("one in four") and pairs ("2-1") formed by adjacent quantities, by the index of the first."""
    together: dict[int, Quantity] = {}
    for index, (left, right) in enumerate(pairwise(found)):
        if index - 1 in together or left.unit or right.unit or left.factor > 1:
            continue
        first, second = left.values[0], right.values[0]
        if left.is_plain and right.is_plain and first < 1000 and _HYPHEN.fullmatch(text, left.end, right.start):
            together[index] = Quantity(left.start, right.end, (first, second), "pair")
        elif 0 < first < second <= 1000 and not _PLAYED & right.counted and _IN.fullmatch(text, left.end, right.start):
            together[index] = Quantity(left.start, right.end, (first / second,), "part")
    return together


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
    if short and value in YEARS and end - start == 4:
        return Quantity(start, short.end(), _season(value, float(short[1])), "pair")
    return amount(text, start, end, value, is_plain=number.isdecimal())


def _season(first: float, second: float) -> tuple[float, float]:
    """Both numbers of a pair; "2014-15" is 2014 and 2015."""
    return first, first - first % 100 + second if first in YEARS and second < 100 else second


def _is_roman(text: str, word: str, start: int) -> bool:
    """Whether a word is a Roman numeral after a name: "Elizabeth II"."""
    return bool(len(word) > 1 and _ROMAN.fullmatch(word) and _NAME_BEFORE.search(text, max(0, start - 20), start))


def _roman(numeral: str) -> float:
    """The value of a Roman numeral of the letters I, V and X."""
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in numeral]
    return float(sum(-value if value < following else value for value, following in pairwise([*values, 0])))


def _range(text: str, low: Quantity, high: Quantity) -> tuple[Quantity, Quantity]:
    """Two adjacent quantities; in "2 to 2.5 million" or "5-10%", the scale and unit of one apply to both."""
    if low.unit in ("", high.unit) and (_TO.fullmatch(text, low.end, high.start) or _is_from(text, low, high)):
        has_more = high.unit and not low.unit and not low.counted and low.values[0] not in YEARS
        if high.unit == "clock" and has_more:
            return low._replace(values=(60 * low.values[0], 60 * low.values[0] + 720), unit="clock"), high
        if (high.factor > low.factor == 1 and not low.counted) or (has_more and high.unit in MEASURES):
            values = (*low.values, *(value * high.factor for value in low.values)) if high.factor > 1 else low.values
            return low._replace(values=values, unit=high.unit, counted=high.counted), high
        if not (low.unit or low.counted or low.is_implied) and high.counted and not high.unit:
            return low._replace(counted=high.counted), high
    elif low.unit in CURRENCIES and not (high.unit or high.counted) and _TO.fullmatch(text, low.end, high.start):
        return low._replace(values=(*low.values, *(value * high.factor for value in low.values))), high._replace(
            unit=low.unit
        )
    return low, high


def _is_from(text: str, low: Quantity, high: Quantity) -> bool:
    """Whether two quantities are the ends of a range such as "from 7.8 last month to 7.9 per cent"."""
    return bool(_FAR_TO.fullmatch(text, low.end, high.start) and _FROM.search(text, max(0, low.start - 5), low.start))
