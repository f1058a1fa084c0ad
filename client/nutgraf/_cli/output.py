"""What the commands print and where: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from google.protobuf import json_format

from nutgraf._enums import Verdict

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from nutgraf._results import Result


def to_dict(message: Message) -> dict[str, Any]:
    """A message in protobuf's JSON mapping, fields at their default included."""
    mapped: dict[str, Any] = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    return mapped


def to_json(value: object, *, indent: int | None = None) -> str:
    """JSON as people read it: letters outside ASCII as they are."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def print_json(message: Message) -> None:
    """Prints a message in protobuf's JSON mapping to stdout, in UTF-8 whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(to_json(to_dict(message), indent=2).encode() + b"\n")
    sys.stdout.buffer.flush()


@contextmanager
def new_file(path: Path) -> Iterator[IO[str]]:
    """A text file that is at `path`, in place of what was there, once the block has ended well, and else never was.

    It is made at the start: what forbids it is said before anything costly is done.

    Raises:
        click.ClickException: it cannot be written, or "-" was to stand for standard output.
    """
    if path == Path("-"):
        raise click.UsageError("a page is written to a file; standard output is for the rest")
    path = Path(os.path.realpath(path))  # a link stays one
    if path.exists() and not path.is_file():
        raise click.ClickException(f"cannot write {path}: it is there and is not a file")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        stream = draft.open("x", encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror or error}") from None
    try:
        with stream:
            yield stream
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def warn(text: str) -> None:
    """Prints a warning to stderr."""
    click.echo(f"nutgraf: warning: {text}", err=True)


def warn_of(result: Result) -> None:
    """Prints a result's warnings to stderr, with the doubted sentences and unsupported terms."""
    for warning in result.warnings:
        warn(warning.detail or warning.code)
    for summary in result.summaries:
        for warning in summary.warnings:
            warn(f"{summary.length} summary: {warning.detail or warning.code}")
        for sentence in summary.sentences:
            if sentence.verdict is Verdict.DOUBTED:
                warn(f"{summary.length} summary: doubted: “{sentence.text}”")
        if summary.unsupported_terms:
            terms = ", ".join(f"“{term.text}” ({term.kind})" for term in summary.unsupported_terms)
            warn(f"{summary.length} summary: not in the article: {terms}")
