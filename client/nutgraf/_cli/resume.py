"""The output file of `nutgraf batch`: what it holds from an earlier run, and adding to it without a torn line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

# Every line that batch writes starts so: what tells a line torn by a kill from a file that is not batch's.
_START = b'{"id": '

Id = str | int


class OutputFile:
    """Answers that are already there, and the place for more.

    Attributes:
        answered: the ids that have an answer, as `key` gives them.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.answered: set[str] = set()
        self._stream = stream

    def write(self, line: str) -> None:
        """Adds one line. It is with the operating system when this returns: a kill of this process cannot lose it."""
        self._stream.write(line.encode() + b"\n")
        self._stream.flush()


def key(identifier: Id) -> str:
    """What makes two ids the same: 1 and "1" are two."""
    return json.dumps(identifier)


@contextmanager
def open_output(path: Path) -> Iterator[OutputFile]:
    """Opens the output to go on with it; a last line torn by a kill is cut away.

    Raises:
        click.ClickException: another batch is writing to it, or it holds what batch did not write.
        OSError: it cannot be opened or written.
    """
    # "a" would not do: it reads nothing, and truncating needs the place.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "r+b") as stream:
        _lock(stream, path)
        output = OutputFile(stream)
        end = 0
        for number, line in enumerate(stream, start=1):
            if not line.endswith(b"\n"):
                if line[: len(_START)] != _START[: len(line)]:
                    raise _foreign(path, number)
                break
            output.answered.add(_id(line, path, number))
            end += len(line)
        stream.seek(end)
        stream.truncate()
        yield output
        stream.flush()
        os.fsync(stream.fileno())


def _id(line: bytes, path: Path, number: int) -> str:
    try:
        record = json.loads(line)
    except ValueError:
        raise _foreign(path, number) from None
    if not (isinstance(record, dict) and isinstance(record.get("id"), Id) and "summaries" in record):
        raise _foreign(path, number)
    return key(record["id"])


def _foreign(path: Path, number: int) -> click.ClickException:
    return click.ClickException(
        f"{path}: line {number} was not written by nutgraf batch; name another file for the output"
    )


def _lock(stream: BinaryIO, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: nothing stops two runs there
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise click.ClickException(f"{path}: another nutgraf batch is writing to it") from None
    except OSError:
        pass  # a file system without locks, or a pipe or device
