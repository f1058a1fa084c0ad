"""Lookup of a summary's quotations in its article."""

import re
from collections.abc import Iterator

from nutgraf_models.checks.forms import fold

# Single quotation marks count only where they cannot be apostrophes: before a word after a space, and after a word. A
# straight double mark after a digit means inches or seconds.
_QUOTED = re.compile(
    r"""
    [“„«] ([^“”„«»\n]{1,600}) [”“»]
    | (?<!\d) " ([^"\n]{1,600}) "
    | (?:(?<=[\s("“—–]) | ^) ['‘] (?=\w) ([^\n"“”]{1,300}?) (?<=[\w.,!?…]) ['’] (?!\w)
    """,
    re.X,
)
_WORD = re.compile(r"[^\W_]+(?:['’‘][^\W_]+)*")
# Omissions and insertions in a quotation.
_GAP = re.compile(r"\.{2,}|…|\[[^\]]*\]|\([^)]*\)")


class QuotationIndex:
    """The words of an article, in order, for phrase search."""

    def __init__(self, article: str) -> None:
        self._words = _joined(article)

    def has(self, quoted: str) -> bool:
        """Whether the article contains these words in sequence, quoted or not.

        Ellipses and bracketed insertions are skipped; the parts around them must appear in the same order.
        """
        end = 0
        for part in filter(str.strip, map(_joined, _GAP.split(quoted))):
            start = self._words.find(part, end)
            if start < 0:
                return False
            end = start + len(part) - 1
        return True

    def unsupported(self, text: str) -> Iterator[tuple[int, int]]:
        """Spans of quotations in `text` that the article lacks."""
        for match in _QUOTED.finditer(text):
            quoted = next(filter(None, match.groups()))
            if not self.has(quoted):
                yield match.span()


def _joined(text: str) -> str:
    words = [fold(word) for word in _WORD.findall(text)]
    return f" {' '.join(words)} " if words else " "
