"""Text with a mapping of its positions to the original."""

from array import array
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MappedText:
    """A text and, for each of its characters, the corresponding span of the text as sent.

    All positions count Unicode code points.
    """

    text: str
    _starts: "array[int]" = field(repr=False)
    _ends: "array[int]" = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "MappedText":
        """The identity mapping, for the text as sent."""
        return cls(text, array("I", range(len(text))), array("I", range(1, len(text) + 1)))

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the non-empty `text[start:end]` in the text as sent."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"[{start}, {end}) is not a span of a text of {len(self.text)} characters")
        return self._starts[start], self._ends[end - 1]

    def with_characters(self, text: str) -> "MappedText":
        """Another text of equal length with the same mapping."""
        if len(text) != len(self.text):
            raise ValueError(f"the new text has {len(text)} characters; it must have {len(self.text)}")
        return MappedText(text, self._starts, self._ends)


class Draft:
    """Builds a text from parts of another one, in order. Parts that are neither kept nor replaced are dropped."""

    def __init__(self, source: MappedText) -> None:
        self._source = source
        self._parts: list[str] = []
        self._starts = array("I")
        self._ends = array("I")

    def keep(self, start: int, end: int) -> None:
        """Appends `source.text[start:end]` unchanged."""
        self.put(self._source.text[start:end], start, end)

    def put(self, text: str, start: int, end: int) -> None:
        """Appends `text` in place of the non-empty `source.text[start:end]`.

        Characters are mapped one to one if the lengths are equal; otherwise each is mapped to the whole span.
        """
        self._parts.append(text)
        if len(text) == end - start:
            self._starts.extend(self._source._starts[start:end])
            self._ends.extend(self._source._ends[start:end])
            return
        first, last = self._source.source_span(start, end)
        self._starts.extend([first] * len(text))
        self._ends.extend([last] * len(text))

    def text(self) -> MappedText:
        return MappedText("".join(self._parts), self._starts, self._ends)
