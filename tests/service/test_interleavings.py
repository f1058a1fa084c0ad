"""Hundreds of callers call one server, wait, cancel, disconnect and exceed their deadlines in random order.

Each waiting caller gets the summary of its own article exactly once, and no work is left in the server.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import grpc
import pytest

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_models.engines.base import Completion, GenerationRequest, Handle
from nutgraf_models.engines.lead import LeadEngine
from support.server import TIMEOUT, Running, running_server, summarizer_with

CALLERS = 90
SHORT = [pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT)]
# The deadline passed, or was too short to admit the call.
LATE = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}


class Dawdling(LeadEngine):
    """The lead engine, but with parallel requests, each of a random number of steps."""

    parallel_requests = 3

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._chance = random.Random(seed)
        self._left: dict[Handle, int] = {}

    def submit(self, request: GenerationRequest) -> Handle:
        handle = super().submit(request)
        self._left[handle] = self._chance.randint(1, 6)
        return handle

    def cancel(self, handle: Handle) -> None:
        super().cancel(handle)
        self._left.pop(handle, None)

    def step(self) -> list[Completion]:
        done = []
        for handle in list(self._left):
            self._left[handle] -= 1
            if self._left[handle] == 0:
                del self._left[handle]
                self._waiting = {handle: self._waiting.pop(handle), **self._waiting}
                done += super().step()
        return done


def article(number: int) -> tuple[str, str]:
    """An article, and its unique summary by the lead engine."""
    first = f"Boat {number} came home to Marlow before the storm broke."
    return f"{first} Its crew of six was well. The harbour master counted the nets. They had all held.", first


class Callers:
    """Random callers, and their outcomes."""

    def __init__(self, address: str, seed: int, *, articles: int | None = None) -> None:
        self.address = address
        self.chance = random.Random(seed)
        # The number of articles to choose from; None gives each call its own.
        self.articles = articles
        self.count = 0
        self.told: Counter[str] = Counter()

    def next_article(self) -> tuple[str, str]:
        self.count += 1
        return article(self.count if self.articles is None else self.chance.randrange(self.articles))

    async def a_while(self) -> None:
        """Lets other tasks run for a random number of turns."""
        for _ in range(self.chance.randint(0, 60)):
            await asyncio.sleep(0)

    async def one(self) -> None:
        """One caller: a channel with a few concurrent calls and streams, some of which it cancels."""
        await self.a_while()
        channel = grpc.aio.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1)])
        stub = SummarizerServiceStub(channel)
        tasks = [
            asyncio.create_task(self.chance.choice([self.call, self.call, self.stream])(stub))
            for _ in range(self.chance.randint(1, 4))
        ]
        await self.a_while()
        for task in tasks:
            if self.chance.random() < 0.2:
                task.cancel()
        if self.chance.random() < 0.2:
            await self.a_while()
            await channel.close()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            assert end is None or isinstance(end, asyncio.CancelledError | grpc.aio.UsageError), end
        await channel.close()

    def deadline(self) -> float:
        return self.chance.choice([0.001, 0.02, 0.2]) if self.chance.random() < 0.2 else TIMEOUT

    async def call(self, stub: SummarizerServiceStub) -> None:
        text, expected = self.next_article()
        deadline = self.deadline()
        try:
            response = await stub.Summarize(pb.SummarizeRequest(text=text, summaries=SHORT), timeout=deadline)
        except grpc.aio.AioRpcError as error:
            self.refused(error, deadline)
        else:
            assert response.summaries[0].text == expected
            self.told["answered"] += 1

    async def stream(self, stub: SummarizerServiceStub) -> None:
        expected: dict[str, str] = {}
        deadline, most = self.deadline(), self.chance.randint(0, 8)

        async def items() -> AsyncIterator[pb.SummarizeManyRequest]:
            for _ in range(most):
                text, summary = self.next_article()
                number = str(self.count)
                expected[number] = summary
                yield pb.SummarizeManyRequest(id=number, request=pb.SummarizeRequest(text=text, summaries=SHORT))
                await self.a_while()

        try:
            async for answer in stub.SummarizeMany(items(), timeout=deadline):
                # Removed, so that a second answer raises a KeyError.
                summary = expected.pop(answer.id)
                if answer.HasField("error"):
                    # The server may notice the passed deadline before the caller.
                    assert deadline < TIMEOUT, answer.error
                    assert answer.error.code in {code.value[0] for code in LATE}, answer.error
                    continue
                assert answer.response.summaries[0].text == summary
                self.told["answered in a stream"] += 1
        except grpc.aio.AioRpcError as error:
            self.refused(error, deadline)
        else:
            assert not expected
            self.told["streams ended"] += 1

    def refused(self, error: grpc.aio.AioRpcError, deadline: float) -> None:
        if (error.details() or "").startswith("Internal error from Core"):
            return  # grpc.aio's own, for a message that is to be sent when the call has ended meanwhile
        assert error.code() in (LATE if deadline < TIMEOUT else {grpc.StatusCode.CANCELLED}), error
        self.told[error.code().name] += 1


@pytest.mark.parametrize(
    ("seed", "articles", "settings"),
    [
        *((seed, None, {}) for seed in range(6)),
        # Several ask for the same article at once, and again. The cache has room for one or two summaries.
        *((seed, 6, {"cache_bytes": 1 << 20, "cache_seconds": 0}) for seed in range(6, 9)),
        *((seed, 6, {"cache_bytes": 1 << 10}) for seed in range(9, 12)),
    ],
)
async def test_whoever_waits_gets_the_summary_of_their_own_article_once(seed, articles, settings):
    summarizer = summarizer_with(Dawdling(seed))
    with running_server(lambda: summarizer, max_queued_requests=1000, **settings) as running:
        callers = Callers(running.address, seed, articles=articles)
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(callers.one())
        async with grpc.aio.insecure_channel(running.address) as channel:
            text, expected = callers.next_article()
            response = await SummarizerServiceStub(channel).Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT)
            assert response.summaries[0].text == expected
        assert await soon_idle(running)
        assert not running.server.core._sharing._runs
    # Enough of each, or the seed shows nothing.
    assert callers.told["answered"] > 20, callers.told
    assert callers.told["answered in a stream"] > 50, callers.told
    assert callers.told["DEADLINE_EXCEEDED"] + callers.told["RESOURCE_EXHAUSTED"] > 1, callers.told


async def soon_idle(running: Running) -> bool:
    """Whether the server has dropped what nobody waits for, as soon as it has heard of it."""
    for _ in range(1000):
        if running.metric("nutgraf_queued_requests") + running.metric("nutgraf_running_requests") == 0:
            return True
        await asyncio.sleep(0.01)
    return False
