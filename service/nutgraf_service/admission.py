"""Who is let in: a queue bounded by requests and by tokens, and what those are told who find it full."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from nutgraf_service.refusals import Refusal

# English text has about four characters in a token. Of other letters and signs, each byte more than one in UTF-8 makes
# about half a token: a Chinese character is one and a quarter. Articles are let in before they are tokenised.
_TOKENS_PER_CHARACTER, _TOKENS_PER_BYTE_MORE = 0.25, 0.5
# A model's speed, for until some articles have been measured.
_TOKENS_PER_SECOND = 250.0
_MEASURED_AFTER = 5
# What each article finished before counts less by; the last twenty make up two thirds of the measured speed.
_DECAY = 0.95


def estimate_tokens(*texts: str) -> int:
    """The tokens of texts, roughly; at least 1."""
    characters = sum(map(len, texts))
    more = sum(len(text.encode(errors="surrogatepass")) for text in texts) - characters
    return 1 + int(characters * _TOKENS_PER_CHARACTER + more * _TOKENS_PER_BYTE_MORE)


class Speed:
    """Tokens of articles finished a second, in the time in which there were any to work on.

    `first_guess` is assumed until some articles have been measured.
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
        """There is work again."""
        self._since = time.monotonic()

    def finish(self, tokens: int) -> None:
        """An article is done."""
        now = time.monotonic()
        self._tokens = _DECAY * self._tokens + tokens
        self._seconds = _DECAY * self._seconds + max(now - self._since, 1e-6)
        self._since = now
        self._finished += 1


@dataclass
class _Load:
    """Articles that were let in and are not done."""

    requests: int = 0
    tokens: int = 0


class Admission:
    """Lets articles in while there is room.

    `max_queued` articles may wait besides those that run, and those that run or wait may have `max_tokens` together; an
    article that is longer by itself is let in when no other of its kind is there. Single calls are refused where there
    is no room; streams wait, and leave half of it to single calls. `first_guess`: tokens a second, until measured.
    """

    def __init__(
        self, *, max_queued: int, max_tokens: int, max_running: int = 1, first_guess: float = _TOKENS_PER_SECOND
    ) -> None:
        self.max_running = max_running
        self._max_queued = max_queued
        self._max_tokens = max_tokens
        self._single = _Load()
        self._bulk = _Load()
        self._speed = Speed(first_guess)
        self._turn = asyncio.Lock()
        self._left = asyncio.Event()

    @contextlib.asynccontextmanager
    async def enter(self, tokens: int, deadline: float | None, *, is_bulk: bool) -> AsyncIterator[None]:
        """Lets in an article of about `tokens`, for as long as the context lasts.

        `deadline` is in `time.monotonic()` seconds.

        Raises:
            Refusal: QUEUE_FULL, if there is no room for a single call, or what is before it would take until after its
                deadline; DEADLINE_EXCEEDED, if the deadline is over before there is room for bulk.
        """
        if is_bulk:
            await self._wait_for_room(tokens, deadline)
        else:
            self._refuse_if_full(tokens, deadline)
        if not self._single.requests and not self._bulk.requests:
            self._speed.start()
        load = self._bulk if is_bulk else self._single
        load.requests += 1
        load.tokens += tokens
        try:
            yield
        finally:
            load.requests -= 1
            load.tokens -= tokens
            self._left.set()

    def finish(self, tokens: int) -> None:
        """An article that was let in has been summarised."""
        self._speed.finish(tokens)

    def _refuse_if_full(self, tokens: int, deadline: float | None) -> None:
        waiting = self._single.requests + self._bulk.requests - self.max_running
        seconds = self._seconds_before()
        if waiting >= self._max_queued:
            raise _queue_full(f"{self._max_queued} calls are waiting, and no more may", retry_after=seconds / 2)
        if self._single.requests and self._single.tokens + self._bulk.tokens + tokens > self._max_tokens:
            message = f"what runs and waits would have more than about {self._max_tokens} tokens with this article"
            raise _queue_full(message, retry_after=seconds / 2)
        if deadline is not None and waiting > 0 and self._speed.is_measured:
            left = max(deadline - time.monotonic(), 0.0)
            if seconds > left:
                message = f"what is waiting takes about {seconds:.1f} s, and this call has {left:.1f} s left"
                raise _queue_full(message, retry_after=seconds - left)

    async def _wait_for_room(self, tokens: int, deadline: float | None) -> None:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            # In turn, so that a long article is not passed by short ones for ever.
            async with asyncio.timeout(timeout), self._turn:
                while not self._has_room_for_bulk(tokens):
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            raise Refusal("DEADLINE_EXCEEDED", "the deadline passed while the article was waiting") from None

    def _has_room_for_bulk(self, tokens: int) -> bool:
        fits = self._bulk.tokens + tokens <= self._max_tokens // 2
        has_room = self._bulk.requests < self.max_running + self._max_queued // 2
        return self._bulk.requests == 0 or (fits and has_room)

    def _seconds_before(self) -> float:
        """How long the single calls that are there will take. Of the model's time, bulk gets a quarter."""
        tokens = self._single.tokens * (4 / 3 if self._bulk.requests else 1)
        return tokens / self._speed.tokens_per_second


def _queue_full(message: str, *, retry_after: float) -> Refusal:
    retry_after = max(retry_after, 0.1)
    return Refusal("QUEUE_FULL", f"{message}; try again in {retry_after:.1f} s", retry_after=retry_after)
