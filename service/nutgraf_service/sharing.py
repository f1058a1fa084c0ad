"""Sharing of identical requests: one run of the model for all callers that wait, and a cache of finished summaries.

A run continues as long as any caller waits for it. The cache stores summaries under a keyed hash of everything that
determines the answer. It holds no article text except what the summary quotes, and because the key of the hash is
random per process, no other process can tell which article a summary belongs to.
"""

import asyncio
import contextlib
import enum
import hashlib
import pickle
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from nutgraf_models.results import ArticleSummary
from nutgraf_service.waiting import Priority


class DeadlinePassed(Exception):
    """The caller's deadline passed before the summary was finished."""


class Origin(enum.Enum):
    """Where an answer comes from. The names are those of the contract, without their prefix."""

    RUN = "run"
    SHARED_RUN = "shared_run"
    CACHE = "cache"


@dataclass(frozen=True)
class Outcome:
    """Summaries, and the seconds spent on them for this call."""

    summary: ArticleSummary
    queue_seconds: float
    generate_seconds: float
    total_seconds: float
    origin: Origin = Origin.RUN


@dataclass(eq=False)
class _Run:
    task: asyncio.Task[Outcome]
    priority: Priority
    waiting: int = 0


class Cache:
    """Finished summaries by key. Drops the oldest ones first.

    Args:
        max_bytes: size of all entries, pickled.
        max_seconds: age of an entry, on `clock`.
    """

    def __init__(self, *, max_bytes: int, max_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._clock = clock
        self._bytes = 0
        # In order of age. Pickled, so that an entry keeps no other object alive.
        self._kept: dict[bytes, tuple[float, bytes]] = {}

    def get(self, key: bytes) -> ArticleSummary | None:
        self._drop()
        if key not in self._kept:
            return None
        summary: ArticleSummary = pickle.loads(self._kept[key][1])
        return summary

    def put(self, key: bytes, summary: ArticleSummary) -> None:
        packed = pickle.dumps(summary)
        self._remove(key)
        self._kept[key] = self._clock(), packed
        self._bytes += len(key) + len(packed)
        self._drop()

    def _drop(self) -> None:
        """Drops the entries that are too old or exceed the size."""
        oldest = self._clock() - self._max_seconds
        for key, (since, _) in list(self._kept.items()):
            if since > oldest and self._bytes <= self.max_bytes:
                return
            self._remove(key)

    def _remove(self, key: bytes) -> None:
        if key in self._kept:
            self._bytes -= len(key) + len(self._kept.pop(key)[1])


class Sharing:
    """Answers identical requests with one run, or from the cache.

    A cache of 0 bytes disables sharing. A cache of 0 seconds shares only runs in progress.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._runs: dict[bytes, _Run] = {}
        # Random per process. Without it, anybody with an article and a memory dump could tell if it was requested.
        self._secret = secrets.token_bytes(hashlib.blake2b.MAX_KEY_SIZE)

    def key(self, *asked: object) -> bytes:
        """The key of a request: a hash of the `repr` of all values that determine the answer."""
        if not self._cache.max_bytes:
            return secrets.token_bytes(32)  # unique, so that nothing is shared
        return hashlib.blake2b(repr(asked).encode(), digest_size=32, key=self._secret).digest()

    async def answer(
        self,
        key: bytes,
        admit: Callable[[], contextlib.AbstractAsyncContextManager[None]],
        run: Callable[[Priority], Coroutine[Any, Any, Outcome]],
        *,
        deadline: float | None,
        is_stream: bool,
    ) -> Outcome:
        """Answers a request from the cache, from a run in progress, or from a new run.

        A deadline or a cancellation concerns only this caller. The run ends when no caller waits for it.

        Args:
            key: of the request.
            admit: admits a new run. Answers from the cache or from a run in progress need no admission.
            run: starts the run.
            deadline: of the caller, in `time.monotonic()` seconds.
            is_stream: the caller is an item of a stream.

        Raises:
            DeadlinePassed: the deadline passed first.
            Exception: anything that `admit` or the run raises.
        """
        started = time.monotonic()
        async with contextlib.AsyncExitStack() as admission:
            found = self._find(key)
            if found is None:
                await admission.enter_async_context(admit())
                # Stream items wait to be admitted. Meanwhile another caller may have started the same run.
                found = self._find(key)
            origin = Origin.RUN if found is None else Origin.SHARED_RUN
            if isinstance(found, ArticleSummary):
                return Outcome(_untimed(found), 0.0, 0.0, time.monotonic() - started, Origin.CACHE)
            if found is None:
                found = self._start(key, run, Priority(is_stream), admission.pop_all())
        if not is_stream:
            found.priority.is_stream = False
        outcome = await self._wait(key, found, deadline)
        if origin is Origin.RUN:
            return outcome
        waited = time.monotonic() - started
        return Outcome(_untimed(outcome.summary), waited, 0.0, waited, origin)

    def _find(self, key: bytes) -> ArticleSummary | _Run | None:
        return self._runs.get(key) or self._cache.get(key)

    def _start(
        self,
        key: bytes,
        run: Callable[[Priority], Coroutine[Any, Any, Outcome]],
        priority: Priority,
        admission: contextlib.AsyncExitStack,
    ) -> _Run:
        async def work() -> Outcome:
            # Always entered: a caller that cancels this task has waited for it, so the task has made its first step.
            async with admission:
                outcome = await run(priority)
                self._cache.put(key, outcome.summary)
                return outcome

        def end(task: asyncio.Task[Outcome]) -> None:
            self._forget(key, started)
            if not task.cancelled():
                task.exception()  # marks it as retrieved: perhaps no caller is left to do so

        started = self._runs[key] = _Run(asyncio.create_task(work()), priority)
        started.task.add_done_callback(end)
        return started

    async def _wait(self, key: bytes, run: _Run, deadline: float | None) -> Outcome:
        run.waiting += 1
        try:
            timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
            # Unlike `await run.task`, this leaves the task alone when the caller is cancelled.
            await asyncio.wait((run.task,), timeout=timeout)
            if not run.task.done():
                raise DeadlinePassed
            return run.task.result()
        finally:
            run.waiting -= 1
            if not run.waiting and not run.task.done():
                # New callers must not join a run that is about to end.
                self._forget(key, run)
                run.task.cancel()

    def _forget(self, key: bytes, run: _Run) -> None:
        if self._runs.get(key) is run:
            del self._runs[key]


def _untimed(summary: ArticleSummary) -> ArticleSummary:
    """The same summary without timings, for a caller whose request cost no work."""
    return replace(summary, tokenize_seconds=0.0, check_seconds=0.0)
