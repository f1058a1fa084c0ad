"""Near misses for planting: the article's numbers in another unit, and names similar to its own.

Independent of how the checks compare.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

_NUMBER = r"(?<![\d.,:£$€-])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\d:]|[.,]\d)"
_SPANS = r"(?:year|month|week|day|hour|minute)s?\b"
_LENGTHS = r"(?:km|kilomet\w+|miles?|met(?:re|er)s?|feet|ft|kg|tonnes?|mph)\b"
_MONEY = r"(?:pounds?|dollars?|euros?|pence|cents?)\b"
_SCALES = r"(?:million|billion|trillion|thousand|hundred|dozen|m|bn|k)\b"
_NOUN = r"(?:people|men|women|children|[a-z]{3,}s)\b"
# Counted or measured kinds, and their spellings.
_KINDS = {
    "money": re.compile(rf"(?<=[£$€])(\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?)(?![\d.,]*\d)(?! ?{_SCALES})"),
    "share": re.compile(rf"{_NUMBER}(?= ?(?:%|per ?cent\b))"),
    "span": re.compile(rf"{_NUMBER}(?=[ -]{_SPANS})"),
    "length": re.compile(rf"{_NUMBER}(?= ?{_LENGTHS})"),
    "count": re.compile(rf"{_NUMBER}(?= (?!{_SPANS}|{_LENGTHS}|{_MONEY}|{_SCALES}|times|points){_NOUN})"),
}
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])")
_SCORE = re.compile(r"(?<![\d.,–-])(\d)[-–](\d)(?![\d.,–-]|\w)")
# Units that are confused with each other.
_OTHER_UNITS = (
    (re.compile(r"(?<=\d) ?(?:%|per ?cent)(?! ?points?)(?!\w)"), (" percentage points", " people")),
    (re.compile(r"(?<=\d) (?:km|kilometres)\b"), (" miles",)),
    (re.compile(r"(?<=\d) miles\b"), (" km", " square miles")),
    (re.compile(r"(?<=\d) metres\b"), (" feet",)),
    (re.compile(r"(?<=\d)kg\b"), ("lb",)),
    (re.compile(r"(?<=\d) hours\b"), (" days", " minutes")),
    (re.compile(r"(?<=\d) days\b"), (" weeks", " hours")),
    (re.compile(r"(?<=\d) weeks\b"), (" months", " days")),
    (re.compile(r"(?<=\d) months\b"), (" years", " weeks")),
    (re.compile(r"(?<=\d) years\b"), (" months",)),
)
_SIGNS = re.compile(r"[£$€](?=\d)")
_MULTIPLES = ("doubled", "trebled", "halved", "quadrupled")
_MULTIPLE = re.compile(rf"\b(?:{'|'.join(_MULTIPLES)})\b")
_WORD = re.compile(r"[A-Za-z]+")


def near_numbers(article: str, text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Spans of numbers with a unit in `text`, with replacements that the article has only in another unit."""
    numbers = _by_kind(article)
    for kind, pattern in _KINDS.items():
        others = {number for other, found in numbers.items() if other != kind for number in found}
        wrong = sorted(number for number in others if _is_only(article, number, numbers, kind))
        for match in pattern.finditer(text):
            yield match.start(), match.end(), wrong
    for pattern, units in _OTHER_UNITS:
        for match in pattern.finditer(text):
            number = re.search(r"[\d.,]+$", text[: match.start()])
            if number and len(re.findall(rf"(?<!\d){re.escape(number[0])}(?!\d)", article)) == 1:
                yield number.start(), match.end(), [number[0] + unit for unit in units]
    for match in _SIGNS.finditer(text):
        number = re.match(r"[\d.,]*\d", text[match.end() :])
        if number and len(re.findall(rf"(?<!\d){re.escape(number[0])}(?!\d)", article)) == 1:
            others = [sign for sign in "£$€" if sign != match[0]]
            yield match.start(), match.end() + number.end(), [sign + number[0] for sign in others]
    scores = {match.groups() for match in _SCORE.finditer(article)}
    mixed = [f"{one}-{other}" for one, _ in scores for _, other in scores if not {(one, other), (other, one)} & scores]
    for match in _SCORE.finditer(text):
        yield match.start(), match.end(), sorted(mixed)
    for match in _MULTIPLE.finditer(text):
        yield match.start(), match.end(), [word for word in _MULTIPLES if word not in article]


def other_counts(article: str, text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Spans of counts in `text`, with numbers by which the article counts only something else."""
    nouns: dict[str, set[str]] = defaultdict(set)
    for match in _KINDS["count"].finditer(article):
        nouns[match[1]].add(_noun_at(article, match.end()))
    alone = {number for number in nouns if len(re.findall(rf"(?<!\d){re.escape(number)}(?!\d)", article)) == 1}
    for match in _KINDS["count"].finditer(text):
        noun = _noun_at(text, match.end())
        if re.search(r"(?:\b[A-Z]\w+|\btype|[-–]) ?$", text[: match.start()]):
            continue  # "November 20", "1-2 people"
        yield match.start(), match.end(), sorted(number for number in alone if noun not in nouns[number])


def _noun_at(text: str, end: int) -> str:
    return text[end:].split(maxsplit=1)[0].strip(".,;:!?\"'”")


def _by_kind(article: str) -> dict[str, set[str]]:
    numbers: dict[str, set[str]] = defaultdict(set)
    for kind, pattern in _KINDS.items():
        numbers[kind] = {match[1] for match in pattern.finditer(article)}
    numbers["clock"] = {str(60 * int(match[1]) + int(match[2])) for match in _CLOCK.finditer(article)}
    return numbers


def _is_only(article: str, number: str, numbers: dict[str, set[str]], kind: str) -> bool:
    """Whether the article has this number only with kinds other than `kind`, and never without one."""
    if number in numbers[kind] or len(number) < 2:
        return False
    everywhere = len(re.findall(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)", article))
    classed = sum(len([one for one in pattern.findall(article) if one == number]) for pattern in _KINDS.values())
    return everywhere == classed


def near_names(article: str, people: Sequence[str], acronyms: Sequence[str]) -> list[str]:
    """Names of other articles that are similar to content of this one.

    People's names that it has as lower-case words, or that differ from one of its names only in the ending; and
    acronyms that match the initials of consecutive words.
    """
    words = set(_WORD.findall(article))
    small = {word for word in words if word.islower()}
    flat = {word.casefold() for word in words if word[0].isupper()}
    heads = flat | {word[:cut] for word in flat if len(word) > 4 for cut in (-1, -2)}
    initials = "".join(word[0] for word in _WORD.findall(article)).upper()

    def is_near(name: str) -> bool:
        low = name.casefold()
        return low not in flat and (low in small or (len(low) > 4 and not heads.isdisjoint({low[:-1], low[:-2]})))

    def is_initials(acronym: str) -> bool:
        spelled = r"\W+(?:(?:of|the|and|for) )?".join(rf"{letter}\w*" for letter in acronym)
        return acronym in initials and acronym.casefold() not in flat and not re.search(rf"\b{spelled}", article)

    return [name for name in people if is_near(name)] + [one for one in acronyms if is_initials(one)]
