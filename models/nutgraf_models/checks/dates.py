"""Dates and times of day in figures."""

import re

from nutgraf_models.checks.amounts import Quantity

MONTHS = "january february march april may june july august september october november december".split()
_NUMBER_OF = {month[:3]: number for number, month in enumerate(MONTHS, start=1)}
_MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
_MONTH += (
    r"|Nov(?:ember)?|Dec(?:ember)?|JAN\w*|FEB\w*|MAR(?:CH)?|APR\w*|MAY|JUNE?|JULY?|AUG\w*|SEP\w*|OCT\w*|NOV\w*|DEC\w*)"
)
_MONTH_WORD = re.compile(rf"\b{_MONTH}\b")
_MONTH_AFTER = re.compile(rf"(?:st|nd|rd|th)?(?:\s+day)?(?:\s+of)?\s+({_MONTH})\b")
_MONTH_BEFORE = re.compile(rf"\b({_MONTH})\.?\s+(?:the\s+)?$")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?!\d)")
_DAY_MONTH_YEAR = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})$")
# Days next to a month: "3 May", "3rd and 4th of May", "May 3-5".
_DAY = r"\d{1,2}(?:st|nd|rd|th)?(?!\d)"
_AND = r"\s?(?:,|and|to|or|until|&|-|–)?\s?(?:the\s)?"
_DAYS_BEFORE = re.compile(rf"(?<!\d)(?:{_DAY}{_AND})*{_DAY}\s(?:of\s)?$")
_DAYS_AFTER = re.compile(rf"\.?\s(?:the\s)?{_DAY}(?:{_AND}{_DAY})*")
_CLOSE = 30

_HALF_DAY = re.compile(r"\s?(?:([ap])m\b|([ap])\.\s?m\b\.?)", re.I)
_ZONE = re.compile(r"\s?(?:GMT|BST|UTC|CES?T|E[SD]?T|C[SD]T|P[SD]?T|IST|AES?T|local time)\b")
_FOUR_FIGURES = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d")
_WITH_HALF_DAY, _BY_ITSELF = re.compile(r"(\d{1,2})(?:[:.](\d\d))?"), re.compile(r"(\d{1,2}):(\d\d)")
_OCLOCK = re.compile(r"\s?o['’]clock\b", re.I)
_PAST = re.compile(r"\b(half|quarter)[\s-](past|to)\s$", re.I)


def date(text: str, word: str, start: int, end: int) -> Quantity | None:
    """The date that the figures `word` at `start` belong to, or None."""
    iso = ISO_DATE.match(text, start)
    if iso:
        return Quantity(start, iso.end(), (100.0 * int(iso[2]) + int(iso[3]),), "date")
    numeric = _DAY_MONTH_YEAR.match(word)
    if numeric:
        first, second = int(numeric[1]), int(numeric[2])
        # Day first or month first, depending on the country.
        return Quantity(start, end, (100.0 * second + first, 100.0 * first + second), "date")
    if len(word) > 2 or not 1 <= int(word) <= 31:
        return None
    after = _MONTH_AFTER.match(text, end)
    before = None if after else _MONTH_BEFORE.search(text, max(0, start - 16), start)
    month = after or before
    if month is None:
        return None
    value = 100.0 * _NUMBER_OF[month[1][:3].casefold()] + int(word)
    if before:
        ordinal = _ORDINAL.match(text, end)
        return Quantity(before.start(), ordinal.end() if ordinal else end, (value,), "date")
    return Quantity(start, month.end(), (value,), "date")


def close_dates(text: str) -> set[float]:
    """All dates with a month, including each of "3, 4 and 5 May", as `Quantity.values` of unit "date"."""
    dates = set()
    for month in _MONTH_WORD.finditer(text):
        number = _NUMBER_OF[month.group()[:3].casefold()]
        before = _DAYS_BEFORE.search(text, max(0, month.start() - _CLOSE), month.start())
        after = _DAYS_AFTER.match(text, month.end(), month.end() + _CLOSE)
        for days in filter(None, (before, after)):
            dates |= {100.0 * number + int(day) for day in re.findall(r"\d+", days.group())}
    return dates


def clock(text: str, word: str, start: int, end: int) -> Quantity | None:
    """The time of day at `start` ("17:30", "5.30pm", "1730 GMT"), or None."""
    if _FOUR_FIGURES.fullmatch(word) and _ZONE.match(text, end):
        return Quantity(start, end, (60.0 * int(word[:2]) + int(word[2:]),), "clock")
    half_day = _HALF_DAY.match(text, end)
    figures = (_WITH_HALF_DAY if half_day else _BY_ITSELF).fullmatch(word)
    if not figures:
        return None
    minutes = 60.0 * int(figures[1]) + int(figures[2] or 0)
    if half_day:
        is_pm = (half_day[1] or half_day[2]) in "pP"
        return Quantity(start, half_day.end(), (minutes % 720 + (720 if is_pm else 0),), "clock")
    return Quantity(start, end, _either_half(minutes), "clock")


def spoken_clock(text: str, number: Quantity) -> Quantity | None:
    """The time of day in "half past seven", "quarter to 7" or "seven o'clock"; `number` is the hour."""
    past, oclock = _PAST.search(text, max(0, number.start - 14), number.start), _OCLOCK.match(text, number.end)
    if number.unit or not (past or oclock) or number.values[0] not in range(1, 13):
        return None
    shift = (30 if past[1].lower() == "half" else 15) * (1 if past[2].lower() == "past" else -1) if past else 0
    return Quantity(
        past.start() if past else number.start,
        oclock.end() if oclock else number.end,
        _either_half(60 * number.values[0] + shift),
        "clock",
    )


def _either_half(minutes: float) -> tuple[float, ...]:
    """Both readings, a.m. and p.m., of a time on a twelve-hour clock."""
    return (minutes, (minutes + 720) % 1440) if minutes < 780 else (minutes,)
