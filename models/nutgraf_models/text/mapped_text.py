"""A text with a way back to the one that it was made from."""

from array import array
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MappedText:
    """A text and, for each of its characters, the stretch that it stands for of the text as it was sent.

    All positions count Unicode code points.
    """

    text: str
    _starts: "array[int]" = field(repr=False)
    _ends: "array[int]" = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "MappedText":
        """The text as it was sent."""
        return cls(text, array("I", range(len(text))), array("I", range(1, len(text) + 1)))

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]`, which must not be empty, is in the text as it was sent."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"[{start}, {end}) is no stretch of a text of {len(self.text)} characters")
        return self._starts[start], self._ends[end - 1]

    def with_characters(self, text: str) -> "MappedText":
        """Another text of the same length, each character of which stands for what the one in its place stood for."""
        if len(text) != len(self.text):
            raise ValueError(f"{len(text)} characters cannot stand for {len(self.text)}")
        return MappedText(text, self._starts, self._ends)


class Draft:
    """A text made from the stretches of another one, in their order. What is neither kept nor replaced is left out."""

    def __init__(self, source: MappedText) -> None:
        self._source = source
        self._parts: list[str] = []
        self._starts = array("I")
        self._ends = array("I")

    def keep(self, start: int, end: int) -> None:
        """Takes `source.text[start:end]` as it is."""
        self.put(self._source.text[start:end], start, end)

    def put(self, text: str, start: int, end: int) -> None:
        """Puts `text` where `source.text[start:end]` was, which must not be empty.

        Of as many characters each stands for one; of fewer or more, all of them for all.
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
