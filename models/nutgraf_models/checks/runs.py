"""Names of several words: runs of capitalised words, their initials, and their synonyms."""

from collections.abc import Iterator, Sequence

from nutgraf_models.checks.forms import PHRASES, plain
from nutgraf_models.checks.words import Token

# Lower-case words within a name, skipped in its initials.
LINKS = frozenset("of the and for de in on to".split())
# A longer run of capitalised words is a headline.
_MAX_RUN_WORDS = 12
_JOINTS = frozenset(" \u00a0-‐‑–")
# Acronyms of two letters need a table entry: too many names share these initials.
_MIN_ACRONYM_LETTERS = 3


def is_acronym(word: str) -> bool:
    return sum(letter.isupper() for letter in word) > 1


def acronym(word: str) -> str:
    """The normal form of an acronym: "NHS" for "NHS's" and "N.H.S.", "MP" for "MPs"."""
    return plain(word[:-1] if word.endswith("s") and not word.endswith(("'s", "’s")) else word)


def initials(text: str, run: Sequence[Token]) -> set[str]:
    """Acronyms of a name, with and without its lower-case words: "dot" and "dt" for "Department of Transport"."""
    letters = [text[token.start] for token in run]
    if not (letters[0].isupper() and letters[-1].isupper()):
        return set()
    both = "".join(letters).casefold(), "".join(letter for letter in letters if letter.isupper()).casefold()
    return {short for short in both if len(short) >= _MIN_ACRONYM_LETTERS}


def phrases(tokens: Sequence[Token], start: int) -> Iterator[tuple[str, Sequence[Token]]]:
    """Known names of several words that begin at index `start`: the canonical name and its tokens."""
    for words, name in PHRASES[tokens[start].folded]:
        phrase = tokens[start : start + len(words)]
        if tuple(token.folded.removesuffix("'s") for token in phrase) == words:
            yield name, phrase


def is_joined(text: str, first: Token, second: Token) -> bool:
    """Whether a single space or hyphen separates two words."""
    return second.start == first.end + 1 and text[first.end] in _JOINTS


def runs(text: str, tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Runs of two or more capitalised words with their linking words: "Bank of England"."""
    run: list[Token] = []
    for token in tokens:
        continues = run and len(run) < _MAX_RUN_WORDS and is_joined(text, run[-1], token)
        if not (continues and (token.is_capital or token.folded in LINKS)):
            if len(run) > 1:
                yield run
            run = [token] if token.is_capital else []
        else:
            run.append(token)
    if len(run) > 1:
        yield run


def parts(run: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Every sub-run of two or more words."""
    for first in range(len(run) - 1):
        for last in range(first + 2, len(run) + 1):
            yield run[first:last]
