"""Names in a summary, and the lookup of names in its article."""

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

# Capitalised words that are not names.
_NOT_NAMES = frozenset("i mr mrs ms miss dr prof sir dame lord lady st rev i'm i'll i've i'd".split())
_COURTESY = frozenset("mr mrs ms miss dr prof sir dame lord lady rev".split())
# A name after one of these may be a plural or one of a group: "the Fenns", "a Muslim".
_DETERMINERS = frozenset(
    "a an the one two three four both all any some many most several few these those other another".split()
)
# Endings that are rare in names, for words at the start of a sentence.
_ORDINARY_ENDING = re.compile(r"(?:ing|ed|ly|ers|ors|ists|ians|ness|ment|ments|tion|tions|able|ous|ful|less)$")
# Nouns and titles that are also surnames.
_SURNAMES = frozenset("bank king bishop pope dean major justice hill hall park lake church".split())
_OPENING = re.compile(r"(?:^|[.!?:…\n]|[\"“‘(\[–—]|(?:^|\s)')[\s\"“”‘'(\[]*$")
# "eBay"
_INNER_CAPITAL = re.compile(r"(?<![^\W\d_])[a-z]['’\w]*[A-Z]\w*")
# Lower-case words in a headline.
_SMALL = frozenset("a an the of in on at to for and or but by with from as is".split())
_MIN_HEADLINE = 5
# A text with a smaller share of capitalised words counts as caseless.
_CASELESS = 0.04


class NameIndex:
    """An index of an article's words for looking up names."""

    def __init__(self, article: str, names: Iterable[str] = ()) -> None:
        """`names`: further names that the article contains, such as months of dates in figures."""
        tokens = tokens_of(article)
        self._has_case = sum(token.is_capital for token in tokens) > _CASELESS * len(tokens)
        self._names = set(names)
        # Lower-case words and their singulars.
        self._lower: set[str] = set()
        # Singulars of all names, and of those after a determiner.
        self._singulars: set[str] = set()
        self._after_determiner: set[str] = set()
        self._acronyms: set[str] = set()
        self._initials: set[str] = set()
        self._following: dict[str, set[str]] = defaultdict(set)
        self._preceding: dict[str, set[str]] = defaultdict(set)
        self._pairs = set(pairwise(token.folded for token in tokens))
        for word in {token.folded for token in tokens if not token.is_capital}:
            self._lower |= {plain(word), singular(plain(word))}
        for index, token in enumerate(tokens):
            if token.is_capital or not self._has_case:
                self._add_name(article, token, tokens[index - 1] if index else None)
            if token.folded in PHRASES:
                self._names.update(name for name, _ in phrases(tokens, index))
        for match in _INNER_CAPITAL.finditer(article):
            self._names |= name_forms(match[0])
        for run in runs(article, tokens):
            self._add_run(article, run)

    def _add_name(self, article: str, token: Token, before: Token | None) -> None:
        word = article[token.start : token.end]
        self._names |= name_forms(word, has_dot=article.startswith(".", token.end))
        form = singular(plain(word))
        self._singulars.add(form)
        if before is not None and before.folded in _DETERMINERS:
            self._after_determiner.add(form)
            self._names |= name_forms(f"{word}s")
        elif before is not None and article[before.end : token.start] == "-":
            self._names.add(before.folded + token.folded)
        if is_acronym(word):
            self._acronyms.add(acronym(word))

    def _add_run(self, article: str, run: Sequence[Token]) -> None:
        for part in parts(run):
            self._initials |= initials(article, part)
        words = [token for token in run if token.folded not in LINKS]
        for first, second in pairwise(words):
            if is_joined(article, first, second):
                self._following[first.folded].add(second.folded)
                self._preceding[second.folded.removesuffix("'s")].add(first.folded)

    def has(self, text: str, tokens: Sequence[Token], index: int, *, may_be_word: bool) -> bool:
        """Whether the article contains this word of a name in any form; in lower case too if it `may_be_word`."""
        token = tokens[index]
        word = text[token.start : token.end]
        if self.has_form(word, has_dot=text.startswith(".", token.end)):
            return True
        form = plain(word)
        before = tokens[index - 1] if index else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        is_determined = before is not None and before.folded in _DETERMINERS
        is_noun = form in _either_case() or singular(form) in _either_case()
        if singular(form) in (self._singulars if is_determined or is_noun else self._after_determiner):
            return True
        if is_determined and self.has_form(f"{word}s"):
            return True
        # "Accounts Committee", "Board of Directors"
        heads = [after] if before is None or before.folded not in LINKS else [after, *tokens[index - 2 : index - 1]]
        is_noun |= any(head is not None and head.is_capital and head.folded in _either_case() for head in heads)
        if may_be_word or is_noun or (is_determined and form in _SURNAMES):
            return form in self._lower or singular(form) in self._lower
        # "Supreme Court" for "supreme court".
        return any(
            (first.folded, second.folded) in self._pairs and first.is_capital and second.is_capital
            for first, second in ((before, token), (token, after))
            if first is not None and second is not None
        )

    def has_form(self, word: str, *, has_dot: bool = False) -> bool:
        """Whether the article contains this name in any form; an acronym also as the words that it stands for."""
        if not self._names.isdisjoint(name_forms(word, has_dot=has_dot)):
            return True
        return is_acronym(word) and (acronym(word) in self._acronyms or acronym(word) in self._initials)

    def spelled_out(self, text: str, tokens: Sequence[Token]) -> set[int]:
        """Start positions of words that spell out an acronym or synonym in the article, such as "United States"."""
        known: set[int] = set()
        for index, token in enumerate(tokens):
            for name, words in phrases(tokens, index) if token.folded in PHRASES else ():
                if name in self._names:
                    known.update(word.start for word in words)
        for run in runs(text, tokens):
            for part in parts(run):
                if not self._acronyms.isdisjoint(initials(text, part)):
                    known.update(word.start for word in part)
        return known

    def mixes(self, first_token: Token, last_token: Token, text: str) -> bool:
        """Whether two words combine the first name of one person in the article with the last name of another.

        The article contains both words; the first only before other names, the last only after other names.
        """
        first, last = first_token.folded, last_token.folded.removesuffix("'s")
        is_cased = (
            text[first_token.start + 1 : first_token.end].islower()
            and text[last_token.start + 1 : last_token.start + 2].islower()
        )
        if not (is_cased and first.isalpha()) or {first, last} & (self._lower | _COURTESY):
            return False
        following, preceding = self._following.get(first), self._preceding.get(last)
        if not following or not preceding or last in following or first in preceding:
            return False
        return self._are_people(following) and self._are_people(preceding)

    def _are_people(self, neighbours: set[str]) -> bool:
        """Whether any neighbour may be part of a person's name: neither an ordinary word nor a title."""
        return any(
            word not in self._lower and word not in _COURTESY and word not in ordinary_words() for word in neighbours
        )


@lru_cache(maxsize=1)
def _either_case() -> frozenset[str]:
    """Words in titles and institutions that are written with or without a capital."""
    return _words("either_case.txt")


def _words(file: str) -> frozenset[str]:
    return frozenset(Path(__file__).with_name(file).read_text(encoding="utf-8").split())


def _is_name(text: str, token: Token, following: Token | None, *, is_first: bool) -> bool:
    """Whether a capitalised word is a name, rather than capitalised as the first word of a sentence."""
    word = text[token.start : token.end]
    if token.folded.rstrip(".") in _NOT_NAMES or len(word) == 1 or token.folded.endswith("n't"):
        return False
    if not is_first or (any(letter.isupper() or letter.isdecimal() for letter in word[1:]) and not word.isupper()):
        return True
    base = token.folded.partition("'")[0]
    if base in ordinary_words() or _ORDINARY_ENDING.search(base):
        return False
    # "Award-winning" may begin a sentence; "Jean-Luc" is a name.
    return following is None or following.is_capital or text[token.end : following.start] != "-"


def unsupported_names(
    text: str, article_names: NameIndex, sentence_starts: set[int], skip: Sequence[tuple[int, int]] = ()
) -> Iterator[tuple[int, int]]:
    """Spans of names in `text` that the article lacks; adjacent words are one. Ignores the spans in `skip`."""
    tokens = tokens_of(text)
    known = article_names.spelled_out(text, tokens)
    capitals = sum(token.is_capital for token in tokens)
    is_headline = capitals >= _MIN_HEADLINE and all(token.is_capital or token.folded in _SMALL for token in tokens)
    wrong: list[tuple[int, int]] = []
    for index, token in enumerate(tokens):
        if not token.is_capital or token.start in known or any(begin <= token.start < end for begin, end in skip):
            continue
        before = tokens[index - 1] if index and is_joined(text, tokens[index - 1], token) else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        is_first = token.start in sentence_starts or bool(_OPENING.search(text, max(0, token.start - 8), token.start))
        if not _is_name(text, token, after, is_first=is_first):
            continue
        start = token.start
        if article_names.has(text, tokens, index, may_be_word=is_first or is_headline):
            if before is None or not before.is_capital or not article_names.mixes(before, token, text):
                continue
            start = before.start
        elif any(article_names.has_form(form) for form in _hyphenated(text, before, token, after)):
            continue
        if wrong and wrong[-1][1] >= start - 1 and before is not None:
            wrong[-1] = (wrong[-1][0], token.end)
        else:
            wrong.append((start, token.end))
    yield from wrong


def _hyphenated(text: str, before: Token | None, token: Token, following: Token | None) -> Iterator[str]:
    """Hyphenated words as one word, as the article may write them."""
    for first, second in ((before, token), (token, following)):
        if first is not None and second is not None and text[first.end : second.start] == "-":
            yield text[first.start : first.end] + text[second.start : second.end]
