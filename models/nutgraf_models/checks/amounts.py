"""An amount: a number, with the scale, the sign of per cent, or the currency that stands around it."""

import re
from typing import NamedTuple

SCALES = {
    **{"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12},
    **{"dozen": 12.0, "lakh": 1e5, "lakhs": 1e5, "crore": 1e7, "crores": 1e7},
}
_SHORT_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12}
_CURRENCY_WORDS = {
    **{"dollar": "$", "pound": "£", "euro": "€", "yen": "¥", "yuan": "¥", "rupee": "₹"},
    **{"pence": "p", "p": "p", "cent": "c"},
}
_CURRENCY_SIGNS = {"rs": "₹", "inr": "₹", "usd": "$", "eur": "€", "gbp": "£"}

SCALE = re.compile(
    r"(?:[\s-]{0,2}(hundred|thousand|million|billion|trillion|dozen|lakhs?|crores?)|([kmb])|\s?(mn|mln|bn|tn))\b", re.I
)
PERCENT = re.compile(r"[\s-]?(?:%|per[\s-]?cent(?:age)?\b|percentage\b|pc\b)", re.I)
_CURRENCY_AFTER = re.compile(
    r"[\s-]?(?:(?:US|Australian|Canadian|Hong Kong|Indian|sterling)\s+)?"
    r"(?:(dollar|pound|euro|rupee|cent)s?|(yen|yuan|pence|p))\b"
)
_CURRENCY_BEFORE = re.compile(r"(?:(?:US|AU?|CA?|HK|NZ)?([$£€¥₹])|\b(Rs|INR|USD|EUR|GBP)\.?)\s?$")


class Quantity(NamedTuple):
    """`text[start:end]`, and the values that it may have: more than one where the notation leaves it open.

    `unit` is "%", a currency's sign, "time" (values are minutes of the day), "date" (100 * month + day), "part" (of 1),
    "joined" (all of `values` together: "24/7", or the years of "2014-15"), "vague" (the value is the least that is
    meant), "implied" (said by a word that is no number: "both"), or empty. `factor` is what a word or letter like
    "million" multiplied the value by; `is_plain` says that it is digits and nothing else.
    """

    start: int
    end: int
    values: tuple[float, ...]
    unit: str = ""
    factor: float = 1.0
    is_plain: bool = False


def amount(text: str, start: int, end: int, value: float, *, is_plain: bool = False) -> Quantity:
    """The number with what stands around it: a scale, a sign of per cent, a currency."""
    values: tuple[float, ...] = (value,)
    factor = 1.0
    while scale := SCALE.match(text, end):
        word, letter, short = scale.groups()
        letters = letter or short
        if letters and factor > 1:
            break
        step = SCALES[word.lower()] if word else _SHORT_SCALES[letters.lower()]
        factor *= step
        end = scale.end()
        if letters:
            # "100m" may be a distance.
            values = (value, value * factor)
            break
        values = (value * factor,)
    unit = ""
    percent = PERCENT.match(text, end)
    currency = None if percent else _CURRENCY_AFTER.match(text, end)
    before = _CURRENCY_BEFORE.search(text, max(0, start - 5), start)
    if percent:
        unit, end = "%", percent.end()
    elif before:
        unit, start = before.group(1) or _CURRENCY_SIGNS[before.group(2).lower()], before.start()
        if factor > 1:
            values = (value * factor,)
    elif currency:
        unit, end = _CURRENCY_WORDS[next(filter(None, currency.groups()))], currency.end()
    return Quantity(start, end, values, unit, factor, is_plain and factor == 1 and not unit)
