"""An engine in a child process.

Its steps cannot block this process by holding the interpreter's lock. If the child dies, by a crash of native code or
because the system is out of memory, it is restarted and its requests are retried.

The retry runs these requests one at a time. A request during which the child dies again is considered the cause, and
fails alone.
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

from nutgraf_models.engines.base import Completion, Death, Engine, GenerationRequest, Handle
from nutgraf_models.engines.worker import Cancel, Command, Continue, Loaded, LoadFailed, Report, Submit, start
from nutgraf_models.errors import EngineFault, ModelError

# Consecutive deaths, without a completed request between them, after which the process is not restarted.
_MAX_DEATHS = 5
# Timeout for loading the model after a restart.
_RELOAD_SECONDS = 300.0
# Timeout for the end of the process after its connection has ended, and of the thread after `close`.
_END_SECONDS = 1.0


@dataclass
class _Request:
    request: GenerationRequest
    is_running: bool = False
    has_seen_death: bool = False


class ProcessEngine(Engine):
    """Runs an engine in a child process, and restarts the process when it dies.

    The constructor returns when the process has started; call `wait` before using the engine.

    Args:
        make: creates the engine; called in the child process, so it must be picklable.
        folder: has the tokenizer. Tokens are counted in this process; it loads while the child loads the model.
    """

    has_own_process = True

    def __init__(self, make: Callable[[], Engine], folder: Path) -> None:
        self._make = bytes(ForkingPickler.dumps(make))
        self._folder = folder
        self._handles = itertools.count(1)
        # Guards the attributes below, up to `_is_closed`.
        self._lock = threading.Lock()
        self._requests: dict[Handle, _Request] = {}
        self._connection: Connection[object, object] | None = None
        self._sent = 0
        self._busy_since: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False
        # None makes `step` return without completions.
        self._done: queue.SimpleQueue[list[Completion] | None] = queue.SimpleQueue()
        self._child_waits = False
        self._on_step: Callable[[float], None] = lambda _: None
        self._on_death: Callable[[Death], None] = lambda _: None
        self._loaded: Future[Loaded] = Future()
        self._thread = threading.Thread(target=self._supervise, name="nutgraf-engine", daemon=True)
        self._thread.start()

    def wait(self) -> Self:
        """Loads the tokenizer, and waits until the process has loaded the engine.

        Raises:
            ModelError: the engine cannot be loaded.
        """
        # Imported here, so that the process starts first.
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
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def watch(self, *, on_step: Callable[[float], None], on_death: Callable[[Death], None]) -> None:
        self._on_step, self._on_death = on_step, on_death

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._tokens.count(texts)

    def submit(self, request: GenerationRequest) -> Handle:
        handle = Handle(next(self._handles))
        with self._lock:
            if self.has_given_up:
                raise EngineFault("the engine's process has died too often and is not restarted")
            self._requests[handle] = _Request(request)
            self._submit_waiting()
        return handle

    def step(self) -> list[Completion]:
        """Waits for a completion or for `wake`, while the process runs its own steps."""
        if self._child_waits:
            self._child_waits = False
            with self._lock:
                self._send(Continue())
        completions = self._done.get() or []
        while not self._done.empty():
            completions += self._done.get() or []
        self._child_waits = bool(completions)
        return completions

    def cancel(self, handle: Handle) -> None:
        with self._lock:
            request = self._requests.pop(handle, None)
            if request is not None and request.is_running:
                self._send(Cancel(handle))
                self._submit_waiting()

    def wake(self) -> None:
        self._done.put(None)

    def kill(self) -> None:
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        self.kill()
        self._thread.join(_END_SECONDS)

    def _submit_waiting(self) -> None:
        """Sends the requests that may run: all, or a single one while there are requests that have seen a death."""
        waiting = [handle for handle, request in self._requests.items() if not request.is_running]
        suspects = [handle for handle, request in self._requests.items() if request.has_seen_death]
        if suspects:
            waiting = suspects[:1] if len(waiting) == len(self._requests) else []
        if self._connection is None:
            return
        for handle in waiting:
            self._requests[handle].is_running = True
            self._send(Submit(handle, self._requests[handle].request))

    def _send(self, command: Command) -> None:
        if self._connection is None:
            return
        self._sent += 1
        if self._busy_since is None:
            self._busy_since = time.monotonic()
        # An error means that the process has died; the supervising thread handles that.
        with contextlib.suppress(OSError):
            self._connection.send(command)

    def _supervise(self) -> None:
        # Blocks the signals that make a server drain, which may be sent to all of its processes: in this thread only,
        # and thus in the processes that it starts.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        deaths = 0
        while True:
            how, has_done_any = self._run()
            if not self._loaded.done():
                self._loaded.set_exception(ModelError(f"the engine's process ended while loading the model: {how}"))
                return
            if self._is_closed:
                return
            deaths = 1 if has_done_any else deaths + 1
            self.has_given_up = deaths >= _MAX_DEATHS
            self._on_death(Death(how, self._fail_suspect()))
            if self.has_given_up:
                return

    def _run(self) -> tuple[str, bool]:
        """Starts a process and reads its reports until it ends.

        Returns:
            A description of its end, and whether it completed any request.
        """
        ours, theirs = Pipe()
        has_done_any = False
        with ours:
            with theirs, self._lock:
                if self._is_closed:
                    return "closed", False
                try:
                    # Sent before the start, because other threads may hold the interpreter's lock for long.
                    ours.send_bytes(self._make)
                    self._process = start(theirs.fileno())
                except OSError as error:
                    return f"cannot start a process: {error.strerror}", False
            process = self._process
            try:
                if self._loaded.done() and not ours.poll(_RELOAD_SECONDS):
                    return f"not ready after {_RELOAD_SECONDS:g} s", False
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
                    has_done_any |= self._process_report(ours.recv())
            except (EOFError, OSError):
                return _end_of(process), has_done_any
            except Exception as error:
                return f"sent an unreadable message: {type(error).__name__}", has_done_any
            finally:
                with self._lock:
                    self._connection = self._busy_since = None
                process.kill()
                process.wait()

    def _begin(self, connection: "Connection[object, object]") -> None:
        with self._lock:
            self._connection, self._sent = connection, 0
            self._submit_waiting()

    def _process_report(self, report: Report) -> bool:
        """Forwards the completions of a report; returns whether any request succeeded."""
        with self._lock:
            is_busy = report.is_busy or report.commands < self._sent
            self._busy_since = time.monotonic() if is_busy else None
            completions = [one for one in report.completions if self._requests.pop(one.handle, None) is not None]
            if completions:
                self._submit_waiting()
        for seconds in report.step_seconds:
            self._on_step(seconds)
        if completions:
            self._done.put(completions)
        return any(completion.error is None for completion in completions)

    def _fail_suspect(self) -> int:
        """After a death, fails the request that has seen two, or all requests if the process is not restarted.

        Returns:
            The number of requests that the process was running.
        """
        with self._lock:
            were_running = [request for request in self._requests.values() if request.is_running]
            failed = [
                handle
                for handle, request in self._requests.items()
                if self.has_given_up or (request.is_running and request.has_seen_death)
            ]
            for request in were_running:
                request.is_running, request.has_seen_death = False, True
            for handle in failed:
                del self._requests[handle]
        if failed:
            error = EngineFault("the engine's process has died of this request")
            self._done.put([Completion(handle, error=error) for handle in failed])
        return len(were_running)


def _end_of(process: "subprocess.Popen[bytes]") -> str:
    try:
        status = process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        return "closed its connection"
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
