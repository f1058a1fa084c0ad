"""The input of `nutgraf batch`: articles in JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING

import click

from nutgraf._cli.resume import Id, Output, key
from nutgraf._cli.texts import MAX_BYTES, other_kind

if TYPE_CHECKING:
    from nutgraf._requests import Article


class Reader:
    """Reads articles, reports invalid lines, and records which article came from which line.

    Args:
        stream: the input.
        name: of the input, for messages.
        output: has the articles that are already answered.
        report: prints a line to standard error.

    Attributes:
        lines: number of lines read.
        failed: number of lines without a summary.
        sent: the ids of the articles in flight, by line number.
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
        """The articles to send. Their ids are line numbers, which are unique.

        Raises:
            click.ClickException: the input is not text.
        """
        from nutgraf._requests import Article

        while line := self._stream.readline(MAX_BYTES):
            self.lines = number = self.lines + 1
            if number == 1 and (kind := other_kind(line)):
                raise click.ClickException(f"{self._name} is {kind}")
            try:
                if len(line) == MAX_BYTES and not line.endswith(b"\n"):
                    self._skip_line()
                    raise ValueError(f"longer than {MAX_BYTES >> 20} MiB")
                record = _text(line).strip()
                if not record:
                    continue
                identifier, text, title = _parse(record, number)
                name = key(identifier)
                if name in self._seen:
                    raise ValueError(f"its id {name} is also the id of line {self._seen[name]}")
                self._seen[name] = number
                if name in self._output.answered:
                    self._check_same(name, text)
                    continue
            except ValueError as error:
                self.bad(number, str(error))
                continue
            self.sent[number] = identifier
            yield Article(text, title=title, id=str(number))

    def bad(self, number: int, reason: str) -> None:
        """Reports a line without a summary."""
        self.failed += 1
        self._report(f"nutgraf: line {number}: {reason}")

    def _skip_line(self) -> None:
        while (rest := self._stream.readline(MAX_BYTES)) and not rest.endswith(b"\n"):
            pass

    def _check_same(self, name: str, text: str) -> None:
        """Raises ValueError if the article that was answered under this id has another length."""
        characters = self._output.answered[name]
        if characters and characters != len(text):
            raise ValueError(
                f"{self._output.name} has a summary of another article under its id {name}, with {characters} "
                f"characters instead of {len(text)}; use another id or another output file"
            )


def _text(line: bytes) -> str:
    try:
        # Byte-order marks: at the start of the file, or in the middle if files were concatenated.
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
        raise ValueError('"id" has a lone surrogate, which cannot be written')
    text = record.get("text") or record.get("article")  # null and "" count as missing
    if not text:
        raise ValueError('"text" (or "article") is missing or empty')
    title = record.get("title")
    if not isinstance(text, str) or not isinstance(title, (str, type(None))):
        raise ValueError('"text" and "title" must be strings')
    return identifier, text, title or ""
