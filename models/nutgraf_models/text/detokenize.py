"""Repair of tokenised text, which is common in data sets: punctuation, words and numbers are joined again."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from nutgraf_models.text.mapped_text import Draft, MappedText
from nutgraf_models.text.ordinary_words import ordinary_words

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
_LINE = re.compile(r"[^\n]+")
_MIN_LINE_WORDS = 5
_LETTERS = re.compile(r"[^\W\d_]+")
# Overlapping pairs of words.
_PAIR = re.compile(r"(?<![^\W\d_])(?=([^\W\d_]+ [^\W\d_]+))")


def with_whole_words(text: MappedText) -> MappedText:
    """The text without spaces inserted by a tokeniser, such as in "it did n't , he said ."; else unchanged.

    In a text that has capitals, lines that were put into lower case and tokenised, such as its first, get the capitals
    of its other lines.
    """
    apart = len(_APART.findall(text.text))
    if apart >= _MIN_APART and apart >= _SHARE_APART * len(_MARK.findall(text.text)):
        return joined(text)
    if " .\n" not in text.text or text.text.islower():
        return text
    lines = [
        match.span()
        for match in _LINE.finditer(text.text)
        if match[0].endswith(" .") and match[0].islower() and len(_LETTERS.findall(match[0])) >= _MIN_LINE_WORDS
    ]
    if not lines:
        return text
    return joined(text.with_characters(_with_capitals(text.text, lines)), lines)


def _with_capitals(text: str, lines: Sequence[tuple[int, int]]) -> str:
    """The text with capitals in `lines`: at their start, in words that its other lines have only with capitals, and in
    the neighbours of those if the other lines have the pair with two, as in "Tata Steel".
    """
    others = "".join(
        text[start:end] for (_, start), (end, _) in zip([(0, 0), *lines], [*lines, (len(text), len(text))], strict=True)
    )
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for word in (*_LETTERS.findall(others), *_PAIR.findall(others)):
        forms[word.lower()][word] += 1

    def usual(lower: str) -> str:
        """The most frequent form, if it has the same length."""
        form = forms[lower].most_common(1)[0][0] if lower in forms else lower
        return form if len(form) == len(lower) else lower

    def cased(match: re.Match[str]) -> str:
        word = match[0]
        # A capital at the start of a sentence says little about an ordinary word.
        return word if word in forms.get(word, ()) or word in ordinary_words() else usual(word)

    parts = []
    position = 0
    for start, end in lines:
        lower = text[start:end]
        line = list(_LETTERS.sub(cased, lower))
        for pair in _PAIR.finditer(lower):
            form, span = usual(pair[1]), slice(*pair.span(1))
            # "Primary School" may be part of a name in the other lines only.
            is_name = all(word[0].isupper() for word in form.split(" "))
            if is_name and "".join(line[span]) != pair[1]:
                line[span] = form
        capital = line[0].upper()
        parts += [text[position:start], capital if len(capital) == 1 else line[0], *line[1:]]
        position = end
    return "".join([*parts, text[position:]])


def joined(text: MappedText, spans: Sequence[tuple[int, int]] = ()) -> MappedText:
    """Removes the spaces that a tokeniser inserts before punctuation and clitics and within quotation marks.

    `spans`: the parts of the text to join, in order; all of it by default.
    """
    draft = Draft(text)
    position = 0
    # If backticks open quotations, a single quotation mark never does; nor does one after "the saracens".
    has_backticks = "`" in text.text
    for first, last in spans or [(0, len(text.text))]:
        is_open = False
        for match in _PARTED.finditer(text.text, first, last):
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
