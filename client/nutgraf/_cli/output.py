"""Output of the commands: data on stdout, everything else on stderr."""

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
    """Converts a message by protobuf's JSON mapping, including fields with default values."""
    mapped: dict[str, Any] = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    return mapped


def to_json(value: object, *, indent: int | None = None) -> str:
    """Encodes JSON without escaping letters outside ASCII."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def print_json(message: Message) -> None:
    """Prints a message in protobuf's JSON mapping to stdout, in UTF-8 regardless of the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(to_json(to_dict(message), indent=2).encode() + b"\n")
    sys.stdout.buffer.flush()


@contextmanager
def new_file(path: Path) -> Iterator[IO[str]]:
    """Opens a text file that replaces the one at `path` when the block succeeds, and is removed if it fails.

    The file is created at the start, so that errors are reported before any costly work.

    Raises:
        click.ClickException: the file cannot be written, or the path is "-".
    """
    if path == Path("-"):
        raise click.UsageError("the page must be a file, because standard output has the summaries")
    path = Path(os.path.realpath(path))  # keeps a symbolic link
    if path.exists() and not path.is_file():
        raise click.ClickException(f"cannot write {path}: it exists and is not a file")
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
