"""Waiting for a condition by polling, for conditions that no event announces."""

import asyncio
import time
from collections.abc import Callable

SECONDS = 60.0
_PAUSE_SECONDS = 0.01


def wait_until(condition: Callable[[], object], *, seconds: float = SECONDS, pause: float = _PAUSE_SECONDS) -> None:
    """Waits until `condition` is true; fails after `seconds`."""
    wait_for(True, lambda: bool(condition()), seconds=seconds, pause=pause)


def wait_for(
    expected: object, find: Callable[[], object], *, seconds: float = SECONDS, pause: float = _PAUSE_SECONDS
) -> None:
    """Waits until `find` returns `expected`; fails after `seconds`."""
    end = time.monotonic() + seconds
    while (found := find()) != expected:
        assert time.monotonic() < end, f"still {found!r} instead of {expected!r} after {seconds:g} s"
        time.sleep(pause)


async def wait_in_loop_until(condition: Callable[[], object], *, seconds: float = SECONDS) -> None:
    """Like `wait_until`, for conditions that tasks of the running event loop fulfil."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - no event announces it
            await asyncio.sleep(0.001)
