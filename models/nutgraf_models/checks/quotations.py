"""Words in quotation marks, and whether another text has them."""

import re
from collections.abc import Iterator

from nutgraf_models.checks.forms import fold

# Single marks quote only where they can be no apostrophes: before a word after a space, and after one that ends there.
# A straight double mark behind a number opens nothing: it is inches, or seconds.
_QUOTED = re.compile(
    r"""
    [“„«] ([^“”„«»\n]{1,600}) [”“»]
    | (?<!\d) " ([^"\n]{1,600}) "
    | (?:(?<=[\s("“—–]) | ^) ['‘] (?=\w) ([^\n"“”]{1,300}?) (?<=[\w.,!?…]) ['’] (?!\w)
    """,
    re.X,
)
_WORD = re.compile(r"[^\W_]+(?:['’‘][^\W_]+)*")
# What a quotation leaves out, or puts in.
_GAP = re.compile(r"\.{2,}|…|\[[^\]]*\]|\([^)]*\)")


class QuotationIndex:
    """The words of an article, in order, for finding stretches of them."""

    def __init__(self, article: str) -> None:
        self._words = _joined(article)

    def has(self, quoted: str) -> bool:
        """Whether the article has these words, next to each other, whether or not it quotes them.

        What was left out or put in, in brackets, is passed over; the parts around it must come in their order.
        """
        end = 0
        for part in filter(str.strip, map(_joined, _GAP.split(quoted))):
            start = self._words.find(part, end)
            if start < 0:
                return False
            end = start + len(part) - 1
        return True

    def unsupported(self, text: str) -> Iterator[tuple[int, int]]:
        for match in _QUOTED.finditer(text):
            quoted = next(filter(None, match.groups()))
            if not self.has(quoted):
                yield match.span()


def _joined(text: str) -> str:
    words = [fold(word) for word in _WORD.findall(text)]
    return f" {' '.join(words)} " if words else " "
