"""Work in threads, and how its errors get from there to whoever waits in the event loop."""

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Panic(Exception):
    """Something was raised that asyncio would take for a word of its own, or for the end of the process."""


def ordinary(error: BaseException) -> Exception:
    """The error, or `Panic` in its place: of the others some end the event loop, and some never reach who waits."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration | concurrent.futures.CancelledError):
        return error
    return Panic(type(error).__name__).with_traceback(error.__traceback__)


async def in_thread(pool: concurrent.futures.Executor, work: Callable[[], T]) -> T:
    """Does some work in a thread of `pool` and waits for it.

    If the caller is cancelled before it has begun, the work and all that it holds is let go of at once. The pool itself
    would keep it until its turn has come.

    Raises:
        Exception: whatever the work raised.
    """
    kept = [work]

    def run() -> T:
        try:
            return kept.pop()()
        except BaseException as error:
            raise ordinary(error) from None

    try:
        return await asyncio.wrap_future(pool.submit(run))
    finally:
        kept.clear()
