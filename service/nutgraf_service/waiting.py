"""What waits for the engine, in the order in which it gets its turn."""

import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from nutgraf_models.engines.base import GenerationRequest, RowCandidates
from nutgraf_service.threads import ordinary

# Where both wait, so many single calls go before the next of bulk.
_SINGLES_PER_BULK = 3


@dataclass(frozen=True)
class Generated:
    """What the engine wrote for each row, and the seconds that the request waited and ran."""

    rows: RowCandidates
    queue_seconds: float
    generate_seconds: float


@dataclass
class Priority:
    """How urgent a request is. It may be lifted while the request waits.

    `is_bulk`: nobody sits and waits for it.
    """

    is_bulk: bool


@dataclass(eq=False)
class QueuedJob:
    request: GenerationRequest
    priority: Priority
    queued: float = field(default_factory=time.monotonic)
    started: float = 0.0
    future: "Future[Generated]" = field(default_factory=Future)
    # Taken by the first of those who answer: the thread, and whoever gives the engine up meanwhile.
    _unanswered: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, error: BaseException) -> None:
        """Answers by an error, unless there is an answer or nobody waits for one."""
        if self._is_to_be_answered():
            self.future.set_exception(ordinary(error))

    def complete(self, generated: Generated) -> None:
        if self._is_to_be_answered():
            self.future.set_result(generated)

    def _is_to_be_answered(self) -> bool:
        return self._unanswered.acquire(blocking=False) and self.future.set_running_or_notify_cancel()

    @property
    def is_bulk(self) -> bool:
        return self.priority.is_bulk


class JobQueue:
    """What waits: what has waited already, then single calls; bulk if none waits or runs, or at every fourth turn."""

    def __init__(self) -> None:
        self._next: deque[QueuedJob] = deque()
        self._single: deque[QueuedJob] = deque()
        self._bulk: deque[QueuedJob] = deque()
        self._singles_in_a_row = 0

    def __len__(self) -> int:
        return len(self._next) + len(self._single) + len(self._bulk)

    def put(self, job: QueuedJob, *, is_next: bool) -> None:
        (self._next if is_next else self._bulk if job.is_bulk else self._single).append(job)

    def take(self, *, bulk_may_run: bool, single_runs: bool) -> QueuedJob | None:
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

    def remove(self, job: QueuedJob) -> bool:
        """Whether the job was there."""
        for queue in (self._next, self._single, self._bulk):
            if job in queue:
                queue.remove(job)
                return True
        return False

    def clear(self) -> list[QueuedJob]:
        """Empties it and returns what was in it."""
        jobs = [*self._next, *self._single, *self._bulk]
        for queue in (self._next, self._single, self._bulk):
            queue.clear()
        return jobs
