"""People and things that an article mentions, and whether a summary may mention them without an introduction."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise, takewhile

from nutgraf_models.checks.forms import is_place
from nutgraf_models.checks.joins import is_name
from nutgraf_models.checks.words import Token, tokens_of
from nutgraf_models.text.ordinary_words import ordinary_words

_TITLES = frozenset("mr mrs ms miss dr prof professor sir dame lord lady".split())
# "Mr Davey" is unknown until he has been named in full.
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss)\.? ([A-Z][\w’'-]*\w)")
# "The tactics were": no owner is given.
_BARE_SUBJECT = re.compile(
    r"The (?:[a-z][a-z'’-]+ )??([a-z][a-z'’-]+) (?:is|was|were|are|has|have|had|will|would|could|can|may|might|must|"
    r"should|said|says|also|did|does|[a-z]{3,}ed|shows?|took|came|won|lost|told|went|made|left|began|led|gave|got|saw|found|"
    r"fell|rose|broke)\b"
)
# Nouns with only one referent, or a well-known one.
_UNIQUE = frozenset(
    """
    government police president minister chancellor queen king pope world public economy market markets nation internet
    sun moon earth weather euro pound dollar army navy military media press rest majority search hunt
    """.split()
)
# "the company" in a sentence that has named none.
_BARE_NOUN = re.compile(
    r"\b(?:according to|by|from|of|that|said|says|at|in|to|for|with|against|on) the (company|firm|club|team|group|"
    r"charity|organi[sz]ation|agency|site|station|school|university|hospital|country|film|show|programme|series|band)\b"
    r"(?! (?:of|in|that|which|who|where|for|with|on|at|to|between|behind|near|from|called|known|named)\b)"
    r"(?! [A-Z\d])(?!-)",
    re.I,
)
# "Mr. Xi was much briefer": than somebody in the sentence before.
_COMPARED = re.compile(
    r"\b(?:is|are|was|were|be|been) (?:much|far|even|still) "
    r"(?!after|over|under|ever|never|other)[a-z]{2,}er\b(?!.*\bthan\b)"
)
# Words before a place, or a name that describes a noun: "in Marlow", "the Marlow firm".
_BEFORE_PLACES = frozenset("in at near outside across around from of the a an".split())
_DEFINITE = frozenset({"the", "that", "this", "these", "those", "both"})


class Mentions:
    """The names and nouns in an article's sentences. `tokens`: those of each of the `texts`."""

    def __init__(self, texts: Sequence[str], tokens: Sequence[Sequence[Token]]) -> None:
        self._texts = texts
        self._tokens = tokens

    def subject(self, index: int) -> str | None:
        """The name at the start of an article sentence, in its form for comparison, or None."""
        tokens = self._tokens[index]
        if not tokens or not tokens[0].is_content or tokens[0].folded in ordinary_words():
            return None
        return tokens[0].form

    def names(self, index: int) -> Sequence[str]:
        """The names in an article sentence, word by word, in their forms for comparison."""
        first = self.subject(index)
        others = [token.form for token in self._tokens[index][1:] if token.is_name]
        return others if first is None else [first, *others]

    def introduces(self, sentence: str, origin: int, before: str, *, is_next: bool = True) -> bool:
        """Whether the subject of a sentence is in `before`, or first appears in the article at `origin`.

        A definite noun that is not in `before` also requires that no article sentence was skipped (`is_next`), as does
        a comparison without "than". After `before`, nobody else may be called by one name that the article gives in
        full before `origin`.
        """
        known = {token.form for token in tokens_of(before)}
        tokens = tokens_of(sentence)
        if tokens and tokens[0].folded in _TITLES:
            tokens = tokens[1:]
        if not tokens or not origin:
            return True
        if not before and self._speaks_of_unknown(sentence, origin):
            return False
        if _COMPARED.search(sentence) and not (before and is_next):
            return False
        # An opening that tells the main point may name somebody; to readers, that matters less.
        if before and any(
            token.form not in known and self._is_introduced(token.form, origin, as_first=True)
            for token in _lone_names(sentence, tokens)
        ):
            return False
        if tokens[0].folded in _DEFINITE:
            # "The two young boys were": the noun is among the first lower-case words.
            nouns = list(takewhile(lambda token: not token.is_capital, tokens[1:4]))
            content = [token.form for token in nouns if token.is_content]
            if not content or len(nouns) < min(3, len(tokens) - 1):
                return True
            return bool(known.intersection(content)) or (is_next and not self._is_in(content[0], origin))
        is_lone_name = is_name(tokens[0]) and not (len(tokens) > 1 and tokens[1].is_capital)
        return not is_lone_name or tokens[0].form in known or not self._is_introduced(tokens[0].form, origin + 1)

    def _speaks_of_unknown(self, sentence: str, origin: int) -> bool:
        """Whether a summary would open with a noun or name from before `origin`: "the firm", "Mr Davey"."""
        bare = _BARE_SUBJECT.match(sentence)
        if bare and bare.group(1) not in _UNIQUE:
            return True
        noun = _BARE_NOUN.search(sentence)
        if noun and not any(is_name(token) for token in tokens_of(sentence[: noun.start()])[1:]):
            return True
        return any(
            re.search(rf"[A-Z][\w’'-]+ {re.escape(name)}\b", text)
            for name in _TITLED.findall(sentence)
            for text in self._texts[:origin]
        )

    @cached_property
    def _first_in(self) -> dict[str, int]:
        """The index of the first article sentence with each content word."""
        first_in: dict[str, int] = {}
        for index, tokens in enumerate(self._tokens):
            for token in tokens:
                if token.is_content:
                    first_in.setdefault(token.form, index)
        return first_in

    def _is_in(self, form: str, origin: int) -> bool:
        """Whether an article sentence before `origin` contains this content word."""
        return self._first_in.get(form, origin) < origin

    def _is_introduced(self, name: str, origin: int, *, as_first: bool = False) -> bool:
        """Whether the article gives this name in full, after another capitalised word, before `origin`.

        `as_first`: or before another one, as first names are.
        """
        firsts, lasts = self._in_full
        return lasts.get(name, origin) < origin or (as_first and firsts.get(name, origin) < origin)

    @cached_property
    def _in_full(self) -> tuple[dict[str, int], dict[str, int]]:
        """The index of the first article sentence with each name before another, and with each name after another."""
        firsts: dict[str, int] = {}
        lasts: dict[str, int] = {}
        for index, tokens in enumerate(self._tokens):
            for first, second in pairwise(tokens):
                if first.is_name and second.is_name:
                    firsts.setdefault(first.form, index)
                    lasts.setdefault(second.form, index)
        return firsts, lasts


def _lone_names(sentence: str, tokens: Sequence[Token]) -> Iterator[Token]:
    """Capitalised words that may be persons: no part of a longer name, no place, acronym, title or ordinary word."""
    for index, token in enumerate(tokens):
        before, after = tokens[max(0, index - 1) : index], tokens[index + 1 : index + 2]
        if (
            is_name(token)
            and token.folded not in _TITLES
            and not any(other.is_name for other in (*before, *after))
            and not any(other.folded in _BEFORE_PLACES for other in before)
            and not sentence[token.start : token.end].isupper()
            and not is_place(token.folded)
            and not any(other.form == token.form for other in tokens[:index])
        ):
            yield token
