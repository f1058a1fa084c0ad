"""Clean text for the model, mapped to the text as sent."""

import re

from nutgraf_models.text.boilerplate import story_lines
from nutgraf_models.text.characters import repaired, unescape, without_invisible
from nutgraf_models.text.detokenize import with_whole_words
from nutgraf_models.text.html_page import visible_text
from nutgraf_models.text.mapped_text import Draft, MappedText

# Words; in scripts without spaces, parts up to a stop. Control characters separate words like white space.
_STOP = "。！？，、；"
_SPACE = r"\s\x00-\x1f\x7f"
_PIECE = re.compile(rf"(?P<space>[{_SPACE}]+)|[^{_SPACE}{_STOP}]+[{_STOP}]*|[{_STOP}]+")
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028]")
_TERMINAL = re.compile(r"[.!?:…。！？؟।][\"'”’»)\]]*$")
_WRAP_COLUMN = 130
_BULLET = re.compile(r"[-*•‣◦▪·]\s")


def normalize(text: str) -> MappedText:
    """The story of a text, ready for sentence splitting, with line breaks between paragraphs.

    A paragraph ends at a blank line, and at a single line break unless the text is hard-wrapped or continues in lower
    case. List items start a paragraph. The result is empty if the text is blank.
    """
    return story_of(clean(text))


def clean(text: str) -> MappedText:
    """The visible text, including boilerplate around the story.

    In this order: HTML becomes text (`html_page`), character references are replaced and invisible characters removed
    (`characters`), white space is normalised, broken encodings are repaired, and tokenised text is joined
    (`detokenize`).
    """
    return with_whole_words(_even(without_invisible(unescape(visible_text(MappedText.of(text))))))


def story_of(whole: MappedText) -> MappedText:
    """The lines of the story (`boilerplate`). Dropped lines count as part of the break between their neighbours."""
    text = whole.text
    draft = Draft(whole)
    previous: int | None = None
    for start, end in story_lines(text):
        if previous is not None:
            draft.put("\n\n" if "\n\n" in text[previous:start] else "\n", previous, start)
        draft.keep(start, end)
        previous = end
    return draft.text()


def _even(seen: MappedText) -> MappedText:
    """The text with repaired words, separated by one space, one line break or two."""
    text = seen.text
    break_lines = not _is_hard_wrapped(text)
    draft = Draft(seen)
    is_empty = True
    gap: tuple[int, int, str] | None = None  # pending white space: its start, end and replacement
    for match in _PIECE.finditer(text):
        start, end = match.span()
        if match["space"] is not None:
            is_item = _BULLET.match(text, end) is not None
            space = _space(match["space"], is_item or (break_lines and not text[end : end + 1].islower()))
            gap = (start, end, space) if gap is None else (gap[0], end, max(gap[2], space, key=_rank))
            continue
        parts = repaired(match.group())
        if parts and gap is not None and not is_empty:
            draft.put(gap[2], gap[0], gap[1])
        for part, offset, size in parts:
            draft.put(part, start + offset, start + offset + size)
        if parts:
            gap, is_empty = None, False
    return draft.text()


def _space(run: str, break_lines: bool) -> str:
    """The replacement for a run of white space."""
    breaks = len(_LINE_END.findall(run))
    if breaks >= 2 or "\u2029" in run:
        return "\n\n"
    return "\n" if breaks and break_lines else " "


def _rank(space: str) -> int:
    return (" ", "\n", "\n\n").index(space)


def _is_hard_wrapped(text: str) -> bool:
    """Whether line breaks mark a full column rather than the end of a paragraph."""
    lines = [line.strip() for line in text[:20_000].splitlines() if line.strip()]
    if len(lines) < 3 or max(map(len, lines)) > _WRAP_COLUMN:
        return False
    if not any(line[0].isalpha() and not line[0].isupper() for line in lines):
        return False  # every line starts a new item, as in a list
    open_lines = [line for line in lines if not _TERMINAL.search(line)]
    if len(open_lines) <= len(lines) / 2:
        return False
    usual = sum(map(len, open_lines)) / len(open_lines)
    return usual > max(40.0, 0.6 * max(map(len, lines)))
