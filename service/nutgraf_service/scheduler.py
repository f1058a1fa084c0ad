"""One thread that owns the engine, and the queue in front of it.

It knows no model: it submits, steps and cancels. Between any two steps it drops what nobody waits for any more, so
that an abandoned call stops costing anything at the next token, and its neighbours notice nothing.
"""

import asyncio
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from nutgraf_models.engines.base import Completion, Engine, GenerationRequest, Handle, Rows
from nutgraf_service.metrics import Metrics

# Where both wait, so many single calls go before the next of bulk.
_SINGLES_PER_BULK = 3


class DeadlinePassed(Exception):
    """The deadline was over before the request was done."""


class Stalled(Exception):
    """The engine has not come back from a step."""


class Stopped(Exception):
    """The scheduler was stopped before the request was done."""


@dataclass(frozen=True)
class Generated:
    """What the engine wrote for each row, and the seconds that the request waited and ran."""

    rows: Rows
    queue_seconds: float
    generate_seconds: float


@dataclass
class Priority:
    """How urgent a request is. It may be lifted while the request waits.

    `is_bulk`: nobody sits and waits for it.
    """

    is_bulk: bool


@dataclass(eq=False)
class _Job:
    request: GenerationRequest
    deadline: float | None  # time.monotonic()
    priority: Priority
    queued: float = field(default_factory=time.monotonic)
    started: float = 0.0
    future: "Future[Generated]" = field(default_factory=Future)

    @property
    def is_bulk(self) -> bool:
        return self.priority.is_bulk

    def is_expired(self, now: float) -> bool:
        return self.deadline is not None and now >= self.deadline


class _Queue:
    """What waits: what has waited already, then single calls; bulk if none waits or runs, or at every fourth turn."""

    def __init__(self) -> None:
        self._next: deque[_Job] = deque()
        self._single: deque[_Job] = deque()
        self._bulk: deque[_Job] = deque()
        self._singles_in_a_row = 0

    def __len__(self) -> int:
        return len(self._next) + len(self._single) + len(self._bulk)

    def put(self, job: _Job, *, is_next: bool) -> None:
        (self._next if is_next else self._bulk if job.is_bulk else self._single).append(job)

    def take(self, *, bulk_may_run: bool, single_runs: bool) -> _Job | None:
        """The job whose turn it is; if bulk may not run, only a single call's."""
        for job in [job for job in self._bulk if not job.is_bulk]:  # a single call waits for it since
            self._bulk.remove(job)
            self._single.append(job)
        for place, job in enumerate(self._next):
            if bulk_may_run or not job.is_bulk:
                del self._next[place]
                return job
        bulk_has_turn = not (self._single or single_runs) or self._singles_in_a_row >= _SINGLES_PER_BULK
        if self._bulk and bulk_may_run and bulk_has_turn:
            self._singles_in_a_row = 0
            return self._bulk.popleft()
        if self._single:
            self._singles_in_a_row = self._singles_in_a_row + 1 if self._bulk else 0
            return self._single.popleft()
        return None

    def clear(self) -> list[_Job]:
        """Empties it and returns what was in it."""
        jobs = [*self._next, *self._single, *self._bulk]
        for queue in (self._next, self._single, self._bulk):
            queue.clear()
        return jobs


class Scheduler:
    """Runs up to `max_running` requests at once, and a single call besides where bulk has all those places."""

    def __init__(self, engine: Engine, metrics: Metrics, *, max_running: int = 1) -> None:
        self._engine = engine
        self._metrics = metrics
        self._max_running = max_running
        self._queue = _Queue()
        self._running: dict[Handle, _Job] = {}
        self._changed = threading.Condition()
        self._stopping = False
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
        """For how long the engine has been in its current step; 0 between steps."""
        started = self._step_started
        return 0.0 if started is None else time.monotonic() - started

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Fails whatever is left with `Stopped` and ends the thread after the current step."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout)

    def abandon(self) -> None:
        """Fails all requests with `Stalled`, whatever the engine is doing. The scheduler is of no more use."""
        with self._changed:
            self._stopping = True
            left = [*self._queue.clear(), *self._running.values()]
        for job in left:
            _fail(job, Stalled("the engine hangs"))

    async def generate(
        self, request: GenerationRequest, deadline: float | None, priority: Priority, *, is_next: bool = False
    ) -> Generated:
        """Queues a request and waits for it. `deadline` is in `time.monotonic()` seconds.

        `is_next` is for what has waited already: it goes before all others. Cancelling the caller cancels the request.

        Raises:
            DeadlinePassed: the deadline was over first.
            Stopped: the scheduler was stopped first.
            Exception: whatever the engine raised for this request.
        """
        job = _Job(request, deadline, priority)
        with self._changed:
            if self._stopping:
                raise Stopped
            self._queue.put(job, is_next=is_next)
            self._changed.notify()
        return await asyncio.wrap_future(job.future)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._running or self._stopping)
                if self._stopping:
                    break
            self._admit()
            self._drop_abandoned()
            if self._running:
                self._step()
        with self._changed:
            left = [*self._queue.clear(), *self._running.values()]
        for job in left:
            _fail(job, Stopped())

    def _admit(self) -> None:
        while self._has_room():
            with self._changed:
                job = self._queue.take(
                    bulk_may_run=len(self._running) < self._max_running,
                    single_runs=any(not job.is_bulk for job in self._running.values()),
                )
            if job is None:
                return
            now = time.monotonic()
            if job.future.cancelled() or job.is_expired(now):
                self._metrics.abandoned("queue")
                _fail(job, DeadlinePassed())
                continue
            job.started = now
            try:
                self._running[self._engine.submit(job.request)] = job
            except Exception as error:
                _fail(job, error)

    def _has_room(self) -> bool:
        """Whether one more may start. Where bulk runs there is a place more, for a single call."""
        return len(self._running) < self._max_running + any(job.is_bulk for job in self._running.values())

    def _drop_abandoned(self) -> None:
        now = time.monotonic()
        for handle, job in list(self._running.items()):
            if job.future.cancelled() or job.is_expired(now):
                del self._running[handle]
                self._engine.cancel(handle)
                self._metrics.abandoned("engine")
                _fail(job, DeadlinePassed())

    def _step(self) -> None:
        self._step_started = time.monotonic()
        try:
            with self._metrics.step_seconds.time():
                completions = self._engine.step()
        except Exception as error:
            # The engine cannot tell whose fault it was, so it is everybody's who is running.
            completions = [Completion(handle, error=error) for handle in self._running]
            for handle in self._running:
                self._engine.cancel(handle)
        finally:
            self._step_started = None
        now = time.monotonic()
        for completion in completions:
            job = self._running.pop(completion.handle)
            if completion.error is not None:
                _fail(job, completion.error)
            elif job.future.set_running_or_notify_cancel():
                job.future.set_result(Generated(completion.rows, job.started - job.queued, now - job.started))


def _fail(job: _Job, error: Exception) -> None:
    """Answers a job by an error, unless nobody waits for it."""
    if job.future.set_running_or_notify_cancel():
        job.future.set_exception(error)
