"""Names, numbers and quotations of a summary that its article lacks.

A lookup: a term is supported if its normal form occurs in the article or its headline. This finds invented and
misspelt terms, but not true terms in a wrong combination.
"""

import re
import unicodedata

from nutgraf_models.checks.names import NameIndex, unsupported_names
from nutgraf_models.checks.numbers import NumberIndex
from nutgraf_models.checks.quantities import quantities
from nutgraf_models.checks.quotations import QuotationIndex
from nutgraf_models.results import Span, TermKind, UnsupportedTerm
from nutgraf_models.text.sentences import split

_WORD_START = re.compile(r"(?<![\w'’])[^\W\d_]")


class TermIndex:
    """An index of the terms of an article and its headline."""

    def __init__(self, article: str, title: str = "") -> None:
        text = f"{unicodedata.normalize('NFC', title)}\n\n{article}"
        self._numbers = NumberIndex(text)
        # In an article without capitals, any word may be a name.
        cased = _WORD_START.sub(lambda match: match[0].upper(), text) if article.islower() else text
        self._names = NameIndex(cased, self._numbers.months)
        self._quotations = QuotationIndex(text)

    def unsupported(self, summary: str) -> tuple[UnsupportedTerm, ...]:
        """The unsupported terms of `summary`, in text order; an unsupported quotation includes the terms in it."""
        quoted = list(self._quotations.unsupported(summary))
        numbers = quantities(summary)
        wrong = list(self._numbers.unsupported(summary, numbers))
        starts = {sentence.start for sentence in split(summary)}
        names = unsupported_names(summary, self._names, starts, [(number.start, number.end) for number in numbers])
        terms = [
            *((span, TermKind.QUOTATION) for span in quoted),
            *((span, TermKind.NUMBER) for span in wrong if not _within(span, quoted)),
            *((span, TermKind.NAME) for span in names if not _within(span, quoted)),
        ]
        return tuple(UnsupportedTerm(Span(*span), kind) for span, kind in sorted(terms, key=lambda term: term[0]))


def _within(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)
