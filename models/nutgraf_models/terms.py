"""Names and numbers of a summary that its article does not have.

A lookup, not an understanding: a term counts as supported if its words, brought to a common form, occur in the
article or its headline. It finds what was made up, and what was misspelt; not what was put together wrongly.
"""

import re
from collections.abc import Iterator

from nutgraf_models.results import Span, TermKind, UnsupportedTerm
from nutgraf_models.sentences import split

_TOKEN = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W\d_]+(?:[.'’-][^\W\d_]+)*\.?|\w+")
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90"}
# Capitalised for other reasons than being a name.
_NO_NAMES = frozenset("i mr mrs ms dr prof sir".split())


class TermIndex:
    """The terms of an article and its headline, for looking up those of its summaries."""

    def __init__(self, article: str, title: str = "") -> None:
        self._known: set[str] = set()
        for token, _ in _tokens(f"{title}\n{article}"):
            self._known |= _forms(token)

    def unsupported(self, summary: str) -> tuple[UnsupportedTerm, ...]:
        """The numbers and names in `summary` that the article lacks, in the order of the text."""
        terms = []
        starts = {sentence.start for sentence in split(summary)}
        previous_end = -1
        for token, start in _tokens(summary):
            end = start + len(token.rstrip("."))
            kind = _kind(token, is_first=start in starts or summary[previous_end:start].strip() in ('"', "“", "‘"))
            previous_end = start + len(token)
            if kind is not None and self._known.isdisjoint(_forms(token)):
                terms.append(UnsupportedTerm(Span(start, end), kind))
        return tuple(terms)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    for match in _TOKEN.finditer(text):
        yield match.group(), match.start()


def _kind(token: str, *, is_first: bool) -> TermKind | None:
    if token[0].isdigit():
        return TermKind.NUMBER
    if not token[0].isupper() or token.lower().rstrip(".") in _NO_NAMES:
        return None
    # The first word of a sentence is capitalised whatever it is. It is taken for a name only by its shape.
    if is_first and not any(letter.isupper() for letter in token[1:]):
        return None
    return TermKind.NAME


def _forms(token: str) -> set[str]:
    """The common forms that a token may be found by: no case, no possessive, no separators, digits for words."""
    lowered = token.casefold().replace("’", "'").rstrip(".")
    forms = {lowered}
    if lowered.endswith(("'s", "s'")):
        forms.add(lowered[:-2] if lowered.endswith("'s") else lowered[:-1])
    if lowered[0].isdigit():
        forms.add(lowered.replace(",", ""))
        if "." in lowered:
            forms.add(lowered.rstrip("0").rstrip("."))
    forms.add(lowered.replace(".", ""))
    if lowered in _NUMBER_WORDS:
        forms.add(_NUMBER_WORDS[lowered])
    if "-" in lowered:
        forms |= {part for part in lowered.split("-") if len(part) > 2}
    # "Russians" for "Russian", "Browns" for "Brown".
    forms |= {form[:-1] for form in list(forms) if len(form) > 3 and form.endswith("s")}
    return forms
