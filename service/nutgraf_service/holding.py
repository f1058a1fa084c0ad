"""Bounds the article text in memory, over all unary calls, streams and checks."""

import asyncio
import contextlib
from collections.abc import Iterator

from nutgraf_service.errors import ServiceError

# How long a text stays depends on the calls ahead of it. A retry that is too early costs little.
_RETRY_SECONDS = 1.0


class Holding:
    """Counts the bytes of texts and the calls that bring them. For use in one event loop.

    Streams may use half of `max_bytes`. They stop reading at a quarter, which leaves room for items that several
    streams have read at the same moment. A text that exceeds the bound by itself is admitted when no other text (or,
    for a stream, no other stream item) is held.
    """

    def __init__(self, *, max_bytes: int, max_calls: int) -> None:
        self._max_bytes = max_bytes
        self._max_calls = max_calls
        self._calls = self._unary = self._stream = 0
        self._left = asyncio.Event()

    @property
    def bytes(self) -> int:
        return self._unary + self._stream

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """Counts a call while the context lasts.

        Raises:
            ServiceError: QUEUE_FULL, if there are already `max_calls`.
        """
        if self._calls >= self._max_calls:
            raise _queue_full(f"{self._max_calls} calls are already in progress")
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    @contextlib.contextmanager
    def text(self, size: int, *, is_stream: bool) -> Iterator[None]:
        """Counts a text of `size` bytes while the context lasts.

        Raises:
            ServiceError: QUEUE_FULL, if there is no room for it.
        """
        held, limit = (self._stream, self._max_bytes // 2) if is_stream else (self.bytes, self._max_bytes)
        if held and held + size > limit:
            raise _queue_full(f"with this article, the server would hold more than {limit} bytes of text")
        if is_stream:
            self._stream += size
        else:
            self._unary += size
        try:
            yield
        finally:
            if is_stream:
                self._stream -= size
            else:
                self._unary -= size
            self._left.set()

    async def wait_until_streams_may_read(self) -> bool:
        """Returns True once streams hold no more than a quarter of the bytes."""
        while self._stream > self._max_bytes // 4:
            self._left.clear()
            await self._left.wait()
        return True


def _queue_full(message: str) -> ServiceError:
    message = f"{message}; try again in {_RETRY_SECONDS:.0f} s"
    return ServiceError("QUEUE_FULL", message, retry_after=_RETRY_SECONDS)
