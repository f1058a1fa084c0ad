"""The process that `ProcessEngine` starts: it has an engine, does as it is told between two steps, and reports.

Its arguments are the descriptor of the socket between the two, and the process that it ends with.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from nutgraf_models.engines.base import Completion, Engine, GenerationRequest, Handle
from nutgraf_models.errors import EngineFault, ModelError
from nutgraf_models.runtime.memory import give_back_freed

# Not by "-m": what is run by that has another name than what is imported, and so would its messages.
_MAIN = "from nutgraf_models.engines.worker import main; main()"
_PR_SET_PDEATHSIG = 1
# When a request has ended, the next one is under way: so long the others wait for it, rather than go on without it.
_NEXT_SECONDS = 0.005
# While no request ends, a report is sent as often as that.
_WORD_SECONDS = 0.25


@dataclass(frozen=True)
class Submit:
    """A request. The handle is the sender's."""

    handle: Handle
    request: GenerationRequest


@dataclass(frozen=True)
class Cancel:
    handle: Handle


@dataclass(frozen=True)
class GoOn:
    """What ended has been taken note of, and what comes next is sent."""


Command = Submit | Cancel | GoOn


@dataclass(frozen=True)
class Loaded:
    """The first message. The fields are the engine's."""

    name: str
    precision: str
    max_input_tokens: int
    parallel_requests: int


@dataclass(frozen=True)
class LoadFailed:
    """The only message, instead."""

    reason: str


@dataclass(frozen=True)
class Report:
    """What there is to say after a step, or that there is nothing to do.

    `steps` has the seconds of each since the last report. `obeyed` counts the commands that were read so far.
    `is_busy`: more steps follow.
    """

    steps: tuple[float, ...]
    completions: tuple[Completion, ...]
    obeyed: int
    is_busy: bool


def start(descriptor: int) -> "subprocess.Popen[bytes]":
    """Starts the process, with that end of the connection.

    Raises:
        OSError: the system has no room for one.
    """
    # As this process finds its modules; the folder it was started in is not among them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-c", _MAIN, str(descriptor), str(os.getpid())]
    return subprocess.Popen(command, pass_fds=[descriptor], stdin=subprocess.DEVNULL, env=environment)


def main() -> None:
    descriptor, parent = map(int, sys.argv[1:])
    _die_with(parent)
    # OpenVINO's package would import what converts models, which takes about as long as all the rest.
    sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
    # What Python code writes there is not the log's, and may quote an article. A crash of native code is still told.
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    connection: Connection[Loaded | LoadFailed | Report, Command] = Connection(descriptor)
    # Whoever wanted this engine is gone then.
    with contextlib.suppress(EOFError, OSError):
        _serve(connection)
    # Threads of libraries must not hold up the end.
    os._exit(0)


def _die_with(parent: int) -> None:
    """Has the system kill this process when the thread that started it ends. That it hangs then does not matter."""
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
        # No article has been here yet.
        connection.send(LoadFailed(f"{type(error).__name__}: {error}"))
        return
    give_back_freed()
    connection.send(Loaded(engine.name, engine.precision, engine.max_input_tokens, engine.parallel_requests))
    work = _Work(engine)
    obeyed = reported = 0
    steps: list[float] = []
    told = time.monotonic()
    while True:
        while connection.poll() if work.is_busy else (reported == obeyed):
            work.obey(connection.recv())
            obeyed += 1
        started = now = time.monotonic()
        completions: tuple[Completion, ...] = ()
        if work.is_busy:
            completions = work.step()
            now = time.monotonic()
            steps.append(now - started)
        # Not each step: whoever reads it is in the way of the next one.
        if completions or not work.is_busy or now - told > _WORD_SECONDS:
            connection.send(Report(tuple(steps), completions, obeyed, work.is_busy))
            reported, told = obeyed, now
            steps.clear()
        if completions and work.is_busy:
            connection.poll(_NEXT_SECONDS)


class _Work:
    """What the engine has, by the sender's handles."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._handles: dict[Handle, Handle] = {}
        self._failed: list[Completion] = []

    @property
    def is_busy(self) -> bool:
        return bool(self._handles or self._failed)

    def obey(self, command: Command) -> None:
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
            ended = {one.handle: one for one in self._engine.step()}
        except BaseException as error:
            # The engine cannot tell whose fault it was, so it is everybody's who is running.
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
            *(Completion(theirs, one.rows, None if one.error is None else _fault(one.error)) for theirs, one in done),
        )

    def _cancel(self, handle: Handle) -> None:
        own = self._handles.pop(handle, None)
        if own is not None:
            try:
                self._engine.cancel(own)
            except BaseException:
                # It ends as it may; nobody asks for it.
                return


def _fault(error: BaseException) -> EngineFault:
    """What broke and where, without what the error says of itself: that may quote an article."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{'/'.join(Path(one.filename).parts[-2:])}:{one.lineno} {one.name}" for one in reversed(frames))
    return EngineFault(f"{type(error).__name__} in {where}")
