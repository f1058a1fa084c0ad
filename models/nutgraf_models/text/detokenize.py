"""Text that was cut into tokens, as that of data sets often is, with the numbers in it put together again."""

import re

from nutgraf_models.text.mapped_text import Draft, MappedText

_WHOLE = re.compile(r"\d[.,]\d")
# "1, 056" and "98. 7", but not "May 12, 300 people".
_IN_PARTS = re.compile(r"(?<![\d.,])\d{1,3}(?:,( )(?=\d{3}(?!\d))|\.( )(?=\d))")
_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.? $", re.I)
_MONTH_CHARACTERS = 12


def has_numbers_in_parts(text: str) -> bool:
    """Whether numbers have a space behind their points and commas: some have, and none is written without."""
    return _WHOLE.search(text) is None and bool(_spaces(text))


def with_whole_numbers(text: MappedText) -> MappedText:
    """The text with its numbers as one writes them, if it has them in parts."""
    if not has_numbers_in_parts(text.text):
        return text
    draft = Draft(text)
    position = 0
    for space in _spaces(text.text):
        draft.keep(position, space)
        position = space + 1
    draft.keep(position, len(text.text))
    return draft.text()


def _spaces(text: str) -> list[int]:
    """Where the spaces within numbers are."""
    return [
        match.start(match.lastindex or 0)
        for match in _IN_PARTS.finditer(text)
        if not _MONTH.search(text, max(0, match.start() - _MONTH_CHARACTERS), match.start())
    ]
