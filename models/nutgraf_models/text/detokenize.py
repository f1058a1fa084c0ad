"""Repair of tokenised text, which is common in data sets: punctuation, words and numbers are joined again."""

import re

from nutgraf_models.text.mapped_text import Draft, MappedText

# Punctuation after a space, and all punctuation.
_APART = re.compile(r" [,.;](?=\s|$)")
_MARK = re.compile(r"[,.;](?=\s|$)")
_MIN_APART, _SHARE_APART = 3, 0.8
# Spaces inserted by a tokeniser: before punctuation and clitics, after brackets and currency signs.
_PARTED = re.compile(
    r"(?: (?=[,.;:?!%)\]](?:\s|$))| (?=(?:['’](?:s|re|ll|ve|d|m|t)|n['’]t)\b))"
    r"|(?<=[(\[$£€])(?: )"
    r"|(?P<quote>(?:(?<=\s)|^)(?:``|''|[`'\"])(?=\s|$))"
)
_WHOLE = re.compile(r"\d[.,]\d")
# "1, 056" and "98. 7", but not "May 12, 300 people".
_IN_PARTS = re.compile(r"(?<![\d.,])\d{1,3}(?:,( )(?=\d{3}(?!\d))|\.( )(?=\d))")
_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.? $", re.I)
_MONTH_CHARACTERS = 12


def with_whole_words(text: MappedText) -> MappedText:
    """The text without spaces inserted by a tokeniser, such as in "it did n't , he said ."; else unchanged."""
    apart = len(_APART.findall(text.text))
    if apart < _MIN_APART or apart < _SHARE_APART * len(_MARK.findall(text.text)):
        return text
    return joined(text)


def joined(text: MappedText) -> MappedText:
    """Removes the spaces that a tokeniser inserts before punctuation and clitics and within quotation marks."""
    draft = Draft(text)
    position = 0
    is_open = False
    # If backticks open quotations, a single quotation mark never does; nor does one after "the saracens".
    has_backticks = "`" in text.text
    for match in _PARTED.finditer(text.text):
        start, end = match.span()
        if start < position:
            continue
        if match["quote"] is None:
            draft.keep(position, start)
            position = end
            continue
        may_open = not (is_open or has_backticks or text.text.endswith("s ", 0, start))
        opens = match["quote"] in ("`", "``") or (match["quote"] != "''" and may_open)
        is_open = opens
        # Drop the space on the inner side of a quotation mark, unless the mark before has already dropped it.
        drops = not opens and start > position and text.text.endswith(" ", 0, start)
        draft.keep(position, start - drops)
        draft.put('"' if len(match["quote"]) == 2 else match["quote"].replace("`", "'"), start, end)
        position = end + 1 if opens and end < len(text.text) else end
    draft.keep(position, len(text.text))
    return draft.text()


def has_numbers_in_parts(text: str) -> bool:
    """Whether numbers are written with a space after the point or comma, and none without."""
    return _WHOLE.search(text) is None and bool(_spaces(text))


def with_whole_numbers(text: MappedText) -> MappedText:
    """The text with split numbers joined."""
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
    """Positions of the spaces within numbers."""
    return [
        match.start(match.lastindex or 0)
        for match in _IN_PARTS.finditer(text)
        if not _MONTH.search(text, max(0, match.start() - _MONTH_CHARACTERS), match.start())
    ]
