"""The output of `nutgraf batch`: what a file holds from an earlier run, and adding to it without a torn line."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from nutgraf._cli.lengths import option_of
from nutgraf._cli.texts import MOST_BYTES

# Every line that batch writes starts so: what tells a line torn by a kill from a file that is not batch's.
_START = b'{"id": '

Id = str | int


@dataclass
class Output:
    """Answers that are already there, and the place for more."""

    name: str
    descriptor: int
    is_file: bool
    """Whether another run can go on with it."""
    answered: dict[str, int] = field(default_factory=dict)
    """By id, as `key` gives it: the characters of the article that has an answer; 0 where that is not known."""
    models: set[str] = field(default_factory=set)
    """Those that the answers are by."""

    def is_new_model(self, model: str) -> bool:
        """Whether an answer by `model` is the first one of its kind, and not the first one at all. Notes it."""
        is_new = bool(self.models) and model not in self.models
        self.models.add(model)
        return is_new

    def write(self, line: str) -> None:
        """Adds one line. It is with the operating system when this returns: a kill of this process cannot lose it.

        Raises:
            OSError: it cannot be written; names the output.
        """
        left = memoryview(line.encode() + b"\n")
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.name) from None


def key(identifier: Id) -> str:
    """What makes two ids the same: 1 and "1" are two."""
    return json.dumps(identifier)


@contextmanager
def open_output(name: str, lengths: list[str]) -> Iterator[Output]:
    """Opens the output: a file to go on with, a last line torn by a kill cut away; a pipe, a terminal, or "-" for
    standard output to be written to, and not read.

    Args:
        name: its path, or "-".
        lengths: what is asked for; answers of other lengths do not go into the same file.

    Raises:
        click.ClickException: another batch is writing to it, it holds what batch did not write or answers of other
            lengths, or it is a thing of another kind, such as a disk.
        OSError: it cannot be opened or written.
    """
    if name == "-":
        yield Output("standard output", sys.stdout.fileno(), is_file=False)
        return
    path = Path(name)
    kind = path.stat().st_mode if path.exists() else stat.S_IFREG
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        access = os.O_WRONLY
    elif stat.S_ISREG(kind):
        access = os.O_RDWR | os.O_CREAT
    else:
        raise click.ClickException(f"{name}: neither a file nor a pipe; name one of these, or - for standard output")
    descriptor = os.open(name, access, 0o666)
    try:
        # Looked at again: what was there before may have been another.
        output = Output(name, descriptor, is_file=stat.S_ISREG(os.fstat(descriptor).st_mode))
        if output.is_file:
            _lock(output)
            _go_on(output, lengths)
        yield output
        if output.is_file:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _go_on(output: Output, lengths: list[str]) -> None:
    """Reads what is there, and leaves the descriptor behind the last whole line."""
    end = 0
    with open(output.descriptor, "rb", closefd=False) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MOST_BYTES), b""), start=1):
            if not line.endswith(b"\n"):
                if line[: len(_START)] != _START[: len(line)] or len(line) == MOST_BYTES:
                    raise _foreign(output, number)
                break
            _read_back(line, output, number, lengths)
            end += len(line)
    os.truncate(output.descriptor, end)
    os.lseek(output.descriptor, end, os.SEEK_SET)


def _read_back(line: bytes, output: Output, number: int, lengths: list[str]) -> None:
    try:
        record = json.loads(line)
        identifier, there = record["id"], [one["length"] for one in record["summaries"]]
        output.answered[key(identifier)] = int(record.get("article", {}).get("characterCount", 0))
        output.models.add(str(record.get("model")))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _foreign(output, number) from None
    if not isinstance(identifier, Id):
        raise _foreign(output, number)
    if there != [f"SUMMARY_LENGTH_{length.upper()}" for length in lengths]:
        named = [str(length).removeprefix("SUMMARY_LENGTH_").lower() for length in there]
        raise click.ClickException(
            f"{output.name}: line {number} is of --length {option_of(named)}, and {option_of(lengths)} is asked for; "
            "go on with the same, or name another file for the output"
        )


def _foreign(output: Output, number: int) -> click.ClickException:
    return click.ClickException(
        f"{output.name}: line {number} was not written by nutgraf batch; name another file for the output"
    )


def _lock(output: Output) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: nothing stops two runs there
        return
    try:
        fcntl.flock(output.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise click.ClickException(f"{output.name}: another nutgraf batch is writing to it") from None
    except OSError:
        pass  # a file system without locks
