"""Splits text at the boundaries of marked spans. All positions count code points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_BLANK_LINES = re.compile(r"(?:\n[^\S\n]*){2,}|\Z")
# If all lines of a paragraph but the last have such a length, a program has wrapped them.
_WRAPPED_LINE = range(50, 101)


@dataclass(frozen=True, slots=True)
class Segment:
    """A range of text, and the indexes of the spans that cover it."""

    start: int
    end: int
    spans: tuple[int, ...]


def segments(start: int, end: int, spans: Sequence[tuple[int, int]]) -> list[Segment]:
    """Splits `[start, end)` wherever one of the spans starts or ends.

    Spans may overlap, nest, repeat or be empty. Parts of them outside the range are ignored.
    """
    inside = [(max(first, start), min(last, end)) for first, last in spans]
    cuts = sorted({start, end, *(cut for first, last in inside if first < last for cut in (first, last))})
    return [
        Segment(
            here, there, tuple(index for index, (first, last) in enumerate(inside) if first <= here < there <= last)
        )
        for here, there in pairwise(cuts)
    ]


def printable(text: str) -> str:
    """Replaces line breaks and characters that HTML does not allow, without changing positions."""
    return text.replace("\r\n", " \n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """The positions of the paragraphs of `text`, which are separated by blank lines."""
    start = 0
    for match in _BLANK_LINES.finditer(text):
        if text[start : match.start()].strip():
            yield start, match.start()
        start = match.end()


def is_wrapped(paragraph: str) -> bool:
    """Whether the line breaks of a paragraph come from wrapping."""
    *lines, _ = paragraph.strip().split("\n")
    return bool(lines) and all(len(line.strip()) in _WRAPPED_LINE for line in lines)
