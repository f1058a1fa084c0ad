"""The output of `nutgraf batch`: reads the answers of earlier runs, and appends whole lines."""

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
from nutgraf._cli.texts import MAX_BYTES

# Every line that batch writes starts like this. It tells an incomplete last line from a file that batch did not write.
_START = b'{"id": '

Id = str | int


@dataclass
class Output:
    """The output, and the answers that it already has."""

    name: str
    descriptor: int
    is_file: bool
    """Whether another run can continue it."""
    answered: dict[str, int] = field(default_factory=dict)
    """The length of each answered article by `key` of its id; 0 if unknown."""
    models: set[str] = field(default_factory=set)
    """The models that wrote the answers."""

    def is_new_model(self, model: str) -> bool:
        """Records a model. Returns whether it is new although there are answers by another model."""
        is_new = bool(self.models) and model not in self.models
        self.models.add(model)
        return is_new

    def write(self, line: str) -> None:
        """Appends a line. When this returns, the operating system has the line, so killing this process cannot lose it.

        Raises:
            OSError: the line cannot be written; the error names the output.
        """
        left = memoryview(line.encode() + b"\n")
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.name) from None


def key(identifier: Id) -> str:
    """A string that identifies an id: 1 and "1" are different."""
    return json.dumps(identifier)


@contextmanager
def open_output(name: str, lengths: list[str]) -> Iterator[Output]:
    """Opens the output. Reads the answers of a file and removes an incomplete last line; only writes to other outputs.

    Args:
        name: the path of a file, a pipe or a terminal, or "-" for standard output.
        lengths: the requested lengths. A file must not have answers of other lengths.

    Raises:
        click.ClickException: another batch is writing to the file, it has lines that batch did not write or answers of
            other lengths, or the output is something else, such as a disk.
        OSError: the output cannot be opened or written.
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
        raise click.ClickException(f"{name} is neither a file nor a pipe; use one of these, or - for standard output")
    descriptor = os.open(name, access, 0o666)
    try:
        # Checked again, because another file may have replaced the first one.
        output = Output(name, descriptor, is_file=stat.S_ISREG(os.fstat(descriptor).st_mode))
        if output.is_file:
            _lock(output)
            _continue(output, lengths)
        yield output
        if output.is_file:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _continue(output: Output, lengths: list[str]) -> None:
    """Reads the file, and sets its end and position behind the last complete line."""
    end = 0
    with open(output.descriptor, "rb", closefd=False) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_BYTES), b""), start=1):
            if not line.endswith(b"\n"):
                if line[: len(_START)] != _START[: len(line)] or len(line) == MAX_BYTES:
                    raise _foreign(output, number)
                break
            _read_back(line, output, number, lengths)
            end += len(line)
    os.truncate(output.descriptor, end)
    os.lseek(output.descriptor, end, os.SEEK_SET)


def _read_back(line: bytes, output: Output, number: int, lengths: list[str]) -> None:
    try:
        record = json.loads(line)
        identifier, found = record["id"], [summary["length"] for summary in record["summaries"]]
        output.answered[key(identifier)] = int(record.get("article", {}).get("characterCount", 0))
        output.models.add(str(record.get("model")))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _foreign(output, number) from None
    if not isinstance(identifier, Id):
        raise _foreign(output, number)
    if found != [f"SUMMARY_LENGTH_{length.upper()}" for length in lengths]:
        named = [str(length).removeprefix("SUMMARY_LENGTH_").lower() for length in found]
        raise click.ClickException(
            f"{output.name}: line {number} has --length {option_of(named)} instead of {option_of(lengths)}; "
            "use the same --length or another output file"
        )


def _foreign(output: Output, number: int) -> click.ClickException:
    return click.ClickException(
        f"{output.name}: line {number} was not written by nutgraf batch; use another output file"
    )


def _lock(output: Output) -> None:
    try:
        import fcntl
    except ImportError:  # on Windows, two runs may collide
        return
    try:
        fcntl.flock(output.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise click.ClickException(f"{output.name}: another nutgraf batch is writing to it") from None
    except OSError:
        pass  # a file system without locks
