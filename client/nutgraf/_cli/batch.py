"""`nutgraf batch`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from nutgraf._cli.connection import connection
from nutgraf._cli.lengths import lengths_option
from nutgraf._cli.resume import Id, OutputFile, key, open_output
from nutgraf._errors import NutgrafError

if TYPE_CHECKING:
    from nutgraf._requests import Article
    from nutgraf._sync import Client


@click.command()
@click.argument("source", metavar="IN.jsonl", type=click.Path(allow_dash=True))
@click.option(
    "-o",
    "--output",
    metavar="OUT.jsonl",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where answers are added, one per line, as they come.",
)
@lengths_option()
@click.option("--max-in-flight", type=click.IntRange(min=1), default=16, show_default=True, help="Articles at a time.")
@connection(timeout=300.0, timeout_help="How long one article may take.")
def batch(client: Client, source: str, output: Path, lengths: list[str], max_in_flight: int) -> None:
    """Summarise every article in IN.jsonl (- for standard input).

    A line of it is a JSON object with "text" (or "article"), and "id" and "title" if you like; an article without an
    id is named by the number of its line. A line of OUT.jsonl is the response with that "id". Lines come in the order
    in which they are finished.

    Run again after an interruption, it goes on where it stopped: articles that OUT.jsonl has are skipped. A line that
    cannot be used, or an article that fails, is reported and left out, and the exit status is 1.
    """
    from nutgraf._cli.output import to_dict, to_json

    if source != "-" and output.exists() and output.samefile(source):
        raise click.UsageError("the output must be another file than the input")
    with click.open_file(source, "rb") as stream, open_output(output) as out:
        reader = _Reader(stream, out)
        with _Progress(source) as progress:
            reader.report = progress.report
            answers = client._summarize_many(
                reader.articles(),
                summaries=lengths,
                ordered=False,
                max_in_flight=max_in_flight,
                item_timeout=client._connection.timeout,
            )
            try:
                for answer in answers:
                    number, identifier = reader.sent.pop(int(answer.article.id))
                    if answer.response is not None:
                        out.write(to_json({"id": identifier, **to_dict(answer.response)}))
                    else:
                        reader.bad(number, str(answer.error))
                    progress.at(reader.lines - len(reader.sent))
            except NutgrafError as error:
                raise click.ClickException(f"{error}; run the same command again to go on") from None
            finally:
                answers.close()
            progress.at(reader.lines)
    if reader.failed:
        plural = "" if reader.failed == 1 else "s"
        raise click.ClickException(f"{reader.failed} line{plural} of {reader.lines} without a summary")


class _Reader:
    """Reads articles, reports lines that are none, and remembers which article came from where."""

    def __init__(self, stream: IO[bytes], out: OutputFile) -> None:
        self.lines = 0
        self.failed = 0
        self.sent: dict[int, tuple[int, Id]] = {}  # by line number: what is on its way
        self.report: Any = None
        self._stream = stream
        self._answered = out.answered
        self._seen: dict[str, int] = {}

    def articles(self) -> Iterator[Article]:
        """The articles to send. Their ids are line numbers, which do not repeat."""
        from nutgraf._requests import Article

        for number, line in enumerate(self._stream, start=1):
            self.lines = number
            if not line.strip():
                continue
            try:
                identifier, text, title = _parse(line, number)
                name = key(identifier)
                if name in self._seen:
                    raise ValueError(f"its id {name} is that of line {self._seen[name]}")
            except ValueError as error:
                self.bad(number, str(error))
                continue
            self._seen[name] = number
            if name not in self._answered:
                self.sent[number] = (number, identifier)
                yield Article(text, title=title, id=str(number))

    def bad(self, number: int, why: str) -> None:
        """Reports a line that gets no summary."""
        self.failed += 1
        self.report(f"nutgraf: line {number}: {why}")


def _parse(line: bytes, number: int) -> tuple[Id, str, str]:
    try:
        record = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{line[error.start]:02X} at position {error.start} of the line") from None
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
    text = record.get("text", record.get("article"))
    if text is None:
        raise ValueError('no "text" (or "article")')
    title = record.get("title")
    if not isinstance(text, str) or not isinstance(title, (str, type(None))):
        raise ValueError('"text" and "title" must be strings')
    return identifier, text, title or ""


class _Progress:
    """A progress bar on stderr where that is a terminal, else nothing; reports go above it."""

    def __init__(self, source: str) -> None:
        self._progress: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("articles"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._progress.add_task("", total=_count_lines(source))

    def __enter__(self) -> _Progress:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def at(self, done: int) -> None:
        """Moves the bar to so many lines."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done)

    def report(self, line: str) -> None:
        """Prints a line to stderr."""
        if self._progress is None:
            click.echo(line, err=True)
        else:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _count_lines(source: str) -> int | None:
    """How many lines there are to come; None where reading them would use them up."""
    path = Path(source)
    if source == "-" or not path.is_file():
        return None
    with path.open("rb") as stream:
        return sum(1 for _ in stream)
