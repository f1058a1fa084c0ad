"""Names of several words: stretches of capitalised words, their initials, and what they are called for short."""

from collections.abc import Iterator, Sequence

from nutgraf_models.checks.forms import PHRASES, plain
from nutgraf_models.checks.words import Token

# What may stand inside a name, and is skipped in its initials.
LINKS = frozenset("of the and for de in on to".split())
# A stretch of capitals beyond this is no name, but a headline.
_LONGEST_RUN = 12
_JOINTS = frozenset(" \u00a0-‐‑–")
# An acronym of two letters is told by a table: too many names have these initials.
_SHORTEST_ACRONYM = 3


def is_acronym(word: str) -> bool:
    return sum(letter.isupper() for letter in word) > 1


def acronym(word: str) -> str:
    """ "NHS" for "NHS's" and "N.H.S.", "MP" for "MPs"."""
    return plain(word[:-1] if word.endswith("s") and not word.endswith(("'s", "’s")) else word)


def initials(text: str, run: Sequence[Token]) -> set[str]:
    """Of "Department of Transport" DoT and DT, as far as they are long enough."""
    letters = [text[token.start] for token in run]
    if not (letters[0].isupper() and letters[-1].isupper()):
        return set()
    both = "".join(letters).casefold(), "".join(letter for letter in letters if letter.isupper()).casefold()
    return {one for one in both if len(one) >= _SHORTEST_ACRONYM}


def phrases(tokens: Sequence[Token], place: int) -> Iterator[tuple[str, Sequence[Token]]]:
    """Names of several words that begin at `place`: what they stand for, and their words."""
    for words, name in PHRASES[tokens[place].folded]:
        here = tokens[place : place + len(words)]
        if tuple(token.folded.removesuffix("'s") for token in here) == words:
            yield name, here


def is_joined(text: str, one: Token, other: Token) -> bool:
    """Whether no more than a space or a hyphen parts two words."""
    return other.start == one.end + 1 and text[one.end] in _JOINTS


def runs(text: str, tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Stretches of two or more capitalised words, with what links them: "Bank of England"."""
    run: list[Token] = []
    for token in tokens:
        goes_on = run and len(run) < _LONGEST_RUN and is_joined(text, run[-1], token)
        if not (goes_on and (token.is_capital or token.folded in LINKS)):
            if len(run) > 1:
                yield run
            run = [token] if token.is_capital else []
        else:
            run.append(token)
    if len(run) > 1:
        yield run


def parts(run: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Every stretch of two or more words of a run."""
    for first in range(len(run) - 1):
        for last in range(first + 2, len(run) + 1):
            yield run[first:last]
