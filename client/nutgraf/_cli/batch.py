"""`nutgraf batch`."""

from __future__ import annotations

import os
import stat
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nutgraf._cli.connection import connection
from nutgraf._cli.lengths import lengths_option
from nutgraf._cli.records import Reader
from nutgraf._cli.resume import open_output
from nutgraf._errors import NutgrafError

if TYPE_CHECKING:
    from nutgraf._sync import Client


@click.command()
@click.argument("source", metavar="IN.jsonl", type=click.Path(allow_dash=True))
@click.option(
    "-o",
    "--output",
    metavar="OUT.jsonl",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    help="File to append answers to, one per line, as they arrive; - for standard output.",
)
@lengths_option()
@click.option(
    "--max-in-flight",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Maximum number of articles in flight.",
)
@connection(timeout=300.0, timeout_help="Timeout of one article.")
def batch(client: Client, source: str, output: str, lengths: list[str], max_in_flight: int) -> None:
    """Summarise every article in IN.jsonl (- for standard input).

    Each input line is a JSON object with "text" (or "article") and optionally "id" and "title". The default id is the
    line number. Each line of OUT.jsonl is the response to one article, with its "id". Responses are written as soon as
    they are finished.

    After an interruption, run the same command again to continue: articles that are already in OUT.jsonl are skipped.
    --length must be the same. If the output is standard output, a pipe or a terminal, it starts from the beginning. If
    a line is invalid or an article fails, the error is reported, and the exit status is 1.
    """
    from nutgraf._cli.output import to_dict, to_json
    from nutgraf._ledger import StreamOptions

    if _is_same_file(source, output):
        raise click.UsageError("the output must not be the input file")
    name = "standard input" if source == "-" else source
    with (
        click.open_file(source, "rb") as stream,
        open_output(output, lengths) as out,
        _Progress(source) as progress,
    ):
        reader = Reader(stream, name, out, progress.report)
        options = StreamOptions(
            summaries=lengths, ordered=False, max_in_flight=max_in_flight, item_timeout=client._connection.timeout
        )
        answers = client._summarize_many(reader.articles(), options)
        try:
            for answer in answers:
                number = int(answer.article.id)
                identifier = reader.sent.pop(number)
                if answer.response is not None:
                    if out.is_new_model(answer.response.model):
                        progress.report(f"nutgraf: warning: {out.name} now also has answers by {answer.response.model}")
                    out.write(to_json({"id": identifier, **to_dict(answer.response)}))
                else:
                    reader.bad(number, str(answer.error))
                progress.at(reader.lines - len(reader.sent))
        except NutgrafError as error:
            again = "; run the same command again to continue" if out.is_file else ""
            raise click.ClickException(f"{error}{again}") from None
        finally:
            answers.close()
        progress.at(reader.lines)
    if reader.failed:
        plural = "" if reader.failed == 1 else "s"
        raise click.ClickException(f"{reader.failed} line{plural} of {reader.lines} without a summary")


def _is_same_file(source: str, output: str) -> bool:
    """Whether input and output are the same file. A terminal or a pipe may be both."""
    try:
        source_status = os.fstat(0) if source == "-" else Path(source).stat()
        output_status = os.fstat(1) if output == "-" else Path(output).stat()
    except OSError:  # the output does not exist yet, or opening it will fail with a message
        return False
    return stat.S_ISREG(source_status.st_mode) and os.path.samestat(source_status, output_status)


class _Progress:
    """A progress bar on stderr, if that is a terminal. Reports are printed above it."""

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
        """Moves the bar to the given number of lines."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done)

    def report(self, line: str) -> None:
        """Prints a line to stderr."""
        if self._progress is None:
            click.echo(line, err=True)
        else:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _count_lines(source: str) -> int | None:
    """The number of lines of the input; None if it is not a file that can be read twice."""
    path = Path(source)
    if source == "-" or not path.is_file():
        return None
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(partial(stream.read, 1 << 20), b""))
