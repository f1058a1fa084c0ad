"""Calls that are cancelled, late or cut off, in many random orders, beside others that must not notice."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator

import grpc
from google.protobuf import duration_pb2
from google.rpc import code_pb2

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1 import summarizer_pb2_grpc as pb_grpc
from nutgraf_models.engines.lead import LeadEngine
from support.server import TIMEOUT, Running, running_server, summarizer_with

INTERLEAVINGS = 120
CALLS = 5
# Less than all the calls that are given up hold together: what one of them left behind would soon fill it.
MOST_QUEUED = 24


class Unhurried(LeadEngine):
    """The lead engine with several requests at once, each of which takes some steps; how many, chance says."""

    parallel_requests = 3

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self._left: dict[int, int] = {}

    def submit(self, request):  # type: ignore[no-untyped-def]
        handle = super().submit(request)
        self._left[handle] = self._rng.choice((1, 1, 3, 20))
        return handle

    def step(self):  # type: ignore[no-untyped-def]
        time.sleep(0.0003)  # the work of a model
        for handle in self._left:
            self._left[handle] -= 1
        waiting, self._waiting = self._waiting, {one: self._waiting[one] for one in self._left if self._left[one] <= 0}
        completions = super().step()
        for completion in completions:
            del self._left[completion.handle], waiting[completion.handle]
        self._waiting = waiting
        return completions

    def cancel(self, handle):  # type: ignore[no-untyped-def]
        super().cancel(handle)
        self._left.pop(handle, None)


def first_sentence(number: int) -> str:
    return f"The harbour at quay {number} reopened on Monday after a crane fell across it."


def article(number: int) -> pb.SummarizeRequest:
    text = f"{first_sentence(number)} Nobody was hurt, said its master. Two ships had to wait outside for nine hours."
    return pb.SummarizeRequest(text=text, summaries=[pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT)])


def is_right(response: pb.SummarizeResponse, number: int) -> bool:
    return [one.text for one in response.summaries] == [first_sentence(number)]


class Caller:
    """Makes calls, gives some of them up, and looks at what comes back."""

    def __init__(self, rng: random.Random, address: str) -> None:
        self._rng = rng
        self._address = address
        self._numbers = iter(range(1_000_000))
        self.outcomes: Counter[str] = Counter()

    async def interleaving(self) -> None:
        """Some calls over one connection, and some over another that may be cut at any time."""
        doomed = grpc.aio.insecure_channel(self._address, [("grpc.use_local_subchannel_pool", 1)])
        async with grpc.aio.insecure_channel(self._address) as channel, doomed, asyncio.TaskGroup() as group:
            calls = [group.create_task(self._call(channel, is_doomed=False)) for _ in range(CALLS)]
            calls += [group.create_task(self._call(doomed, is_doomed=True)) for _ in range(2)]
            await asyncio.sleep(self._rng.uniform(0, 0.02))
            await doomed.close()
            await asyncio.wait(calls)

    async def _call(self, channel: grpc.aio.Channel, *, is_doomed: bool) -> None:
        stub = pb_grpc.SummarizerServiceStub(channel)
        await asyncio.sleep(self._rng.uniform(0, 0.01))
        kind = self._rng.choice(("kept", "kept", "cancelled", "late"))
        one = self._unary if self._rng.random() < 0.6 else self._stream
        try:
            await one(stub, kind)
            self.outcomes[f"{kind} {one.__name__} answered"] += 1
        except grpc.aio.UsageError:
            assert is_doomed
        except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
            code = error.code() if isinstance(error, grpc.aio.AioRpcError) else grpc.StatusCode.CANCELLED
            self.outcomes[f"{'doomed' if is_doomed else kind} {one.__name__} {code.name}"] += 1
            if code not in _ENDS[kind] and not (is_doomed and code in _CUT_OFF):
                raise AssertionError(f"a call that was {kind} ended by {code.name}") from error

    async def _unary(self, stub: pb_grpc.SummarizerServiceStub, kind: str) -> None:
        number = next(self._numbers)
        timeout = self._rng.uniform(0.001, 0.02) if kind == "late" else TIMEOUT
        call = stub.Summarize(article(number), timeout=timeout)
        if kind == "cancelled":
            await asyncio.sleep(self._rng.uniform(0, 0.01))
            call.cancel()
        assert is_right(await call, number)

    async def _stream(self, stub: pb_grpc.SummarizerServiceStub, kind: str) -> None:
        sent = {str(number): number for number in (next(self._numbers) for _ in range(self._rng.randint(1, 6)))}
        given_up = self._rng.randint(0, len(sent)) if kind == "cancelled" else None

        async def requests() -> AsyncIterator[pb.SummarizeManyRequest]:
            for id, number in sent.items():
                item = pb.SummarizeManyRequest(id=id, request=article(number))
                if kind == "late" and self._rng.random() < 0.5:
                    item.item_timeout.CopyFrom(duration_pb2.Duration(nanos=self._rng.randint(1, 20_000_000)))
                yield item
                await asyncio.sleep(self._rng.uniform(0, 0.002))

        call = stub.SummarizeMany(requests(), timeout=TIMEOUT)
        answered: Counter[str] = Counter()
        if given_up == 0:
            call.cancel()
        async for answer in call:
            answered[answer.id] += 1
            if answer.HasField("error"):
                assert (kind, answer.error.code) == ("late", code_pb2.DEADLINE_EXCEEDED)
            else:
                assert is_right(answer.response, sent[answer.id])
            assert answered[answer.id] == 1
            if answered.total() == given_up:
                call.cancel()
        assert set(answered) == set(sent)


EVERY_WAY_TO_END = (
    *("kept _unary answered", "kept _stream answered"),
    *("cancelled _unary CANCELLED", "cancelled _stream CANCELLED"),
    *("late _unary DEADLINE_EXCEEDED", "late _stream answered"),
    *("doomed _unary CANCELLED", "doomed _stream CANCELLED"),
)
_ENDS = {
    "kept": set(),
    "cancelled": {grpc.StatusCode.CANCELLED},
    # One that would be late is refused by a queue that knows it.
    "late": {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED},
}
_CUT_OFF = {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE}


async def holds_nothing(running: Running) -> None:
    async with asyncio.timeout(TIMEOUT):
        while running.metric("nutgraf_queued_requests") or running.metric("nutgraf_running_requests"):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_whoever_is_not_given_up_gets_the_own_answer_once_and_nothing_is_left_behind(capfd, caplog):
    rng = random.Random(1907)
    engine = Unhurried(random.Random(rng.random()))
    with running_server(lambda: summarizer_with(engine), max_queued_requests=MOST_QUEUED) as running:
        caller = Caller(rng, running.address)
        for _ in range(INTERLEAVINGS):
            await caller.interleaving()
        await holds_nothing(running)
        async with grpc.aio.insecure_channel(running.address) as channel:
            response = await pb_grpc.SummarizerServiceStub(channel).Summarize(article(7), timeout=TIMEOUT)
        assert is_right(response, 7)
        reasons = running.server.metrics.registry.collect()
        refused = {one.labels.get("reason") for metric in reasons for one in metric.samples}
    # Or it would be tested less than it seems.
    assert set(EVERY_WAY_TO_END) <= set(caller.outcomes)
    assert "INTERNAL" not in refused
    assert "internal error" not in "".join(capfd.readouterr())
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
