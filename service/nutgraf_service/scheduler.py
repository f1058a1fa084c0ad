"""One thread that owns the engine, and the queue in front of it.

It knows no model: it submits, steps and cancels. Between any two steps it drops what nobody waits for any more, so
that an abandoned call stops costing anything at the next token, and its neighbours notice nothing.
"""

import asyncio
import threading
import time

import structlog

from nutgraf_models.engines.base import Engine, GenerationRequest, Handle
from nutgraf_service.logs import frames
from nutgraf_service.metrics import Metrics
from nutgraf_service.waiting import Generated, JobQueue, Priority, QueuedJob

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")


class Stalled(Exception):
    """The engine has not come back from a step."""


class Stopped(Exception):
    """The scheduler was stopped before the request was done."""


class Crashed(Exception):
    """Something that no request is to blame for ended the scheduler's thread."""


class Scheduler:
    """Runs up to `max_running` requests at once, and a single call besides where bulk has all those places."""

    def __init__(self, engine: Engine, metrics: Metrics, *, max_running: int = 1) -> None:
        self._engine = engine
        self._metrics = metrics
        self._max_running = max_running
        self._queue = JobQueue()
        self._running: dict[Handle, QueuedJob] = {}
        self._changed = threading.Condition()
        # What is left fails with this once it is set, and so does whatever comes.
        self._end: Exception | None = None
        self._admitting: QueuedJob | None = None
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
        """For how long the engine has been at work without coming back; 0 while it has none."""
        started = self._step_started
        return 0.0 if started is None else time.monotonic() - started

    @property
    def has_crashed(self) -> bool:
        return isinstance(self._end, Crashed)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Fails whatever is left with `Stopped` and ends the thread after the current step."""
        self._end_by(Stopped())
        self._thread.join(timeout)

    def abandon(self) -> None:
        """Fails all requests with `Stalled`, whatever the engine is doing. The scheduler is of no more use."""
        self._end_by(Stalled("the engine hangs"))
        self._fail_all()

    async def generate(
        self,
        request: GenerationRequest,
        *,
        is_next: bool = False,
        priority: Priority | None = None,
    ) -> Generated:
        """Queues a request and waits for it.

        `is_next` is for what has waited already: it goes before all others. `priority` is a single call's if not given.
        Cancelling the caller cancels the request.

        Raises:
            Stopped, Stalled, Crashed: the scheduler came to an end first.
            Exception: whatever the engine raised for this request.
        """
        job = QueuedJob(request, priority or Priority(is_bulk=False))
        with self._changed:
            if self._end is not None:
                raise self._end
            self._queue.put(job, is_next=is_next)
            self._changed.notify()
        try:
            return await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            # Its article is not to lie there until its turn would have come.
            with self._changed:
                was_waiting = self._queue.remove(job)
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
        """Waits for some; False when the end has come."""
        self._step_started = None
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._running or self._end is not None)
            return self._end is None

    def _end_by(self, error: Exception) -> None:
        with self._changed:
            self._end = self._end or error
            self._changed.notify()

    def _fail_all(self) -> None:
        with self._changed:
            left = [*self._queue.clear(), *self._running.values(), self._admitting]
        assert self._end is not None
        for job in left:
            if job is not None:
                job.fail(self._end)

    def _admit(self) -> None:
        while self._has_room():
            with self._changed:
                job = self._queue.take(
                    bulk_may_run=len(self._running) < self._max_running,
                    single_runs=any(not job.is_bulk for job in self._running.values()),
                )
                self._admitting = job
            if job is None:
                return
            if job.future.cancelled():
                self._metrics.abandoned("queue")
                self._admitting = None
                continue
            job.started = time.monotonic()
            try:
                self._running[self._engine.submit(job.request)] = job
            except BaseException as error:
                job.fail(error)
            self._admitting = None

    def _has_room(self) -> bool:
        """Whether one more may start. Where bulk runs there is a place more, for a single call."""
        return len(self._running) < self._max_running + any(job.is_bulk for job in self._running.values())

    def _drop_abandoned(self) -> None:
        for handle, job in list(self._running.items()):
            if job.future.cancelled():
                self._metrics.abandoned("engine")
                self._cancel(handle)

    def _cancel(self, handle: Handle) -> QueuedJob:
        """Takes a request from the engine. One that cannot even forget is left to end as it may."""
        try:
            self._engine.cancel(handle)
        except BaseException as error:
            log.error("the engine failed to cancel", error=type(error).__name__, frames=frames(error))
        return self._running.pop(handle)

    def _step(self) -> None:
        try:
            with self._metrics.step_seconds.time():
                completions = list(self._engine.step())
        except BaseException as error:
            # The engine cannot tell whose fault it was, so it is everybody's who is running.
            for handle in list(self._running):
                self._cancel(handle).fail(error)
            return
        now = time.monotonic()
        for completion in completions:
            job = self._running.pop(completion.handle, None)
            if job is None:
                continue  # cancelled, and the engine did not forget
            if completion.error is not None:
                job.fail(completion.error)
            else:
                job.complete(Generated(completion.rows, job.started - job.queued, now - job.started))
