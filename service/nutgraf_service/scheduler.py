"""One thread that owns the engine, and the queue in front of it.

The scheduler only submits, steps and cancels; it knows nothing about models. Between two steps it drops requests that
no caller waits for, so an abandoned call stops costing anything at the next token and does not affect other calls.
"""

import asyncio
import threading
import time

import structlog

from nutgraf_models.engines.base import Completion, Engine, GenerationRequest, Handle
from nutgraf_models.errors import frames
from nutgraf_service.metrics import Metrics
from nutgraf_service.waiting import Generated, Priority, QueuedRequest, RequestQueue

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")


class Stalled(Exception):
    """The engine has not returned from a step."""


class Stopped(Exception):
    """The scheduler was stopped before the request was finished."""


class Crashed(Exception):
    """An unexpected error, not caused by a request, ended the scheduler's thread."""


class Scheduler:
    """Runs up to `max_running` requests at once, plus one unary call if streams occupy all slots."""

    def __init__(self, engine: Engine, metrics: Metrics, *, max_running: int = 1) -> None:
        self._engine = engine
        self._metrics = metrics
        self._max_running = max_running
        self._queue = RequestQueue()
        self._running: dict[Handle, QueuedRequest] = {}
        self._changed = threading.Condition()
        # Once set, all remaining and new requests fail with this.
        self._end: Exception | None = None
        self._admitting: QueuedRequest | None = None
        self._step_started: float | None = None
        self._thread = threading.Thread(target=self._run, name="nutgraf-scheduler", daemon=True)

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def step_seconds(self) -> float:
        """Seconds since the engine's current step began; 0 while it is idle."""
        if self._engine.has_own_process:
            return self._engine.step_seconds
        started = self._step_started
        return 0.0 if started is None else time.monotonic() - started

    @property
    def has_crashed(self) -> bool:
        return isinstance(self._end, Crashed)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Fails all remaining requests with `Stopped` and ends the thread after the current step."""
        self._end_by(Stopped())
        self._thread.join(timeout)

    def abandon(self) -> None:
        """Fails all requests with `Stalled`, even in the middle of a step. The scheduler is unusable afterwards."""
        self._end_by(Stalled("the engine hangs"))
        self._fail_all()

    async def generate(
        self,
        request: GenerationRequest,
        *,
        is_next: bool = False,
        priority: Priority | None = None,
    ) -> Generated:
        """Queues a request and waits for it. Cancelling the caller cancels the request.

        Args:
            request: for the engine.
            is_next: the article has waited before, so the request goes ahead of all others.
            priority: that of a unary call by default.

        Raises:
            Stopped, Stalled, Crashed: the scheduler came to an end first.
            Exception: anything that the engine raises for this request.
        """
        entry = QueuedRequest(request, priority or Priority(is_stream=False))
        with self._changed:
            if self._end is not None:
                raise self._end
            self._queue.put(entry, is_next=is_next)
            self._notify()
        try:
            return await asyncio.wrap_future(entry.future)
        except asyncio.CancelledError:
            # Removed at once, so that the queue does not keep the article until its turn.
            with self._changed:
                was_waiting = self._queue.remove(entry)
                self._notify()
            if was_waiting:
                self._metrics.abandoned("queue")
            raise

    def _run(self) -> None:
        try:
            while self._has_work():
                self._step_started = time.monotonic()
                self._admit()
                self._drop_abandoned()
                if self._running:
                    self._step()
        except BaseException as error:
            log.critical("the scheduler's thread ends", error=type(error).__name__, frames=frames(error))
            self._end_by(Crashed("the scheduler's thread has ended"))
        self._fail_all()

    def _has_work(self) -> bool:
        """Waits for work. False if the scheduler ends."""
        self._step_started = None
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._running or self._end is not None)
            return self._end is None

    def _end_by(self, error: Exception) -> None:
        with self._changed:
            self._end = self._end or error
            self._notify()

    def _notify(self) -> None:
        self._changed.notify()
        self._engine.wake()

    def _fail_all(self) -> None:
        with self._changed:
            left = [*self._queue.clear(), *self._running.values(), self._admitting]
        assert self._end is not None
        for entry in left:
            if entry is not None:
                entry.fail(self._end)

    def _admit(self) -> None:
        while self._has_room():
            with self._changed:
                entry = self._queue.take(
                    streams_may_run=len(self._running) < self._max_running,
                    unary_runs=any(not entry.is_stream for entry in self._running.values()),
                )
                self._admitting = entry
            if entry is None:
                return
            if entry.future.cancelled():
                self._metrics.abandoned("queue")
                self._admitting = None
                continue
            entry.started = time.monotonic()
            try:
                self._running[self._engine.submit(entry.request)] = entry
            except BaseException as error:
                entry.fail(error)
            self._admitting = None

    def _has_room(self) -> bool:
        """Whether another request may start. While a stream runs, there is one more slot, for a unary call."""
        return len(self._running) < self._max_running + any(entry.is_stream for entry in self._running.values())

    def _drop_abandoned(self) -> None:
        for handle, entry in list(self._running.items()):
            if entry.future.cancelled():
                self._metrics.abandoned("engine")
                self._cancel(handle)

    def _cancel(self, handle: Handle) -> QueuedRequest:
        """Removes a request from the engine. If the engine fails to cancel it, its output is ignored later."""
        try:
            self._engine.cancel(handle)
        except BaseException as error:
            log.error("the engine failed to cancel", error=type(error).__name__, frames=frames(error))
        return self._running.pop(handle)

    def _step(self) -> None:
        try:
            completions = self._steps()
        except BaseException as error:
            # The engine cannot tell which request caused the error, so all running ones fail.
            for handle in list(self._running):
                self._cancel(handle).fail(error)
            return
        now = time.monotonic()
        for completion in completions:
            entry = self._running.pop(completion.handle, None)
            if entry is None:
                continue  # cancelled, though the engine has finished it
            if completion.error is not None:
                entry.fail(completion.error)
            else:
                entry.complete(Generated(completion, entry.started - entry.queued, now - entry.started))

    def _steps(self) -> list[Completion]:
        if self._engine.has_own_process:
            # It waits for a completion, and reports the durations of its steps itself.
            return self._engine.step()
        with self._metrics.step_seconds.time():
            return list(self._engine.step())
