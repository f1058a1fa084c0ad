"""Running work in threads, and passing its errors to the event loop."""

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Panic(Exception):
    """Replaces an error that asyncio would treat specially, such as a cancellation or the end of the process."""


def ordinary(error: BaseException) -> Exception:
    """Returns the error itself, or a `Panic` if it would end the event loop or never reach the waiting task."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration | concurrent.futures.CancelledError):
        return error
    return Panic(type(error).__name__).with_traceback(error.__traceback__)


async def in_thread(pool: concurrent.futures.Executor, work: Callable[[], T]) -> T:
    """Runs `work` in a thread of `pool` and waits for the result.

    If the caller is cancelled before the work has started, its references are dropped at once. The pool itself would
    keep them until a thread is free.

    Raises:
        Exception: anything that the work raises.
    """
    pending = [work]

    def run() -> T:
        try:
            return pending.pop()()
        except BaseException as error:
            raise ordinary(error) from None

    try:
        return await asyncio.wrap_future(pool.submit(run))
    finally:
        pending.clear()
