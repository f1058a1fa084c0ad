"""Clean text for the model, with a way back to the text as it was sent."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache

import ftfy

from nutgraf_models.prose import story_lines

# Tags that HTML is recognised by, and those of them that end a paragraph. The patterns have no nested repetition, so
# that their time is linear in the text whatever it holds.
_HTML = re.compile(r"</?(?:a|article|b|body|br|div|em|h[1-6]|html|i|img|li|p|section|span|strong|ul)\b[^<>]*>", re.I)
_BLOCK = re.compile(r"</?(?:article|blockquote|br|div|h[1-6]|li|ol|p|section|table|td|th|tr|ul)\b", re.I)
# Words; where none are apart, stretches up to a stop.
_STOP = "。！？，、；"
_PIECE = re.compile(rf"\s+|[^\s{_STOP}]+[{_STOP}]*|[{_STOP}]+")
_HTML_PIECE = re.compile(rf"<[/!a-z][^<>]*>|\s+|<|[^\s<{_STOP}]+[{_STOP}]*|[{_STOP}]+", re.I)
_HIDDEN = re.compile(r"<!--|<(?:script|style)\b", re.I)
_HIDDEN_END = {
    "<!--": re.compile("-->"),
    "<script": re.compile(r"</script\s*>?", re.I),
    "<style": re.compile(r"</style\s*>?", re.I),
}
_TERMINAL = re.compile(r"[.!?:…。！？؟।][\"'”’»)\]]*$")
_WRAP_COLUMN = 130
# What an item of a list begins with.
_BULLET = re.compile(r"[-*•‣◦▪·]\s")
# Longer words, if they need repair, map as a whole.
_LONGEST_WORD = 64


@dataclass(frozen=True)
class _Segment:
    """A stretch of clean text and where it came from. Of equal lengths, it maps point to point, else as a whole."""

    start: int
    length: int
    source_start: int
    source_length: int


@dataclass(frozen=True)
class NormalizedText:
    """Text ready for sentence splitting: no control characters, mojibake or tags; paragraphs apart by line breaks.

    All positions count Unicode code points.
    """

    text: str
    _segments: tuple[_Segment, ...]

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]`, which must not be empty, is in the text as it was sent."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"[{start}, {end}) is no stretch of a text of {len(self.text)} characters")
        return self._source_point(start)[0], self._source_point(end - 1)[1]

    def _source_point(self, position: int) -> tuple[int, int]:
        segment = self._segments[self._index(position)]
        if segment.length == segment.source_length:
            source = segment.source_start + position - segment.start
            return source, source + 1
        return segment.source_start, segment.source_start + segment.source_length

    def _index(self, position: int) -> int:
        return bisect_right(self._segments, position, key=lambda segment: segment.start) - 1

    def _cut(self, start: int, end: int, to: int) -> Iterator[_Segment]:
        """The segments of `text[start:end]`, which divides none that maps as a whole, moved to begin at `to`."""
        for segment in self._segments[self._index(start) : self._index(end - 1) + 1]:
            first = max(start, segment.start)
            last = min(end, segment.start + segment.length)
            if segment.length == segment.source_length:
                source = segment.source_start + first - segment.start
                yield _Segment(first - start + to, last - first, source, last - first)
            else:
                yield replace(segment, start=first - start + to)


def normalize(text: str, *, story_only: bool = True) -> NormalizedText:
    """Repairs characters (ftfy), drops HTML tags and lines that are no part of the story, evens out white space.

    A paragraph ends at a blank line, and at a single line break unless the text is hard-wrapped or goes on in lower
    case; an item of a list begins one. The result is empty if there is nothing to read.

    `story_only`: False keeps all lines.
    """
    is_html = len(_HTML.findall(text, 0, 20_000)) >= 2
    # With inline tags alone, white space means what it means in plain text.
    has_blocks = is_html and _BLOCK.search(text) is not None
    break_lines = not _is_hard_wrapped(text)
    parts: list[str] = []
    segments: list[_Segment] = []
    length = 0
    gap: tuple[int, int, str] | None = None  # white space not yet written: where it was, and what stands for it

    def write(piece: str, source_start: int, source_length: int) -> None:
        nonlocal length
        parts.append(piece)
        last = segments[-1] if segments else None
        if (
            last is not None
            and last.length == last.source_length
            and len(piece) == source_length
            and last.source_start + last.source_length == source_start
        ):
            segments[-1] = _Segment(last.start, last.length + len(piece), last.source_start, last.length + len(piece))
        else:
            segments.append(_Segment(length, len(piece), source_start, source_length))
        length += len(piece)

    for match in _html_pieces(text) if is_html else _PIECE.finditer(text):
        piece = match.group()
        start, size = match.start(), len(piece)
        if piece.isspace() or (is_html and size > 1 and piece[0] == "<"):
            goes_on = text[start + size : start + size + 1].islower()
            is_item = _BULLET.match(text, start + size) is not None
            space = _space(piece, is_item or (break_lines and not goes_on), has_blocks)
            if length and space:
                gap = (
                    (start, size, space)
                    if gap is None
                    else (gap[0], start + size - gap[0], max(gap[2], space, key=_rank))
                )
            continue
        clean = _clean_word(piece)
        if not clean:
            continue
        if gap is not None:
            write(gap[2], gap[0], gap[1])
            gap = None
        for part, offset, part_size in clean:
            write(part, start + offset, part_size)
    whole = NormalizedText("".join(parts), tuple(segments))
    return _story_of(whole) if story_only else whole


def _story_of(whole: NormalizedText) -> NormalizedText:
    """The lines of the story with the breaks between them. What is dropped counts as part of a break."""
    text = whole.text
    lines = story_lines(text)
    if len(lines) == sum(1 for line in text.split("\n") if line):
        return whole
    parts: list[str] = []
    segments: list[_Segment] = []
    length = 0
    previous = (0, 0)
    for start, end in lines:
        source = whole.source_span(start, end)
        if parts:
            space = "\n\n" if "\n\n" in text[previous[0] : start] else "\n"
            segments.append(_Segment(length, len(space), previous[1], source[0] - previous[1]))
            parts.append(space)
            length += len(space)
        segments += whole._cut(start, end, length)
        parts.append(text[start:end])
        length += end - start
        previous = end, source[1]
    return NormalizedText("".join(parts), tuple(segments))


def _html_pieces(text: str) -> Iterator[re.Match[str]]:
    """Tags, white space and words, without comments, scripts and styles. One that never ends hides nothing."""
    position = 0
    endless: set[str] = set()  # looked for once in vain, so that many unclosed ones do not cost a search each
    for opening in _HIDDEN.finditer(text):
        kind = opening.group().lower()
        if opening.start() < position or kind in endless:
            continue
        closing = _HIDDEN_END[kind].search(text, opening.end())
        if closing is None:
            endless.add(kind)
            continue
        yield from _HTML_PIECE.finditer(text, position, opening.start())
        position = closing.end()
    yield from _HTML_PIECE.finditer(text, position)


def _space(piece: str, break_lines: bool, has_blocks: bool) -> str:
    """What a run of white space, or a tag, becomes."""
    if piece[0] == "<":
        return "\n\n" if _BLOCK.match(piece) else ""
    if has_blocks:
        return " "
    breaks = piece.replace("\r\n", "\n").count("\n") + piece.count("\u2029") + piece.count("\u2028")
    if breaks >= 2 or "\u2029" in piece:
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


@lru_cache(maxsize=4096)
def _clean_word(word: str) -> tuple[tuple[str, int, int], ...]:
    """The word with its characters repaired, in parts: each with its offset and size in the word as it was."""
    if word.isascii() and word.isprintable() and "&" not in word:
        return ((word, 0, len(word)),)
    clean = "".join(ftfy.fix_text(word).split())
    if not clean:
        return ()
    if len(word) > _LONGEST_WORD:
        return ((clean, 0, len(word)),)
    parts: list[tuple[str, int, int]] = []
    for kind, start, end, clean_start, clean_end in SequenceMatcher(None, word, clean, autojunk=False).get_opcodes():
        part = clean[clean_start:clean_end]
        if kind == "delete" and all(unicodedata.category(one) in ("Cc", "Cf") for one in word[start:end]):
            continue
        if parts and (kind in ("insert", "delete") or not parts[-1][0] or not parts[-1][2]):
            # What came from nowhere, or went into nothing, belongs to the character next to it.
            before, offset, size = parts.pop()
            if len(before) == size > 1:
                parts.append((before[:-1], offset, size - 1))
                before, offset = before[-1], offset + size - 1
            part, start = before + part, offset
        parts.append((part, start, end - start))
    return tuple(parts)
