"""Cutting a text where marked stretches of it start and end. All positions count code points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_BLANK_LINES = re.compile(r"(?:\n[^\S\n]*){2,}|\Z")
# Lines as long as these, all but the last one, were broken by a program that wraps, not by a writer.
_WRAPPED_LINE = range(50, 101)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text, and which spans cover it: their places in the sequence that was given."""

    start: int
    end: int
    spans: tuple[int, ...]


def segments(start: int, end: int, spans: Sequence[tuple[int, int]]) -> list[Segment]:
    """Splits `[start, end)` wherever one of the spans starts or ends.

    Spans may overlap, nest, repeat, be empty, or reach beyond: what is outside does not count.
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
    """`text` with the line breaks and characters that HTML can hold, at the same positions."""
    return text.replace("\r\n", " \n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Where the paragraphs of `text` are: what blank lines part."""
    start = 0
    for match in _BLANK_LINES.finditer(text):
        if text[start : match.start()].strip():
            yield start, match.start()
        start = match.end()


def is_wrapped(paragraph: str) -> bool:
    """Whether the line breaks of a paragraph mean nothing."""
    *lines, _ = paragraph.strip().split("\n")
    return bool(lines) and all(len(line.strip()) in _WRAPPED_LINE for line in lines)
