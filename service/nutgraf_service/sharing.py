"""The same article asked again, or by several at once: one run for all who wait, and its summary kept for a while.

A run goes on while anybody waits for it, whoever began it. What is kept of it lies under a keyed hash of all that
decides the answer: of the article nothing but what its summary quotes, and nothing by which another process could tell
which article it was.
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
    """The caller's deadline was over before there was a summary."""


class Origin(enum.Enum):
    """Where an answer comes from. The names are the contract's, without their prefix."""

    RUN = "run"
    SHARED_RUN = "shared_run"
    CACHE = "cache"


@dataclass(frozen=True)
class Outcome:
    """Summaries, and the seconds that went into them for this call."""

    summary: ArticleSummary
    queue_seconds: float
    generate_seconds: float
    total_seconds: float
    origin: Origin = Origin.RUN


Place = contextlib.AbstractAsyncContextManager[None]


@dataclass(eq=False)
class _Run:
    task: asyncio.Task[Outcome]
    priority: Priority
    waiting: int = 0


class Cache:
    """Finished summaries by their keys: at most so many bytes, none older than so many seconds of `clock`.

    They are kept as bytes, which refer to nothing. The oldest go first.
    """

    def __init__(self, *, max_bytes: int, max_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._clock = clock
        self._bytes = 0
        # In the order in which they came, and so of their age.
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
        """What is too old or too much."""
        oldest = self._clock() - self._max_seconds
        for key, (since, _) in list(self._kept.items()):
            if since > oldest and self._bytes <= self.max_bytes:
                return
            self._remove(key)

    def _remove(self, key: bytes) -> None:
        if key in self._kept:
            self._bytes -= len(key) + len(self._kept.pop(key)[1])


class Sharing:
    """Answers what was asked before by what it was answered then, or will be.

    With a cache of 0 bytes nothing is shared at all, with one of 0 seconds the runs under way are.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._runs: dict[bytes, _Run] = {}
        # A new one in each process: without it, whoever has an article could tell whether it was asked for.
        self._secret = secrets.token_bytes(hashlib.blake2b.MAX_KEY_SIZE)

    def key(self, *asked: object) -> bytes:
        """The key of what is asked: of all values in it that decide the answer, by their `repr`."""
        if not self._cache.max_bytes:
            return secrets.token_bytes(32)  # that of nothing else
        return hashlib.blake2b(repr(asked).encode(), digest_size=32, key=self._secret).digest()

    async def answer(
        self,
        key: bytes,
        enter: Callable[[], Place],
        run: Callable[[Priority], Coroutine[Any, Any, Outcome]],
        *,
        deadline: float | None,
        is_bulk: bool,
    ) -> Outcome:
        """The answer to what has this key: a kept one, or that of the run under way, or that of a run of its own.

        `enter` gives a place among the runs; only a run of one's own needs one. `deadline` is the caller's, in
        `time.monotonic()` seconds, and ends the waiting of no other. The same goes for cancelling the caller: the run
        ends when nobody waits for it any more.

        Raises:
            DeadlinePassed: the deadline was over first.
            Exception: whatever `enter` or the run raised.
        """
        started = time.monotonic()
        async with contextlib.AsyncExitStack() as place:
            found = self._find(key)
            if found is None:
                await place.enter_async_context(enter())
                # A stream waits for its place, and others may have asked meanwhile.
                found = self._find(key)
            origin = Origin.RUN if found is None else Origin.SHARED_RUN
            if isinstance(found, ArticleSummary):
                return Outcome(_untimed(found), 0.0, 0.0, time.monotonic() - started, Origin.CACHE)
            if found is None:
                found = self._start(key, run, Priority(is_bulk), place.pop_all())
        if not is_bulk:
            found.priority.is_bulk = False
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
        place: contextlib.AsyncExitStack,
    ) -> _Run:
        async def work() -> Outcome:
            # Entered for certain: whoever cancels waits for this task, and so is woken after its first step.
            async with place:
                outcome = await run(priority)
                self._cache.put(key, outcome.summary)
                return outcome

        def end(task: asyncio.Task[Outcome]) -> None:
            self._forget(key, started)
            if not task.cancelled():
                task.exception()  # perhaps nobody is left to ask for it, which asyncio would complain about

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
                # Who asks from now on must not join what is about to end.
                self._forget(key, run)
                run.task.cancel()

    def _forget(self, key: bytes, run: _Run) -> None:
        if self._runs.get(key) is run:
            del self._runs[key]


def _untimed(summary: ArticleSummary) -> ArticleSummary:
    """The same for a caller for whom nothing was done."""
    return replace(summary, tokenize_seconds=0.0, check_seconds=0.0)
