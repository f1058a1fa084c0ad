"""A `nutgraf serve` process and its log."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_SERVE_ENGINE = """
import sys
from nutgraf._cli.main import main
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_service import model, server
{code}
start = model.start_loading
def start_loading(settings):
    load = start(settings)
    def load_with_engine():
        summarizer = load()
        summarizer.engine = Engine()
        return summarizer
    return load_with_engine
model.start_loading = start_loading
main(["serve", "--model", "lead", "--port", "0", *sys.argv[1:]])
"""


@contextlib.contextmanager
def serve(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    with running_python("-m", "nutgraf", "serve", "--port", "0", *arguments, **environment) as process:
        yield process


@contextlib.contextmanager
def serve_engine(code: str, *arguments: str, **constants: str) -> Iterator["subprocess.Popen[str]"]:
    """`nutgraf serve` with another engine: `code` defines it as `Engine`, and may use `LeadEngine` and `constants`."""
    definitions = [f"{name} = {value!r}" for name, value in constants.items()]
    script = _SERVE_ENGINE.replace("{code}", "\n".join([*definitions, code]))
    with running_python("-c", script, *arguments) as process:
        yield process


@contextlib.contextmanager
def running_python(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A Python process with these arguments and a readable standard error, until the block ends."""
    with running(sys.executable, *arguments, **environment) as process:
        yield process


@contextlib.contextmanager
def running(*command: object, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A process with a readable standard error, until the block ends."""
    process = subprocess.Popen(
        [*map(str, command)], stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def entry(process: "subprocess.Popen[str]", message: str) -> dict:
    """The next log entry with this message."""
    for line in process.stderr:
        found = json.loads(line)
        if found["message"] == message:
            return found
    raise AssertionError(f"the log ended without {message!r}")


def children(pid: int) -> list[int]:
    """The running child processes of a process."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in lists for child in one.read_text(encoding="utf-8").split()]


class Log:
    """Collects the standard error of a process, so that it never blocks on a full pipe."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(process,), name="test-log")
        self._thread.start()

    def text(self) -> str:
        """All output, once the process has ended."""
        self._thread.join(60)
        return "".join(self._lines)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        self._lines.extend(process.stderr)
