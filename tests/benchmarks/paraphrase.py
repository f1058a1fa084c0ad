"""Paraphrases for measuring the checks: numbers, amounts, dates, titles, acronyms, spelling.

Independent of how the checks compare, so that they can be judged by it.
"""

import random
import re
import unicodedata
from collections.abc import Callable

WORDS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
WORDS += "seventeen eighteen nineteen".split()
TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
MONTHS = "January February March April May June July August September October November December".split()
MONTH = f"(?:{'|'.join(MONTHS)})"
EXPANSIONS = {
    "US": "United States",
    "UK": "United Kingdom",
    "EU": "European Union",
    "UN": "United Nations",
    "NHS": "National Health Service",
    "FBI": "Federal Bureau of Investigation",
    "CIA": "Central Intelligence Agency",
    "WHO": "World Health Organization",
    "PM": "Prime Minister",
    "SNP": "Scottish National Party",
    "FA": "Football Association",
    "BJP": "Bharatiya Janata Party",
    "ANC": "African National Congress",
    "IMF": "International Monetary Fund",
    "RSPCA": "Royal Society for the Prevention of Cruelty to Animals",
}
OF_COUNTRIES = {
    "Russian": "Russia's",
    "French": "France's",
    "German": "Germany's",
    "Chinese": "China's",
    "Indian": "India's",
    "Italian": "Italy's",
    "Spanish": "Spain's",
    "Australian": "Australia's",
    "Iranian": "Iran's",
    "Iraqi": "Iraq's",
    "Israeli": "Israel's",
    "Turkish": "Turkey's",
    "Egyptian": "Egypt's",
    "Brazilian": "Brazil's",
    "Scottish": "Scotland's",
    "Welsh": "Wales's",
    "Canadian": "Canada's",
    "Japanese": "Japan's",
    "Ukrainian": "Ukraine's",
    "Pakistani": "Pakistan's",
}


def in_words(number: int) -> str:
    """0 to 99 in words."""
    if number < 20:
        return WORDS[number]
    tens = next(word for word, value in TENS.items() if value == number // 10 * 10)
    return tens if number % 10 == 0 else f"{tens}-{WORDS[number % 10]}"


def _spell(text: str) -> str:
    before = r"(?<![\w.,:/£$€#'’–-])(?<!No )(?<!number )"
    after = rf"(?![\w%–-]|[.,:/]\d|th\b|st\b| ?(?:per|{MONTH}|m\b|bn\b|km|a\.m|p\.m|am\b|pm\b))"
    return re.sub(
        rf"{before}([2-9]|[1-9]\d){after}",
        lambda match: match.group() if _follows_month(text, match.start()) else in_words(int(match.group(1))),
        text,
    )


def _follows_month(text: str, start: int) -> bool:
    return bool(re.search(rf"{MONTH} $", text[:start]))


def _digits(text: str) -> str:
    return re.sub(rf"(?<![\w-])({'|'.join(WORDS[2:])})(?= [a-z])(?! (?:and|or|to|hundred|of)\b)",
                  lambda match: str(WORDS.index(match.group(1))), text)  # fmt: skip


def _amounts(text: str) -> str:
    text = re.sub(r"([£$€]\d[\d.]*)(m|bn)\b", lambda m: f"{m[1]} {'million' if m[2] == 'm' else 'billion'}", text)
    text = re.sub(r"(?<!\w)\$(\d[\d.]*) (million|billion)", r"\1 \2 dollars", text)
    text = re.sub(r"£(\d[\d,]*)(?![\d.,]*\d| ?(?:m|bn|k|tn|p|million|billion|trillion)\b)(?=[ .,])", r"\1 pounds", text)
    return re.sub(r"£(\d[\d.]*) (million|billion)", lambda m: f"£{m[1]}{'m' if m[2] == 'million' else 'bn'}", text)


def _shares(text: str) -> str:
    if "%" in text:
        return re.sub(r"(\d)%", r"\1 per cent", text)
    return re.sub(r"(\d) ?per ?cent\b", r"\1%", text)


def _dates(text: str) -> str:
    changed = re.sub(rf"\b(\d{{1,2}}) ({MONTH})\b", r"\2 \1", text)
    return changed if changed != text else re.sub(rf"\b({MONTH}) (\d{{1,2}})\b(?! ?\d)", r"\2 \1", text)


def _times(text: str) -> str:
    def half_day(match: re.Match[str]) -> str:
        hour, minute = int(match[1]), match[2]
        return f"{(hour - 1) % 12 + 1}.{minute}{'pm' if hour >= 12 else 'am'}"

    text = re.sub(r"\b([01]\d|2[0-3]):([0-5]\d)\b(?! ?[ap]\.?m)", half_day, text)
    return re.sub(r"\b(\d{1,2}) ?([ap])\.m\.", r"\1\2m", text)


def _separators(text: str) -> str:
    return re.sub(r"(?<![\d,])(\d{1,3}),(\d{3})(?![\d,])", r"\1\2", text)


def _units(text: str) -> str:
    text = re.sub(r"\b(\d+)km\b", r"\1 kilometres", text)
    return re.sub(r"\b(\d+)kg\b", r"\1 kilograms", text)


def _title(text: str, article: str) -> str:
    for match in re.finditer(r"(?<=[a-z,] )([A-Z][a-z]+) ([A-Z][a-z]{3,})\b(?! [A-Z])", text):
        if re.search(rf"\b(?:Mr|Mrs|Ms|Miss|Dr) {match[2]}\b", article):
            return text[: match.start()] + f"Mr {match[2]}" + text[match.end() :]
    return text


def _acronyms(text: str) -> str:
    for short, full in EXPANSIONS.items():
        if re.search(rf"\b{full}\b", text):
            text = re.sub(rf"\b{full}\b", short, text)
        elif re.search(rf"\bthe {short}\b(?!')", text):
            text = re.sub(rf"\bthe {short}\b(?!')", f"the {full}", text)
    return text


def _countries(text: str) -> str:
    return re.sub(
        rf"(?<=the )({'|'.join(OF_COUNTRIES)})(?= (?:president|government|army|prime|foreign|police|parliament))",
        lambda match: OF_COUNTRIES[match[1]],
        text,
    )


def _spelling(text: str) -> str:
    plain = "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))
    return plain.replace("'", "’") if "’" not in plain else plain.replace("’", "'")


RULES: dict[str, Callable[[str], str]] = {
    "amounts": _amounts,
    "shares": _shares,
    "dates": _dates,
    "times": _times,
    "separators": _separators,
    "units": _units,
    "digits": _digits,
    "spelled": _spell,
    "acronyms": _acronyms,
    "countries": _countries,
}


def paraphrase(text: str, article: str) -> tuple[str, list[str]]:
    """Applies every matching rule; returns the text and the names of the rules that changed it.

    Spelling always changes. Quotations keep their wording, except for apostrophes.
    """
    used: list[str] = []
    rules = {**RULES, "titles": lambda text: _title(text, article)}

    def rewrite(part: str) -> str:
        for name, rule in rules.items():
            changed = rule(part)
            if changed != part:
                used.append(name)
                part = changed
        return part

    parts = re.split(r'("[^"]*(?:"|$))', text)
    text = "".join(part if part.startswith('"') else rewrite(part) for part in parts)
    return _spelling(text), used


def shorten(text: str, rng: random.Random, small: float = 0.7, names: float = 0.5) -> str:
    """Drops most lower-case words and half of the capitalised ones, chosen at random."""
    words = text.split()
    kept = [word for word in words if rng.random() > (small if word[0].islower() else names * word[0].isupper())]
    return " ".join(kept) if len(kept) >= 3 else text
