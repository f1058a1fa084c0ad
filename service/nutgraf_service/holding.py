"""How much text of articles the server holds at a time, whatever brought it: single calls, streams, checks."""

import asyncio
import contextlib
from collections.abc import Iterator

from nutgraf_service.refusals import Refusal

# How long a text is held depends on all that is before it; who comes again sooner is refused again, and costs little.
_RETRY_SECONDS = 1.0


class Holding:
    """Lets text in by its bytes, and calls that bring text by their number. For one event loop.

    Streams may have half of `max_bytes`, and are not to read on while they have a quarter: what many of them have read
    at the same moment fits in between. A text that is larger by itself is let in when there is none of its kind.
    """

    def __init__(self, *, max_bytes: int, max_calls: int) -> None:
        self._max_bytes = max_bytes
        self._max_calls = max_calls
        self._calls = self._single = self._bulk = 0
        self._left = asyncio.Event()

    @property
    def bytes(self) -> int:
        return self._single + self._bulk

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """Counts a call while it lasts.

        Raises:
            Refusal: QUEUE_FULL, if there are as many as there may be.
        """
        if self._calls >= self._max_calls:
            raise _queue_full(f"{self._max_calls} calls are under way, and no more may")
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    @contextlib.contextmanager
    def text(self, size: int, *, is_bulk: bool) -> Iterator[None]:
        """Counts a text of `size` bytes while it is held.

        Raises:
            Refusal: QUEUE_FULL, if there is no room for it.
        """
        held, most = (self._bulk, self._max_bytes // 2) if is_bulk else (self.bytes, self._max_bytes)
        if held and held + size > most:
            raise _queue_full(f"the articles that are here and this one would have more than {most} bytes")
        if is_bulk:
            self._bulk += size
        else:
            self._single += size
        try:
            yield
        finally:
            if is_bulk:
                self._bulk -= size
            else:
                self._single -= size
            self._left.set()

    async def wait_until_streams_may_read(self) -> bool:
        """True, when it is so."""
        while self._bulk > self._max_bytes // 4:
            self._left.clear()
            await self._left.wait()
        return True


def _queue_full(message: str) -> Refusal:
    again = f"{message}; try again in {_RETRY_SECONDS:.0f} s"
    return Refusal("QUEUE_FULL", again, retry_after=_RETRY_SECONDS)
