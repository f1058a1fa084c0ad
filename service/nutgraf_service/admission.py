"""Admission control: a queue that is bounded by requests and by estimated tokens.

Unary calls that do not fit, or would miss their deadline, fail immediately with QUEUE_FULL and a retry delay. Items of
streams wait for room.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from nutgraf_service.errors import ServiceError

# Articles are admitted before they are tokenised, so tokens are estimated. English text has about four characters per
# token. Other characters add about half a token for each UTF-8 byte after the first: 1.25 tokens per Chinese character.
_TOKENS_PER_CHARACTER, _TOKENS_PER_EXTRA_BYTE = 0.25, 0.5
# The speed of a model, assumed until enough articles have been measured.
_TOKENS_PER_SECOND = 250.0
_MEASURED_AFTER = 5
# Articles take up to a fifth longer than estimated, and one that is cut off by its deadline was in vain.
_MARGIN = 1.2
# The weight of all earlier articles decays by this factor per article: the last twenty have two thirds of the weight.
_DECAY = 0.95


def estimate_tokens(*texts: str) -> int:
    """Estimates the number of tokens in texts; at least 1."""
    characters = sum(map(len, texts))
    extra_bytes = sum(len(text.encode(errors="surrogatepass")) for text in texts) - characters
    return 1 + int(characters * _TOKENS_PER_CHARACTER + extra_bytes * _TOKENS_PER_EXTRA_BYTE)


class Speed:
    """Measures article tokens finished per second of busy time.

    Args:
        first_guess: the speed in tokens per second, assumed until enough articles have been measured.
    """

    def __init__(self, first_guess: float) -> None:
        self._first_guess = first_guess
        self._tokens = self._seconds = 0.0
        self._finished = 0
        self._since = 0.0

    @property
    def is_measured(self) -> bool:
        return self._finished >= _MEASURED_AFTER

    @property
    def tokens_per_second(self) -> float:
        return self._tokens / self._seconds if self.is_measured else self._first_guess

    def start(self) -> None:
        """Starts the clock, when the first article arrives after an idle time."""
        self._since = time.monotonic()

    def finish(self, tokens: int) -> None:
        """Counts a finished article."""
        now = time.monotonic()
        self._tokens = _DECAY * self._tokens + tokens
        self._seconds = _DECAY * self._seconds + max(now - self._since, 1e-6)
        self._since = now
        self._finished += 1


@dataclass
class _Load:
    """Articles that were admitted and are not finished."""

    requests: int = 0
    tokens: int = 0


class Admission:
    """Admits articles while there is room.

    Unary calls fail if there is no room. Items of streams wait for it, and may use half of it. An article that exceeds
    `max_tokens` by itself is admitted when there is no other unary call or, for a stream, no other stream item.

    Args:
        max_queued: articles that may wait in addition to those running.
        max_tokens: estimated tokens of all articles running and waiting.
        max_running: articles that run at the same time.
        first_guess: the model's speed in tokens per second, assumed until it has been measured.
    """

    def __init__(
        self, *, max_queued: int, max_tokens: int, max_running: int = 1, first_guess: float = _TOKENS_PER_SECOND
    ) -> None:
        self.max_running = max_running
        self._max_queued = max_queued
        self._max_tokens = max_tokens
        self._unary = _Load()
        self._stream = _Load()
        self._speed = Speed(first_guess)
        self._turn = asyncio.Lock()
        self._left = asyncio.Event()

    @contextlib.asynccontextmanager
    async def enter(self, tokens: int, deadline: float | None, *, is_stream: bool) -> AsyncIterator[None]:
        """Admits an article for as long as the context lasts.

        Args:
            tokens: of the article, estimated.
            deadline: in `time.monotonic()` seconds.
            is_stream: the article is an item of a stream.

        Raises:
            ServiceError: for a unary call QUEUE_FULL, if there is no room or the articles ahead of it would take until
                after the deadline; for a stream item DEADLINE_EXCEEDED, if the deadline passes while it waits.
        """
        if is_stream:
            await self._wait_for_room(tokens, deadline)
        else:
            self._check_room(tokens, deadline)
        if not self._unary.requests and not self._stream.requests:
            self._speed.start()
        load = self._stream if is_stream else self._unary
        load.requests += 1
        load.tokens += tokens
        try:
            yield
        finally:
            load.requests -= 1
            load.tokens -= tokens
            self._left.set()

    def finish(self, tokens: int) -> None:
        """Counts a finished article of the given number of estimated tokens."""
        self._speed.finish(tokens)

    def _check_room(self, tokens: int, deadline: float | None) -> None:
        waiting = self._unary.requests + self._stream.requests - self.max_running
        seconds = self._seconds_ahead()
        if waiting >= self._max_queued:
            raise _queue_full(f"{self._max_queued} calls are already waiting", retry_after=seconds / 2)
        if self._unary.requests and self._unary.tokens + self._stream.tokens + tokens > self._max_tokens:
            message = f"with this article, running and waiting calls would exceed about {self._max_tokens} tokens"
            raise _queue_full(message, retry_after=seconds / 2)
        if deadline is not None and waiting > 0 and self._speed.is_measured:
            left = max(deadline - time.monotonic(), 0.0)
            if _MARGIN * seconds > left:
                message = f"the calls ahead take about {seconds:.1f} s, and this call has {left:.1f} s left"
                raise _queue_full(message, retry_after=_MARGIN * seconds - left)

    async def _wait_for_room(self, tokens: int, deadline: float | None) -> None:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            # One at a time, so that short articles cannot overtake a long one indefinitely.
            async with asyncio.timeout(timeout), self._turn:
                while not self._has_room_for_stream(tokens):
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            raise ServiceError("DEADLINE_EXCEEDED", "the deadline passed while the article was waiting") from None

    def _has_room_for_stream(self, tokens: int) -> bool:
        fits = self._stream.tokens + tokens <= self._max_tokens // 2
        has_room = self._stream.requests < self.max_running + self._max_queued // 2
        return self._stream.requests == 0 or (fits and has_room)

    def _seconds_ahead(self) -> float:
        """Estimates how long the unary calls ahead will take. Streams get a quarter of the model's time."""
        tokens = self._unary.tokens * (4 / 3 if self._stream.requests else 1)
        return tokens / self._speed.tokens_per_second


def _queue_full(message: str, *, retry_after: float) -> ServiceError:
    retry_after = max(retry_after, 0.1)
    return ServiceError("QUEUE_FULL", f"{message}; try again in {retry_after:.1f} s", retry_after=retry_after)
