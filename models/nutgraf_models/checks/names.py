"""Names in a text, and whether another text has them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from nutgraf_models.checks.forms import fold, name_forms, places

# Abbreviations with dots, names with digits ("G20"), words, and numbers, which are not looked at here.
_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}[^\W\d_]?(?![^\W\d_])|[^\W\d_]+\d[^\W_]*|[^\W\d_]+(?:['’‘ʼ][^\W\d_]+)*|\d\w*")
# Capitalised for other reasons than being a name.
_NO_NAMES = frozenset("i mr mrs ms miss dr prof sir dame lord lady st rev i'm i'll i've i'd".split())
_COURTESY = frozenset("mr mrs ms miss dr prof sir dame lord lady rev".split())
# What may stand inside a name, and is skipped in its initials.
_LINKS = frozenset("of the and for de in on to".split())
_SAME_AS = {"pm": "prime minister", "ceo": "chief executive", "tv": "television", "mp": "member of parliament"}
_ROMAN = {"II": 2, "III": 3, "IV": 4, "VI": 6, "VII": 7, "VIII": 8}
# Endings of words that a sentence may begin with and that are seldom a name's.
_ORDINARY_ENDING = re.compile(r"(?:ing|ed|ly|ers|ors|ists|ians|ness|ment|ments|tion|tions|able|ous|ful|less)$")
# Names that are common words with a small letter.
_CASE_TELLS = frozenset({"may", "march"})
# A stretch of capitals beyond this is no name, but a headline.
_LONGEST_RUN = 12
_JOINTS = " \u00a0-‐‑–"
_OPENING = re.compile(r"(?:^|[.!?:…\n]|[\"“‘(\[–—]|(?:^|\s)')[\s\"“”‘'(\[]*$")


class Token(NamedTuple):
    """A word at `start` of its text; `is_joined`: no more than a space or hyphen parts it from the one before."""

    text: str
    start: int
    end: int
    is_joined: bool


class NameIndex:
    """The words of an article, as far as names are looked up among them."""

    def __init__(self, article: str) -> None:
        self._capital: set[str] = set()
        self._lower: set[str] = set()
        self._places: set[str] = set()
        self._following: dict[str, set[str]] = defaultdict(set)
        self._preceding: dict[str, set[str]] = defaultdict(set)
        self._acronyms: set[str] = set()
        tokens = list(tokens_of(article))
        for token in tokens:
            if token.text[0].isupper():
                self._capital |= name_forms(token.text)
                self._places |= places(token.text)
                if _is_acronym(token.text):
                    self._acronyms.add(_acronym(token.text))
            else:
                self._lower.add(fold(token.text))
        self._has_case = bool(self._capital)
        self._initials: set[str] = set()
        for run in _runs(tokens):
            self._add_run(run)
        self._all_initials = "".join(token.text[0].casefold() for token in tokens)
        self._text = " ".join(fold(token.text) for token in tokens)
        for place, spelled in {"america": "united states", "britain": "united kingdom"}.items():
            if spelled in self._text:
                self._capital.add(place)

    def _add_run(self, run: Sequence[Token]) -> None:
        words = [token for token in run if fold(token.text) not in _LINKS]
        for first in range(len(run)):
            strict = loose = ""
            for token in run[first:]:
                loose += token.text[0]
                strict += token.text[0] if token.text[0].isupper() else ""
                if len(strict) > 1:
                    self._initials |= {strict.casefold(), loose.casefold()}
        for one, other in pairwise(words):
            if other.is_joined:
                self._following[fold(one.text)].add(fold(other.text))
                self._preceding[fold(other.text).removesuffix("'s")].add(fold(one.text))

    def has(self, word: str) -> bool:
        """Whether the article has this word of a name, in any of its forms."""
        forms = name_forms(word)
        if not self._capital.isdisjoint(forms):
            return True
        if _is_acronym(word):
            form = _acronym(word)
            if form in self._acronyms or form in self._initials or (len(form) > 3 and form in self._all_initials):
                return True
            if form in _SAME_AS and _SAME_AS[form] in self._text:
                return True
            return len(form) > 3 and not self._lower.isdisjoint(forms)
        if not self._lower.isdisjoint(forms - _CASE_TELLS):
            return True
        return not self._places.isdisjoint(forms) or not self._capital.isdisjoint(places(word))

    def spells_out(self, run: Sequence[Token]) -> bool:
        """Whether the run is what an acronym of the article stands for: "National Health Service" for its "NHS"."""
        strict = "".join(token.text[0] for token in run if token.text[0].isupper()).casefold()
        loose = "".join(token.text[0] for token in run).casefold()
        return len(strict) > 1 and not self._acronyms.isdisjoint({strict, loose})

    def mixes(self, one: str, other: str) -> bool:
        """Whether "one other" is the first name of one person in the article with the last name of another.

        Both words are in the article; the first only before other names, the last only after other names.
        """
        first, last = fold(one), fold(other).removesuffix("'s")
        if not (one[1:].islower() and one.isalpha() and other[1:2].islower()) or {first, last} & (
            self._lower | _COURTESY
        ):
            return False
        following, preceding = self._following.get(first), self._preceding.get(last)
        if not following or not preceding or last in following or first in preceding:
            return False
        return _is_common(following, self._lower) and _is_common(preceding, self._lower)


def _is_acronym(word: str) -> bool:
    return sum(letter.isupper() for letter in word) > 1


def _acronym(word: str) -> str:
    """ "NHS" for "NHS's" and "N.H.S.", "MP" for "MPs"."""
    word = re.sub(r"['’]s$", "", word).replace(".", "")
    return fold(word[:-1] if word.endswith("s") else word)


def _is_common(neighbours: set[str], lower: set[str]) -> bool:
    """Whether some neighbour looks like a part of a person's name: no ordinary word, no title."""
    return any(one not in lower and one not in _COURTESY and one not in ordinary_words() for one in neighbours)


def tokens_of(text: str) -> Iterator[Token]:
    end = 0
    for match in _TOKEN.finditer(text):
        start = match.start()
        yield Token(match.group(), start, match.end(), start == end + 1 and text[end] in _JOINTS)
        end = match.end()


def _runs(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Stretches of capitalised words, with what links them: "Bank of England"."""
    run: list[Token] = []
    for token in tokens:
        is_capital = token.text[0].isupper()
        if run and not (len(run) < _LONGEST_RUN and token.is_joined and (is_capital or fold(token.text) in _LINKS)):
            yield _trimmed(run)
            run = []
        if is_capital or run:
            run.append(token)
    if run:
        yield _trimmed(run)


def _trimmed(run: list[Token]) -> list[Token]:
    while not run[-1].text[0].isupper():
        run.pop()
    return run


@lru_cache(maxsize=1)
def ordinary_words() -> frozenset[str]:
    """Words that a sentence may begin with and that are no names; how they were counted is in the README."""
    return frozenset(Path(__file__).with_name("ordinary_words.txt").read_text(encoding="utf-8").split())


def is_name(text: str, token: Token, following: Token | None, sentence_starts: set[int]) -> bool:
    """Whether a capitalised word is a name, rather than capitalised because it stands first."""
    word = token.text
    form = fold(word)
    if form.rstrip(".") in _NO_NAMES or len(word) == 1:
        return False
    if token.start not in sentence_starts and not _OPENING.search(text, max(0, token.start - 8), token.start):
        return True
    if any(letter.isupper() or letter.isdecimal() for letter in word[1:]) and not word.isupper():
        return True
    base = form.partition("'")[0]
    if base in ordinary_words() or _ORDINARY_ENDING.search(base):
        return False
    # "Award-winning" begins a sentence; "Jean-Luc" is a name.
    is_hyphenated = following is not None and text[token.end : following.start] == "-"
    return not (is_hyphenated and following is not None and not following.text[0].isupper())


def unsupported_names(
    text: str, index: NameIndex, sentence_starts: set[int], skip: Sequence[tuple[int, int]] = ()
) -> Iterator[tuple[int, int]]:
    """Where `text` has names that the article lacks, neighbouring words as one. Leaves out what lies in `skip`."""
    tokens = list(tokens_of(text))
    expanded = {
        token.start for run in _runs(tokens) for token in _expansion(run, index)
    }  # words of names that the article abbreviates
    wrong: list[tuple[int, int]] = []
    for place, token in enumerate(tokens):
        if not token.text[0].isupper() or any(start <= token.start < end for start, end in skip):
            continue
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        if not is_name(text, token, following, sentence_starts) or token.start in expanded:
            continue
        before = tokens[place - 1] if place and token.is_joined else None
        start = token.start
        if index.has(token.text):
            if before is None or not before.text[0].isupper() or not index.mixes(before.text, token.text):
                continue
            start = before.start
        elif any(index.has(form) for form in _hyphenated(text, before, token, following)):
            continue
        if wrong and wrong[-1][1] >= start - 1 and token.is_joined:
            wrong[-1] = (wrong[-1][0], token.end)
        else:
            wrong.append((start, token.end))
    yield from wrong


def _expansion(run: Sequence[Token], index: NameIndex) -> Sequence[Token]:
    for first in range(len(run)):
        for last in range(len(run), first + 1, -1):
            if run[first].text[0].isupper() and run[last - 1].text[0].isupper() and index.spells_out(run[first:last]):
                return run[first:last]
    return ()


def _hyphenated(text: str, before: Token | None, token: Token, following: Token | None) -> Iterator[str]:
    """What the article may write as one word where hyphens divide it here."""
    for one, other in ((before, token), (token, following)):
        if one is not None and other is not None and text[one.end : other.start] == "-":
            yield one.text + other.text
