"""Tokens of a text, and alignment of two token sequences."""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from nutgraf_models.checks.forms import canonical, fold
from nutgraf_models.checks.number_words import SMALL_NUMBERS

# Abbreviations with dots, names with digits ("G20"), words, and numbers.
_TOKEN = re.compile(
    r"(?:[^\W\d_]\.){2,}[^\W\d_]?(?![^\W\d_])|[^\W\d_]+\d[^\W_]*|[^\W\d_]+(?:['’‘ʼ][^\W\d_]+)*|\d+(?:[.,:]\d+)*"
)
_STOP_WORDS = frozenset(
    "a about after also an and any are as at be been being but by can could did do does for from had has have he her "
    "hers him his how i if in into is it its may might more most must of on or our out over s said say says shall she "
    "should so some such than that the their them then there these they this those to too up us was we were what when "
    "where which while who whom whose will with would you your".split()
)


class Token(NamedTuple):
    """A word or number: the form for comparison, the case-folded word, and its position in the text."""

    form: str
    folded: str
    start: int
    end: int
    is_capital: bool

    @property
    def is_content(self) -> bool:
        return self.folded not in _STOP_WORDS

    @property
    def is_number(self) -> bool:
        """Whether it is a number in digits."""
        return self.folded[0].isdecimal()

    @property
    def is_name(self) -> bool:
        """Whether it may be a name: a capitalised content word, even as the first of a sentence."""
        return self.is_capital and self.is_content


def tokens_of(text: str) -> list[Token]:
    tokens = []
    for match in _TOKEN.finditer(text):
        form, folded, is_capital = _read(match[0])
        tokens.append(Token(form, folded, *match.span(), is_capital))
    return tokens


def content_shared(point: str, sentence: str) -> float:
    """The share, 0 to 1, of the content words of `point` that `sentence` contains."""
    wanted = {token.form for token in tokens_of(point) if token.is_content}
    return len(wanted & {token.form for token in tokens_of(sentence)}) / len(wanted) if wanted else 0.0


def common_subsequence(words: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence.

    Bit-parallel: a few operations for each word of `other` (Hyyrö 2004, "Bit-parallel LCS-length computation
    revisited").
    """
    positions: dict[str, int] = defaultdict(int)
    for index, word in enumerate(words):
        positions[word] |= 1 << index
    all_bits = (1 << len(words)) - 1
    free = all_bits
    for word in other:
        if word in positions:
            matches = free & positions[word]
            free = ((free + matches) | (free - matches)) & all_bits
    return len(words) - free.bit_count()


def alignment(words: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Index pairs of a longest common subsequence; of several, one with few gaps in `other`."""
    rows, columns = len(words), len(other)
    # Twice the length, plus one for each pair that directly follows another in both sequences.
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            score = max(best[row + 1][column], best[row][column + 1])
            if words[row] == other[column]:
                follows = row + 1 < rows and column + 1 < columns and words[row + 1] == other[column + 1]
                score = max(score, best[row + 1][column + 1] + 2 + follows)
            best[row][column] = score
    pairs: list[tuple[int, int]] = []
    row = column = 0
    while row < rows and column < columns:
        if words[row] == other[column]:
            follows = row + 1 < rows and column + 1 < columns and words[row + 1] == other[column + 1]
            if best[row][column] == best[row + 1][column + 1] + 2 + follows:
                pairs.append((row, column))
                row, column = row + 1, column + 1
                continue
        if best[row + 1][column] >= best[row][column + 1]:
            row += 1
        else:
            column += 1
    return pairs


@lru_cache(maxsize=1 << 15)
def _read(word: str) -> tuple[str, str, bool]:
    """The form, the folded word and the capitalisation of a token."""
    form = word.replace(",", "") if word[0].isdecimal() else canonical(word.replace(".", ""))
    # The country is not the pronoun, which is a stop word.
    folded = "u.s." if word == "US" else fold(word)
    return SMALL_NUMBERS.get(form, form), folded, word[0].isupper()
