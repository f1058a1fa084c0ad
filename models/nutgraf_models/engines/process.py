"""An engine in a process of its own.

A step that holds the interpreter's lock holds up nothing here, and what kills the process, be it a crash of native code
or the system for want of memory, costs a restart of the engine and a second attempt at what it had.

After a death whatever the engine had runs again alone, one request at a time: a request that kills it once more is the
one to blame, and fails alone.
"""

import contextlib
import itertools
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Self

from nutgraf_models.engines.base import Completion, Engine, GenerationRequest, Handle
from nutgraf_models.engines.worker import Cancel, Command, GoOn, Loaded, LoadFailed, Report, Submit, start
from nutgraf_models.errors import EngineFault, ModelError

# Deaths in a row, without a request that was done between them: then another start would help no more.
_MOST_DEATHS = 5
# To load again what has been loaded before.
_RELOAD_SECONDS = 300.0
# From the end of a process's connection to its own.
_END_SECONDS = 1.0


@dataclass(frozen=True)
class Death:
    """How the engine's process ended, and how many requests it had."""

    how: str
    requests: int


@dataclass
class _Request:
    request: GenerationRequest
    is_in: bool = False
    has_seen_death: bool = False


class ProcessEngine:
    """Runs what `make` returns, which is called in the new process and must be a function that pickle can name.

    `folder` has the tokenizer: tokens are counted here. Returns when the process has been started: it is an engine once
    `wait` has returned. One thread may use it, as any engine, but for `wake`, `kill`, `close` and what is read only.
    """

    def __init__(self, make: Callable[[], Engine], folder: Path) -> None:
        self._make = bytes(ForkingPickler.dumps(make))
        self._folder = folder
        self._handles = itertools.count(1)
        # Guards what follows.
        self._lock = threading.Lock()
        self._requests: dict[Handle, _Request] = {}
        self._connection: Connection[object, object] | None = None
        self._sent = 0
        self._busy_since: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False
        # None has `step` come back with nothing.
        self._done: queue.SimpleQueue[list[Completion] | None] = queue.SimpleQueue()
        self._is_awaited = False
        self._on_step: Callable[[float], None] = lambda _: None
        self._on_death: Callable[[Death], None] = lambda _: None
        self.has_given_up = False
        self._loaded: Future[Loaded] = Future()
        self._thread = threading.Thread(target=self._supervise, name="nutgraf-engine", daemon=True)
        self._thread.start()

    def wait(self) -> Self:
        """Waits until the process has loaded the engine, and loads the tokenizer meanwhile.

        Raises:
            ModelError: the engine cannot be loaded.
        """
        # Only now, for the process to be started sooner.
        from nutgraf_models.engines.tokenizer import ArticleTokenizer

        try:
            self._tokens = ArticleTokenizer.from_folder(self._folder)
            loaded = self._loaded.result()
        except BaseException:
            self.close()
            raise
        self.name, self.precision = loaded.name, loaded.precision
        self.max_input_tokens, self.parallel_requests = loaded.max_input_tokens, loaded.parallel_requests
        return self

    @property
    def step_seconds(self) -> float:
        """For how long the process has been at work without a word; 0 while it has nothing to do or is being loaded."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def watch(self, *, on_step: Callable[[float], None], on_death: Callable[[Death], None]) -> None:
        """Has these told how many seconds each step took, and of each death. They are called in another thread."""
        self._on_step, self._on_death = on_step, on_death

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._tokens.count(texts)

    def submit(self, request: GenerationRequest) -> Handle:
        handle = Handle(next(self._handles))
        with self._lock:
            if self.has_given_up:
                raise EngineFault("the engine's process is not started any more")
            self._requests[handle] = _Request(request)
            self._hand_over()
        return handle

    def step(self) -> list[Completion]:
        """Waits until a request ends, or for `wake`. The process takes its steps meanwhile."""
        if self._is_awaited:
            self._is_awaited = False
            with self._lock:
                self._send(GoOn())
        completions = self._done.get() or []
        while not self._done.empty():
            completions += self._done.get() or []
        self._is_awaited = bool(completions)
        return completions

    def cancel(self, handle: Handle) -> None:
        with self._lock:
            request = self._requests.pop(handle, None)
            if request is not None and request.is_in:
                self._send(Cancel(handle))
                self._hand_over()

    def wake(self) -> None:
        """Has `step` come back, for whoever has more for the engine to do. From any thread."""
        self._done.put(None)

    def kill(self) -> None:
        """Ends the process, whatever it is doing; another takes its place. From any thread."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Ends the process for good."""
        with self._lock:
            self._is_closed = True
        self.kill()
        self._thread.join(_END_SECONDS)

    def _hand_over(self) -> None:
        """Sends what may run: all, or one alone of those that have seen a death."""
        waiting = [handle for handle, one in self._requests.items() if not one.is_in]
        suspects = [handle for handle, one in self._requests.items() if one.has_seen_death]
        if suspects:
            waiting = suspects[:1] if len(waiting) == len(self._requests) else []
        if self._connection is None:
            return
        for handle in waiting:
            self._requests[handle].is_in = True
            self._send(Submit(handle, self._requests[handle].request))

    def _send(self, command: Command) -> None:
        if self._connection is None:
            return
        self._sent += 1
        if self._busy_since is None:
            self._busy_since = time.monotonic()
        # If it has died the other thread is about to see that.
        with contextlib.suppress(OSError):
            self._connection.send(command)

    def _supervise(self) -> None:
        # In this thread alone, and so in the processes that it starts: the signals that ask a server to drain may be
        # sent to all its processes at once.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        deaths = 0
        while True:
            how, has_done_any = self._run()
            if not self._loaded.done():
                self._loaded.set_exception(ModelError(f"the engine's process ended as it loaded the model: {how}"))
                return
            if self._is_closed:
                return
            deaths = 1 if has_done_any else deaths + 1
            self.has_given_up = deaths >= _MOST_DEATHS
            self._on_death(Death(how, self._blame()))
            if self.has_given_up:
                return

    def _run(self) -> tuple[str, bool]:
        """Starts a process and listens to it until it ends; how that was, and whether any request was done by it."""
        ours, theirs = Pipe()
        has_done_any = False
        with ours:
            with theirs, self._lock:
                if self._is_closed:
                    return "it was closed", False
                try:
                    # Before it is there: other threads may hold the interpreter's lock for long.
                    ours.send_bytes(self._make)
                    self._process = start(theirs.fileno())
                except OSError as error:
                    return f"no process can be started: {error.strerror}", False
            process = self._process
            try:
                if self._loaded.done() and not ours.poll(_RELOAD_SECONDS):
                    return f"it was not ready after {_RELOAD_SECONDS:g} s", False
                loaded = ours.recv()
                if isinstance(loaded, LoadFailed):
                    if not self._loaded.done():
                        self._loaded.set_exception(ModelError(loaded.reason))
                        self._is_closed = True
                    return loaded.reason, False
                self._begin(ours)
                if not self._loaded.done():
                    self._loaded.set_result(loaded)
                while True:
                    has_done_any |= self._take(ours.recv())
            except (EOFError, OSError):
                return _end_of(process), has_done_any
            except Exception as error:
                return f"it sent what cannot be read: {type(error).__name__}", has_done_any
            finally:
                with self._lock:
                    self._connection = self._busy_since = None
                process.kill()
                process.wait()

    def _begin(self, connection: "Connection[object, object]") -> None:
        with self._lock:
            self._connection, self._sent = connection, 0
            self._hand_over()

    def _take(self, report: Report) -> bool:
        """Whether a request was done."""
        with self._lock:
            is_busy = report.is_busy or report.obeyed < self._sent
            self._busy_since = time.monotonic() if is_busy else None
            completions = [one for one in report.completions if self._requests.pop(one.handle, None) is not None]
            if completions:
                self._hand_over()
        for seconds in report.steps:
            self._on_step(seconds)
        if completions:
            self._done.put(completions)
        return any(one.error is None for one in completions)

    def _blame(self) -> int:
        """Fails the request that has seen two deaths, if any has, and all at the last; how many the process had."""
        with self._lock:
            were_in = [one for one in self._requests.values() if one.is_in]
            lost = [
                handle
                for handle, one in self._requests.items()
                if self.has_given_up or (one.is_in and one.has_seen_death)
            ]
            for one in were_in:
                one.is_in, one.has_seen_death = False, True
            for handle in lost:
                del self._requests[handle]
        if lost:
            error = EngineFault("the engine's process has died of this request")
            self._done.put([Completion(handle, error=error) for handle in lost])
        return len(were_in)


def _end_of(process: "subprocess.Popen[bytes]") -> str:
    try:
        status = process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        return "it hung up"
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"it ended with status {status}"
