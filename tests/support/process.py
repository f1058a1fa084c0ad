"""`nutgraf serve` as a process, and what its log says."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def serve(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    with running_python("-m", "nutgraf", "serve", "--port", "0", *arguments, **environment) as process:
        yield process


@contextlib.contextmanager
def running_python(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Python with these arguments and its standard error to be read, until the block ends."""
    with running(sys.executable, *arguments, **environment) as process:
        yield process


@contextlib.contextmanager
def running(*command: object, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A program with its standard error to be read, until the block ends."""
    process = subprocess.Popen(
        [*map(str, command)], stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def entry(process: "subprocess.Popen[str]", message: str) -> dict:
    """The next entry of the log that has this message."""
    for line in process.stderr:
        found = json.loads(line)
        if found["message"] == message:
            return found
    raise AssertionError(f"the log ended without {message!r}")


def children(pid: int) -> list[int]:
    """The processes that a process has started and that have not ended."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in lists for child in one.read_text(encoding="utf-8").split()]


class Log:
    """All that a process writes to its standard error, read as it comes so that it never waits for a reader."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(process,), name="test-log")
        self._thread.start()

    def text(self) -> str:
        """The whole of it, once the process has ended."""
        self._thread.join(60)
        return "".join(self._lines)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        self._lines.extend(process.stderr)
