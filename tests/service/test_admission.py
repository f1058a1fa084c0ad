"""Admission without a server: decisions that depend on the measured speed."""

import asyncio
import contextlib
import time

import pytest

from nutgraf_service.admission import Admission, Speed
from nutgraf_service.errors import ServiceError

LATER = 1e9


async def refusal(admission: Admission, tokens: int, deadline: float | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        async with admission.enter(tokens, deadline, is_stream=False):
            pass
    return caught.value


async def finish_some(admission: Admission, tokens: int) -> None:
    for _ in range(10):
        async with admission.enter(tokens, None, is_stream=False):
            admission.finish(tokens)


@contextlib.asynccontextmanager
async def entered(admission: Admission, *tokens: int, is_stream: bool = False):
    async with contextlib.AsyncExitStack() as stack:
        for one in tokens:
            await stack.enter_async_context(admission.enter(one, None, is_stream=is_stream))
        yield


async def test_hopeless_deadlines_are_refused_once_the_speed_is_known():
    admission = Admission(max_queued=10, max_tokens=10_000)
    async with entered(admission, 100, 100), admission.enter(100, time.monotonic(), is_stream=False):
        pass  # the speed is not known yet
    await finish_some(admission, 100)
    async with entered(admission, 100, 100):
        assert "left" in (await refusal(admission, 100, time.monotonic())).message
        async with admission.enter(100, time.monotonic() + LATER, is_stream=False):
            pass


async def test_a_deadline_needs_a_fifth_more_than_the_estimate(monkeypatch):
    monkeypatch.setattr(Speed, "is_measured", True)
    monkeypatch.setattr(Speed, "tokens_per_second", 10.0)
    admission = Admission(max_queued=10, max_tokens=10_000)
    async with entered(admission, 500, 500):  # 100 seconds
        assert "left" in (await refusal(admission, 100, time.monotonic() + 115)).message
        async with admission.enter(100, time.monotonic() + 125, is_stream=False):
            pass


async def test_requests_that_run_at_once_are_accepted_whatever_the_deadline():
    admission = Admission(max_queued=10, max_tokens=10_000)
    await finish_some(admission, 100)
    async with admission.enter(100, time.monotonic(), is_stream=False):
        pass


async def test_the_retry_delay_grows_with_the_queue_and_shrinks_with_speed():
    async def retry_after(size: int, *waiting: int) -> float:
        admission = Admission(max_queued=2, max_tokens=10**15)
        await finish_some(admission, size)
        async with entered(admission, *waiting):
            seconds = (await refusal(admission, 1)).retry_after
        assert seconds is not None
        return seconds

    # So far apart that this machine's speed does not matter.
    assert await retry_after(1, *[10**12] * 3) > await retry_after(1, *[10**7] * 3)
    assert await retry_after(1, *[10**12] * 3) > await retry_after(10**6, *[10**12] * 3)


async def test_stream_items_are_admitted_in_order_even_if_a_later_one_would_fit():
    admission = Admission(max_queued=100, max_tokens=1_000)
    entered_in_order: list[int] = []
    has_entered, release = asyncio.Event(), asyncio.Event()

    async def come(tokens: int) -> None:
        async with admission.enter(tokens, None, is_stream=True):
            entered_in_order.append(tokens)
            has_entered.set()
            await release.wait()

    async with asyncio.TaskGroup() as group:
        async with entered(admission, 450, is_stream=True):
            for tokens in (900, 40, 41):
                group.create_task(come(tokens))
                await asyncio.sleep(0)
            # 40 would fit beside 450, but 900 came first.
            assert entered_in_order == []
        await has_entered.wait()
        assert entered_in_order == [900]
        release.set()
    assert entered_in_order == [900, 40, 41]


async def test_a_deadline_that_passes_while_a_stream_waits_leaves_nothing_behind():
    admission = Admission(max_queued=100, max_tokens=100)
    async with entered(admission, 90, is_stream=True):
        with pytest.raises(ServiceError) as caught:
            async with admission.enter(90, time.monotonic(), is_stream=True):
                pass
        assert caught.value.reason == "DEADLINE_EXCEEDED"
    async with asyncio.timeout(5), admission.enter(90, None, is_stream=True):
        pass
