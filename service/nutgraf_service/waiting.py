"""The queue in front of the engine, and the order in which requests get their turns."""

import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from nutgraf_models.engines.base import Completion, GenerationRequest
from nutgraf_service.threads import ordinary

# If both wait, a stream's request follows after this many of unary calls.
_UNARY_PER_STREAM = 3


@dataclass(frozen=True)
class Generated:
    """The engine's output, and the seconds that the request waited and ran."""

    completion: Completion
    queue_seconds: float
    generate_seconds: float


@dataclass
class Priority:
    """The priority of a request. It can be raised while the request waits.

    `is_stream`: the request belongs to a stream item, so unary calls go first.
    """

    is_stream: bool


@dataclass(eq=False)
class QueuedRequest:
    request: GenerationRequest
    priority: Priority
    queued: float = field(default_factory=time.monotonic)
    started: float = 0.0
    future: "Future[Generated]" = field(default_factory=Future)
    # Acquired by the first to answer: the engine's thread, or `Scheduler.abandon` meanwhile.
    _unanswered: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, error: BaseException) -> None:
        """Answers with an error, unless the request is answered or cancelled."""
        if self._claim_answer():
            self.future.set_exception(ordinary(error))

    def complete(self, generated: Generated) -> None:
        if self._claim_answer():
            self.future.set_result(generated)

    def _claim_answer(self) -> bool:
        return self._unanswered.acquire(blocking=False) and self.future.set_running_or_notify_cancel()

    @property
    def is_stream(self) -> bool:
        return self.priority.is_stream


class RequestQueue:
    """Requests that wait for the engine.

    The order: requests of articles that have waited before, then unary calls. Requests of streams follow if no unary
    call waits or runs, and at every fourth turn.
    """

    def __init__(self) -> None:
        self._next: deque[QueuedRequest] = deque()
        self._unary: deque[QueuedRequest] = deque()
        self._stream: deque[QueuedRequest] = deque()
        self._unary_in_a_row = 0

    def __len__(self) -> int:
        return len(self._next) + len(self._unary) + len(self._stream)

    def put(self, entry: QueuedRequest, *, is_next: bool) -> None:
        (self._next if is_next else self._stream if entry.is_stream else self._unary).append(entry)

    def take(self, *, streams_may_run: bool, unary_runs: bool) -> QueuedRequest | None:
        """Removes and returns the next entry. Skips those of streams unless `streams_may_run`."""
        # A unary call may have joined the run of a stream item meanwhile.
        for entry in [entry for entry in self._stream if not entry.is_stream]:
            self._stream.remove(entry)
            self._unary.append(entry)
        for index, entry in enumerate(self._next):
            if streams_may_run or not entry.is_stream:
                del self._next[index]
                return entry
        stream_has_turn = not (self._unary or unary_runs) or self._unary_in_a_row >= _UNARY_PER_STREAM
        if self._stream and streams_may_run and stream_has_turn:
            self._unary_in_a_row = 0
            return self._stream.popleft()
        if self._unary:
            self._unary_in_a_row = self._unary_in_a_row + 1 if self._stream else 0
            return self._unary.popleft()
        return None

    def remove(self, entry: QueuedRequest) -> bool:
        """Removes an entry. Returns whether it was still waiting."""
        for queue in (self._next, self._unary, self._stream):
            if entry in queue:
                queue.remove(entry)
                return True
        return False

    def clear(self) -> list[QueuedRequest]:
        """Removes and returns all entries."""
        entries = [*self._next, *self._unary, *self._stream]
        for queue in (self._next, self._unary, self._stream):
            queue.clear()
        return entries
