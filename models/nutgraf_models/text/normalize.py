"""Clean text for the model, with a way back to the text as it was sent."""

import re

from nutgraf_models.text.boilerplate import story_lines
from nutgraf_models.text.characters import repaired, unescape, without_invisible
from nutgraf_models.text.detokenize import with_whole_words
from nutgraf_models.text.html_page import visible_text
from nutgraf_models.text.mapped_text import Draft, MappedText

# Words; where none are apart, stretches up to a stop. Control characters keep words apart as white space does.
_STOP = "。！？，、；"
_SPACE = r"\s\x00-\x1f\x7f"
_PIECE = re.compile(rf"(?P<space>[{_SPACE}]+)|[^{_SPACE}{_STOP}]+[{_STOP}]*|[{_STOP}]+")
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028]")
_TERMINAL = re.compile(r"[.!?:…。！？؟।][\"'”’»)\]]*$")
_WRAP_COLUMN = 130
# What an item of a list begins with.
_BULLET = re.compile(r"[-*•‣◦▪·]\s")


def normalize(text: str) -> MappedText:
    """A text that is ready for sentence splitting: the story, its paragraphs apart by line breaks.

    A paragraph ends at a blank line, and at a single line break unless the text is hard-wrapped or goes on in lower
    case; an item of a list begins one. The result is empty if there is nothing to read.
    """
    return story_of(clean(text))


def clean(text: str) -> MappedText:
    """The text as a reader sees it, with whatever stands around the story.

    In this order: HTML becomes text (`html_page`), character references are resolved, invisible characters go, white
    space is evened out and broken characters are repaired (`characters`), and the spaces go that a tokenizer put in
    (`detokenize`).
    """
    return with_whole_words(_even(without_invisible(unescape(visible_text(MappedText.of(text))))))


def story_of(whole: MappedText) -> MappedText:
    """The lines of the story (`prose`) with the breaks between them. What is dropped counts as part of a break."""
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
    """The text with its words repaired, and one space, or one or two line breaks, between them."""
    text = seen.text
    break_lines = not _is_hard_wrapped(text)
    draft = Draft(seen)
    is_empty = True
    gap: tuple[int, int, str] | None = None  # white space not yet written: where it was, and what stands for it
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
    """What a run of white space becomes."""
    breaks = len(_LINE_END.findall(run))
    if breaks >= 2 or "\u2029" in run:
        return "\n\n"
    return "\n" if breaks and break_lines else " "


def _rank(space: str) -> int:
    return (" ", "\n", "\n\n").index(space)


def _is_hard_wrapped(text: str) -> bool:
    """Whether line breaks fall where a column was full, rather than where a paragraph ended."""
    lines = [line.strip() for line in text[:20_000].splitlines() if line.strip()]
    if len(lines) < 3 or max(map(len, lines)) > _WRAP_COLUMN:
        return False
    if not any(line[0].isalpha() and not line[0].isupper() for line in lines):
        return False  # each line begins something, as points in a list do
    open_lines = [line for line in lines if not _TERMINAL.search(line)]
    if len(open_lines) <= len(lines) / 2:
        return False
    usual = sum(map(len, open_lines)) / len(open_lines)
    return usual > max(40.0, 0.6 * max(map(len, lines)))
