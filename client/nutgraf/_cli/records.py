"""The input of `nutgraf batch`: articles in JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING

import click

from nutgraf._cli.resume import Id, Output, key
from nutgraf._cli.texts import MOST_BYTES, other_kind

if TYPE_CHECKING:
    from nutgraf._requests import Article


class Reader:
    """Reads articles, reports lines that are none, and remembers which article came from where.

    Args:
        stream: the lines.
        name: what the stream is, for messages.
        output: what has been answered before.
        report: prints a line to standard error.

    Attributes:
        lines: how many have been read.
        failed: how many of them get no summary.
        sent: by line number, the ids of the articles that are on their way.
    """

    def __init__(self, stream: IO[bytes], name: str, output: Output, report: Callable[[str], None]) -> None:
        self.lines = 0
        self.failed = 0
        self.sent: dict[int, Id] = {}
        self._stream = stream
        self._name = name
        self._output = output
        self._report = report
        self._seen: dict[str, int] = {}

    def articles(self) -> Iterator[Article]:
        """The articles to send. Their ids are line numbers, which do not repeat.

        Raises:
            click.ClickException: this is no file of lines of text.
        """
        from nutgraf._requests import Article

        while line := self._stream.readline(MOST_BYTES):
            self.lines = number = self.lines + 1
            if number == 1 and (kind := other_kind(line)):
                raise click.ClickException(f"{self._name} is {kind}")
            try:
                if len(line) == MOST_BYTES and not line.endswith(b"\n"):
                    self._skip_line()
                    raise ValueError(f"longer than {MOST_BYTES >> 20} MiB")
                record = _text(line).strip()
                if not record:
                    continue
                identifier, text, title = _parse(record, number)
                name = key(identifier)
                if name in self._seen:
                    raise ValueError(f"its id {name} is that of line {self._seen[name]}")
                self._seen[name] = number
                if name in self._output.answered:
                    self._check_same(name, text)
                    continue
            except ValueError as error:
                self.bad(number, str(error))
                continue
            self.sent[number] = identifier
            yield Article(text, title=title, id=str(number))

    def bad(self, number: int, why: str) -> None:
        """Reports a line that gets no summary."""
        self.failed += 1
        self._report(f"nutgraf: line {number}: {why}")

    def _skip_line(self) -> None:
        while (rest := self._stream.readline(MOST_BYTES)) and not rest.endswith(b"\n"):
            pass

    def _check_same(self, name: str, text: str) -> None:
        """Whether the article that was answered under this id has been this one, by its length."""
        characters = self._output.answered[name]
        if characters and characters != len(text):
            raise ValueError(
                f"{self._output.name} has a summary of another article under its id {name}, one of {characters} "
                f"characters and not {len(text)}; give it another id, or name another file for the output"
            )


def _text(line: bytes) -> str:
    try:
        # Byte-order marks: of the file, or of one that was put behind another.
        return line.decode().lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{line[error.start]:02X} at position {error.start} of the line") from None


def _parse(line: str, number: int) -> tuple[Id, str, str]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise ValueError('not a JSON object; a line should be {"id": ..., "text": ...}')
    identifier = record.get("id")
    if identifier is None:
        identifier = number
    if isinstance(identifier, bool) or not isinstance(identifier, (str, int)):
        raise ValueError('"id" must be a string or a whole number')
    if isinstance(identifier, str) and any("\ud800" <= character <= "\udfff" for character in identifier):
        raise ValueError('"id" has a lone surrogate, which could not be written')
    text = record.get("text") or record.get("article")  # null and "" stand for nothing, too
    if not text:
        raise ValueError('no "text" (or "article"), or an empty one')
    title = record.get("title")
    if not isinstance(text, str) or not isinstance(title, (str, type(None))):
        raise ValueError('"text" and "title" must be strings')
    return identifier, text, title or ""
