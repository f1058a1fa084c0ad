"""The child process of `ProcessEngine`: it runs an engine, executes commands between steps, and sends reports.

Its arguments are the file descriptor of its connection and the process ID of its parent.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from nutgraf_models.engines.base import Completion, Engine, GenerationRequest, Handle
from nutgraf_models.errors import EngineFault, ModelError, frames
from nutgraf_models.runtime.memory import give_back_freed

# Not "-m", which runs this module as "__main__": its message classes would differ from the imported ones.
_MAIN = "from nutgraf_models.engines.worker import main; main()"
_PR_SET_PDEATHSIG = 1
# Maximum wait for the next request after a completion, so that it joins the next step.
_NEXT_SECONDS = 0.005
# Time between reports while no request ends.
_REPORT_SECONDS = 0.25


@dataclass(frozen=True)
class Submit:
    """Starts a request. The handle is the parent's."""

    handle: Handle
    request: GenerationRequest


@dataclass(frozen=True)
class Cancel:
    handle: Handle


@dataclass(frozen=True)
class Continue:
    """The parent has processed the last completions and submitted its new requests."""


Command = Submit | Cancel | Continue


@dataclass(frozen=True)
class Loaded:
    """The first message, with the engine's attributes."""

    name: str
    precision: str
    max_input_tokens: int
    parallel_requests: int


@dataclass(frozen=True)
class LoadFailed:
    """Sent instead of `Loaded`, as the only message."""

    reason: str


@dataclass(frozen=True)
class Report:
    """Progress since the last report.

    `step_seconds`: the duration of each step. `commands`: the number of commands executed so far. `is_busy`: more
    steps follow.
    """

    step_seconds: tuple[float, ...]
    completions: tuple[Completion, ...]
    commands: int
    is_busy: bool


def start(descriptor: int) -> "subprocess.Popen[bytes]":
    """Starts the process with its end of the connection.

    Raises:
        OSError: the system cannot start a process.
    """
    # The child imports from the same folders, except the working directory.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-c", _MAIN, str(descriptor), str(os.getpid())]
    return subprocess.Popen(command, pass_fds=[descriptor], stdin=subprocess.DEVNULL, env=environment)


def main() -> None:
    descriptor, parent = map(int, sys.argv[1:])
    _die_with(parent)
    # Prevents OpenVINO from importing its model converter, which takes about as long as all other imports.
    sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
    # Output of Python code is no log entry and may quote an article. Crashes of native code still write to the
    # descriptor.
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    connection: Connection[Loaded | LoadFailed | Report, Command] = Connection(descriptor)
    # The parent has closed the connection or ended.
    with contextlib.suppress(EOFError, OSError):
        _serve(connection)
    # Does not wait for threads of libraries.
    os._exit(0)


def _die_with(parent: int) -> None:
    """Makes the kernel kill this process, even if it hangs, when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


def _serve(connection: "Connection[Loaded | LoadFailed | Report, Command]") -> None:
    make: Callable[[], Engine] = connection.recv()  # type: ignore[assignment]
    try:
        engine = make()
    except ModelError as error:
        connection.send(LoadFailed(str(error)))
        return
    except Exception as error:
        # The message cannot quote an article, because none has been received yet.
        connection.send(LoadFailed(f"{type(error).__name__}: {error}"))
        return
    give_back_freed()
    connection.send(Loaded(engine.name, engine.precision, engine.max_input_tokens, engine.parallel_requests))
    requests = _Requests(engine)
    commands = reported = 0
    step_seconds: list[float] = []
    last_report = time.monotonic()
    while True:
        while connection.poll() if requests.is_busy else (reported == commands):
            requests.execute(connection.recv())
            commands += 1
        started = now = time.monotonic()
        completions: tuple[Completion, ...] = ()
        if requests.is_busy:
            completions = requests.step()
            now = time.monotonic()
            step_seconds.append(now - started)
        # Not after every step, because reading a report takes CPU time from the next step.
        if completions or not requests.is_busy or now - last_report > _REPORT_SECONDS:
            connection.send(Report(tuple(step_seconds), completions, commands, requests.is_busy))
            reported, last_report = commands, now
            step_seconds.clear()
        if completions and requests.is_busy:
            connection.poll(_NEXT_SECONDS)


class _Requests:
    """The engine's requests by the parent's handles."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._handles: dict[Handle, Handle] = {}
        self._failed: list[Completion] = []

    @property
    def is_busy(self) -> bool:
        return bool(self._handles or self._failed)

    def execute(self, command: Command) -> None:
        if isinstance(command, Submit):
            try:
                self._handles[command.handle] = self._engine.submit(command.request)
            except BaseException as error:
                self._failed.append(Completion(command.handle, error=_fault(error)))
        elif isinstance(command, Cancel):
            self._cancel(command.handle)

    def step(self) -> tuple[Completion, ...]:
        failed, self._failed = self._failed, []
        if not self._handles:
            return tuple(failed)
        try:
            ended = {completion.handle: completion for completion in self._engine.step()}
        except BaseException as error:
            # The engine cannot tell which request caused the error, so all running ones fail.
            fault = _fault(error)
            failed += [Completion(handle, error=fault) for handle in self._handles]
            for handle in list(self._handles):
                self._cancel(handle)
            return tuple(failed)
        done = [(theirs, ended[own]) for theirs, own in self._handles.items() if own in ended]
        for theirs, _ in done:
            del self._handles[theirs]
        return (
            *failed,
            *(
                replace(one, handle=theirs, error=None if one.error is None else _fault(one.error))
                for theirs, one in done
            ),
        )

    def _cancel(self, handle: Handle) -> None:
        own = self._handles.pop(handle, None)
        if own is not None:
            try:
                self._engine.cancel(own)
            except BaseException:
                # Its output is ignored later.
                return


def _fault(error: BaseException) -> EngineFault:
    """Describes an error by its type and frames. Leaves out its message, which may quote an article."""
    return EngineFault(f"{type(error).__name__} in {' < '.join(reversed(frames(error)))}")
