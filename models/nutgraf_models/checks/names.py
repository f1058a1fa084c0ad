"""Names in a text, and whether another text has them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from nutgraf_models.checks.forms import PHRASES, name_forms, plain, singular
from nutgraf_models.checks.runs import LINKS, acronym, initials, is_acronym, is_joined, parts, phrases, runs
from nutgraf_models.checks.words import Token, tokens_of
from nutgraf_models.text.ordinary_words import ordinary_words

# Capitalised for other reasons than being a name.
_NO_NAMES = frozenset("i mr mrs ms miss dr prof sir dame lord lady st rev i'm i'll i've i'd".split())
_COURTESY = frozenset("mr mrs ms miss dr prof sir dame lord lady rev".split())
# Behind these a name may be one of several, or several of one: "the Fenns", "a Muslim".
_DETERMINERS = frozenset(
    "a an the one two three four both all any some many most several few these those other another".split()
)
# Endings of words that a sentence may begin with and that are seldom a name's.
_ORDINARY_ENDING = re.compile(r"(?:ing|ed|ly|ers|ors|ists|ians|ness|ment|ments|tion|tions|able|ous|ful|less)$")
# Titles that are surnames, too.
_SURNAMES = frozenset("bank king bishop pope dean major justice hill hall park lake church".split())
_OPENING = re.compile(r"(?:^|[.!?:…\n]|[\"“‘(\[–—]|(?:^|\s)')[\s\"“”‘'(\[]*$")
# "eBay"
_INNER_CAPITAL = re.compile(r"(?<![^\W\d_])[a-z]['’\w]*[A-Z]\w*")
# Words of a headline without a capital.
_SMALL = frozenset("a an the of in on at to for and or but by with from as is".split())
_LEAST_HEADLINE = 5
# A text with so small a share of capitals is written without.
_CASELESS = 0.04


class NameIndex:
    """The words of an article, as far as names are looked up among them."""

    def __init__(self, article: str, names: Iterable[str] = ()) -> None:
        """`names`: what the article says in figures."""
        tokens = tokens_of(article)
        self._has_case = sum(token.is_capital for token in tokens) > _CASELESS * len(tokens)
        self._names = set(names)
        # Words without a capital, also in the singular.
        self._lower: set[str] = set()
        # Singulars of all names, and of those that stand where one of several may stand.
        self._singulars: set[str] = set()
        self._one_of: set[str] = set()
        self._acronyms: set[str] = set()
        self._initials: set[str] = set()
        self._following: dict[str, set[str]] = defaultdict(set)
        self._preceding: dict[str, set[str]] = defaultdict(set)
        self._pairs = set(pairwise(token.folded for token in tokens))
        for word in {token.folded for token in tokens if not token.is_capital}:
            self._lower |= {plain(word), singular(plain(word))}
        for place, token in enumerate(tokens):
            if token.is_capital or not self._has_case:
                self._add_name(article, token, tokens[place - 1] if place else None)
            if token.folded in PHRASES:
                self._names.update(name for name, _ in phrases(tokens, place))
        for match in _INNER_CAPITAL.finditer(article):
            self._names |= name_forms(match[0])
        for run in runs(article, tokens):
            self._add_run(article, run)

    def _add_name(self, article: str, token: Token, before: Token | None) -> None:
        word = article[token.start : token.end]
        self._names |= name_forms(word, has_dot=article.startswith(".", token.end))
        one = singular(plain(word))
        self._singulars.add(one)
        if before is not None and before.folded in _DETERMINERS:
            self._one_of.add(one)
            self._names |= name_forms(f"{word}s")
        elif before is not None and article[before.end : token.start] == "-":
            self._names.add(before.folded + token.folded)
        if is_acronym(word):
            self._acronyms.add(acronym(word))

    def _add_run(self, article: str, run: Sequence[Token]) -> None:
        for part in parts(run):
            self._initials |= initials(article, part)
        words = [token for token in run if token.folded not in LINKS]
        for one, other in pairwise(words):
            if is_joined(article, one, other):
                self._following[one.folded].add(other.folded)
                self._preceding[other.folded.removesuffix("'s")].add(one.folded)

    def has(self, text: str, tokens: Sequence[Token], place: int, *, may_be_word: bool) -> bool:
        """Whether the article has this word of a name, in any of its forms; or a word for it, if it `may_be_word`."""
        token = tokens[place]
        word = text[token.start : token.end]
        if self.has_form(word, has_dot=text.startswith(".", token.end)):
            return True
        form = plain(word)
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        is_one_of = before is not None and before.folded in _DETERMINERS
        is_noun = form in _either_case() or singular(form) in _either_case()
        if singular(form) in (self._singulars if is_one_of or is_noun else self._one_of):
            return True
        if is_one_of and self.has_form(f"{word}s"):
            return True
        # "Accounts Committee", "Board of Directors"
        heads = [after] if before is None or before.folded not in LINKS else [after, *tokens[place - 2 : place - 1]]
        is_noun |= any(one is not None and one.is_capital and one.folded in _either_case() for one in heads)
        if may_be_word or is_noun or (is_one_of and form in _SURNAMES):
            return form in self._lower or singular(form) in self._lower
        # "Supreme Court" for "supreme court".
        return any(
            (one.folded, other.folded) in self._pairs and one.is_capital and other.is_capital
            for one, other in ((before, token), (token, after))
            if one is not None and other is not None
        )

    def has_form(self, word: str, *, has_dot: bool = False) -> bool:
        """Whether the article has a name in one of the forms of this word, or what it is the initials of."""
        if not self._names.isdisjoint(name_forms(word, has_dot=has_dot)):
            return True
        return is_acronym(word) and (acronym(word) in self._acronyms or acronym(word) in self._initials)

    def spelled_out(self, text: str, tokens: Sequence[Token]) -> set[int]:
        """Where words start that are what an acronym or another name of the article stands for: "United States"."""
        known: set[int] = set()
        for place, token in enumerate(tokens):
            for name, words in phrases(tokens, place) if token.folded in PHRASES else ():
                if name in self._names:
                    known.update(word.start for word in words)
        for run in runs(text, tokens):
            for part in parts(run):
                if not self._acronyms.isdisjoint(initials(text, part)):
                    known.update(word.start for word in part)
        return known

    def mixes(self, one: Token, other: Token, text: str) -> bool:
        """Whether "one other" is the first name of one person in the article with the last name of another.

        Both words are in the article; the first only before other names, the last only after other names.
        """
        first, last = one.folded, other.folded.removesuffix("'s")
        is_cased = text[one.start + 1 : one.end].islower() and text[other.start + 1 : other.start + 2].islower()
        if not (is_cased and first.isalpha()) or {first, last} & (self._lower | _COURTESY):
            return False
        following, preceding = self._following.get(first), self._preceding.get(last)
        if not following or not preceding or last in following or first in preceding:
            return False
        return self._are_people(following) and self._are_people(preceding)

    def _are_people(self, neighbours: set[str]) -> bool:
        """Whether some neighbour looks like a part of a person's name: no ordinary word, no title."""
        return any(
            one not in self._lower and one not in _COURTESY and one not in ordinary_words() for one in neighbours
        )


@lru_cache(maxsize=1)
def _either_case() -> frozenset[str]:
    """Words of titles and institutions, which some write with a capital and others without."""
    return _words("either_case.txt")


def _words(file: str) -> frozenset[str]:
    return frozenset(Path(__file__).with_name(file).read_text(encoding="utf-8").split())


def _is_name(text: str, token: Token, following: Token | None, *, stands_first: bool) -> bool:
    """Whether a capitalised word is a name, rather than capitalised because it stands first."""
    word = text[token.start : token.end]
    if token.folded.rstrip(".") in _NO_NAMES or len(word) == 1 or token.folded.endswith("n't"):
        return False
    if not stands_first or (any(letter.isupper() or letter.isdecimal() for letter in word[1:]) and not word.isupper()):
        return True
    base = token.folded.partition("'")[0]
    if base in ordinary_words() or _ORDINARY_ENDING.search(base):
        return False
    # "Award-winning" begins a sentence; "Jean-Luc" is a name.
    return following is None or following.is_capital or text[token.end : following.start] != "-"


def unsupported_names(
    text: str, index: NameIndex, sentence_starts: set[int], skip: Sequence[tuple[int, int]] = ()
) -> Iterator[tuple[int, int]]:
    """Where `text` has names that the article lacks, neighbouring words as one. Leaves out what lies in `skip`."""
    tokens = tokens_of(text)
    known = index.spelled_out(text, tokens)
    capitals = sum(token.is_capital for token in tokens)
    is_headline = capitals >= _LEAST_HEADLINE and all(token.is_capital or token.folded in _SMALL for token in tokens)
    wrong: list[tuple[int, int]] = []
    for place, token in enumerate(tokens):
        if not token.is_capital or token.start in known or any(one <= token.start < end for one, end in skip):
            continue
        before = tokens[place - 1] if place and is_joined(text, tokens[place - 1], token) else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        is_first = token.start in sentence_starts or bool(_OPENING.search(text, max(0, token.start - 8), token.start))
        if not _is_name(text, token, after, stands_first=is_first):
            continue
        start = token.start
        if index.has(text, tokens, place, may_be_word=is_first or is_headline):
            if before is None or not before.is_capital or not index.mixes(before, token, text):
                continue
            start = before.start
        elif any(index.has_form(form) for form in _hyphenated(text, before, token, after)):
            continue
        if wrong and wrong[-1][1] >= start - 1 and before is not None:
            wrong[-1] = (wrong[-1][0], token.end)
        else:
            wrong.append((start, token.end))
    yield from wrong


def _hyphenated(text: str, before: Token | None, token: Token, following: Token | None) -> Iterator[str]:
    """What the article may write as one word where hyphens divide it here."""
    for one, other in ((before, token), (token, following)):
        if one is not None and other is not None and text[one.end : other.start] == "-":
            yield text[one.start : one.end] + text[other.start : other.end]
