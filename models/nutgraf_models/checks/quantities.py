"""Numbers, amounts, shares, dates and times in a text, however they are written."""

import re

from nutgraf_models.checks.amounts import Quantity, amount
from nutgraf_models.checks.number_words import READERS

_MONTHS = {
    month[:3]: number for number, month in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_TOKEN = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W\d_]+|[½¼¾⅓⅔]")
_MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
_MONTH += (
    r"|Nov(?:ember)?|Dec(?:ember)?|JAN\w*|FEB\w*|MAR(?:CH)?|APR\w*|MAY|JUNE?|JULY?|AUG\w*|SEP\w*|OCT\w*|NOV\w*|DEC\w*)"
)
_MONTH_WORD = re.compile(rf"\b{_MONTH}\b")
_MONTH_AFTER = re.compile(rf"(?:st|nd|rd|th)?(?:\s+day)?(?:\s+of)?\s+({_MONTH})\b")
_MONTH_BEFORE = re.compile(rf"\b({_MONTH})\.?\s+(?:the\s+)?$")
_DAY_MONTH_YEAR = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})$")
_SUFFIX = re.compile(r"(st|nd|rd|th|s|['’]s)\b")
_HALF_DAY = re.compile(r"\s?(?:([ap])m\b|([ap])\.\s?m\b\.?)", re.I)
_TO = re.compile(r"\s*(?:to|and|or|-|–|—|/)\s*(?:US|A)?[$£€¥₹]?$")
# Days that stand by a month: "3 May", "3rd and 4th of May", "May 3-5".
_DAY = r"\d{1,2}(?:st|nd|rd|th)?(?!\d)"
_AND = r"\s?(?:,|and|to|or|until|&|-|–)?\s?(?:the\s)?"
_DAYS_BEFORE = re.compile(rf"(?<!\d)(?:{_DAY}{_AND})*{_DAY}\s(?:of\s)?$")
_DAYS_AFTER = re.compile(rf"\.?\s(?:the\s)?{_DAY}(?:{_AND}{_DAY})*")
_CLOSE = 30


def quantities(text: str) -> list[Quantity]:
    """The quantities in `text`, in order, none within another."""
    found: list[Quantity] = []
    done = 0
    for match in _TOKEN.finditer(text):
        start = match.start()
        if start < done:
            continue
        word = match.group()
        if word[0].isdecimal():
            quantity = _digits(text, start, match.end())
        else:
            lowered = word.casefold()
            reader = READERS.get(lowered)
            if reader is None:
                continue
            quantity = reader(text, lowered, start, match.end())
        if quantity is not None:
            found.append(quantity)
            done = quantity.end
    for index in range(len(found) - 1):
        one, other = found[index], found[index + 1]
        # "2 to 2.5 million", "5-10%": what follows the last holds for the first.
        if (
            (other.factor > one.factor == 1.0 or (other.unit and not one.unit and other.unit in "%$£€¥₹time"))
            and one.unit in ("", other.unit)
            and other.unit not in ("date", "vague", "implied", "part")
            and _TO.fullmatch(text, one.end, other.start)
        ):
            scaled = tuple(value * (60.0 if other.unit == "time" else other.factor) for value in one.values)
            if other.unit == "time":
                scaled += tuple(value + 720.0 for value in scaled)
            found[index] = one._replace(values=one.values + scaled, unit="" if other.unit == "time" else other.unit)
    return found


def close_dates(text: str) -> set[float]:
    """Every day with its month, those of "3, 4 and 5 May", too, as `Quantity.values` of unit "date" has them."""
    dates = set()
    for month in _MONTH_WORD.finditer(text):
        number = _MONTHS[month.group()[:3].casefold()]
        before = _DAYS_BEFORE.search(text, max(0, month.start() - _CLOSE), month.start())
        after = _DAYS_AFTER.match(text, month.end(), month.end() + _CLOSE)
        for days in filter(None, (before, after)):
            dates |= {100.0 * number + int(day) for day in re.findall(r"\d+", days.group())}
    return dates


def _digits(text: str, start: int, end: int) -> Quantity | None:
    word = text[start:end]
    if start and text[start - 1].isalpha():
        return None  # "G20" is a name.
    date = _date(text, word, start, end)
    if date is not None:
        return date
    half_day = _HALF_DAY.match(text, end)
    if ":" in word or (half_day and re.fullmatch(r"\d{1,2}(?:\.\d\d)?", word)):
        half = (half_day.group(1) or half_day.group(2)).lower() if half_day else ""
        return _time(word, start, half_day.end() if half_day else end, half)
    if "/" in word:
        parts = [float(re.sub(r"[.,:]", "", part)) for part in word.split("/")]
        return Quantity(start, end, _season(*parts) if len(parts) == 2 else tuple(parts), "joined")
    number = word
    if re.fullmatch(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?", word):
        number = word.replace(",", "")
    elif "," in word:
        number = word.replace(",", ".", 1).replace(",", "")
    if number.count(".") > 1:
        number = number.replace(".", "")
    value = float(number)
    suffix = _SUFFIX.match(text, end)
    if suffix:
        return Quantity(start, suffix.end(), (value,))
    if end - start == 4 and 1900 <= value < 2100 and re.match(r"[-–/]\d\d\b(?![-–/:.,]\d)", text[end : end + 5]):
        return Quantity(start, end + 3, _season(value, float(text[end + 1 : end + 3])), "joined")
    return amount(text, start, end, value, is_plain=number.isdecimal())


def _date(text: str, word: str, start: int, end: int) -> Quantity | None:
    numeric = _DAY_MONTH_YEAR.match(word)
    if numeric:
        first, second = int(numeric.group(1)), int(numeric.group(2))
        # Day first or month first, as the country has it.
        return Quantity(start, end, (100.0 * second + first, 100.0 * first + second), "date")
    if len(word) > 2 or not 1 <= int(word) <= 31:
        return None
    after = _MONTH_AFTER.match(text, end)
    before = None if after else _MONTH_BEFORE.search(text, max(0, start - 16), start)
    month = after or before
    if month is None:
        return None
    value = 100.0 * _MONTHS[month.group(1)[:3].casefold()] + int(word)
    suffix = _SUFFIX.match(text, end)
    return Quantity(
        before.start() if before else start,
        after.end() if after else suffix.end() if suffix else end,
        (value,),
        "date",
    )


def _time(word: str, start: int, end: int, half: str) -> Quantity:
    parts = [float(part) for part in re.split(r"[.:,/]", word)]
    minutes = parts[0] * 60 + (parts[1] if len(parts) > 1 else 0)
    if half:
        minutes = minutes % 720 + (720 if half == "p" else 0)
        return Quantity(start, end, (minutes,), "time")
    return Quantity(start, end, (minutes, (minutes + 720) % 1440) if minutes < 780 else (minutes,), "time")


def _season(first: float, second: float) -> tuple[float, float]:
    """ "2014-15" is 2014 and 2015."""
    return first, first - first % 100 + second if 1900 <= first < 2100 and second < 100 else second
