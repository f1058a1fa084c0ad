"""Callers of every kind, each a task that runs until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import grpc

from nutgraf import Article, AsyncClient, Client, NutgrafError
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from soak.judge import Judge, Sent
from soak.texts import LATE, Texts

_STREAM_ITEMS = 20
_PATIENCE = 120.0


@dataclass
class Soak:
    address: str
    token: str
    judge: Judge
    texts: Texts
    chance: random.Random
    stopping: threading.Event
    pause: float
    """Maximum pause of a caller between calls, in seconds: a load, not an overload."""
    longest: int
    """Maximum number of paragraphs of an article."""

    @property
    def is_running(self) -> bool:
        return not self.stopping.is_set()

    def client(self) -> AsyncClient:
        return AsyncClient(self.address, token=self.token, timeout=_PATIENCE, retry_seconds=_PATIENCE)

    async def rest(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, self.pause))

    async def call(self, client: AsyncClient, sent: Sent, deadline: float | None = None) -> None:
        number = self.judge.send(sent)
        try:
            self.judge.answer(number, await client.summarize(sent.text, summaries="short", timeout=deadline))
        except NutgrafError as error:
            self.judge.refuse(number, error)
        except asyncio.CancelledError:
            self.judge.give_up(number)
            raise


Caller = Callable[[Soak], Awaitable[None]]


async def calls(soak: Soak) -> None:
    async with soak.client() as client:
        while soak.is_running:
            await soak.call(client, soak.texts.article("call"))
            await soak.call(client, soak.texts.foreign())
            await soak.rest()


async def long_articles(soak: Soak) -> None:
    async with soak.client() as client:
        while soak.is_running:
            await soak.call(client, soak.texts.article("long article", paragraphs=soak.chance.randint(1, soak.longest)))
            await soak.rest()


async def refused(soak: Soak) -> None:
    async with soak.client() as client:
        while soak.is_running:
            await soak.call(client, soak.texts.no_article())
            await soak.rest()


async def strangers(soak: Soak) -> None:
    """Callers without a token or with a wrong one. They are new, so they do not wait for a server that is down."""
    refusals = frozenset({"UNAUTHENTICATED", "Unavailable"})
    while soak.is_running:
        token = soak.chance.choice([None, "guessed"])
        async with AsyncClient(soak.address, token=token, timeout=_PATIENCE, retry_seconds=_PATIENCE) as client:
            sent = soak.texts.article("stranger", refusals)
            await soak.call(client, Sent(sent.kind, sent.text, None, refusals, may_be_answered=False))
        await soak.rest()


async def hasty(soak: Soak) -> None:
    """Calls with deadlines that are mostly too short."""
    async with soak.client() as client:
        while soak.is_running:
            sent = soak.texts.article("hasty call", LATE, paragraphs=soak.chance.randint(1, soak.longest))
            await soak.call(client, sent, deadline=soak.chance.choice([0.001, 0.01, 0.05, 0.2]))
            await soak.rest()


async def cancelled(soak: Soak) -> None:
    """Callers that cancel."""
    async with soak.client() as client:
        # A client that has never been answered does not wait for a restarting server.
        await soak.call(client, soak.texts.article("call"))
        while soak.is_running:
            sent = soak.texts.article("cancelled call", paragraphs=soak.chance.randint(1, soak.longest))
            task = asyncio.create_task(soak.call(client, sent))
            await asyncio.sleep(soak.chance.uniform(0, 0.1))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if not task.cancelled():
                task.result()
            await soak.rest()


async def streams(soak: Soak) -> None:
    """Streams that are read to the end, some slowly."""
    async with soak.client() as client:
        while soak.is_running:
            await _stream(soak, client, "stream", _STREAM_ITEMS, ordered=soak.chance.random() < 0.5)
            await soak.rest()


async def broken_streams(soak: Soak) -> None:
    """Streams whose reader stops in the middle."""
    async with soak.client() as client:
        while soak.is_running:
            await _stream(soak, client, "broken stream", soak.chance.randint(0, _STREAM_ITEMS - 1), ordered=False)
            await soak.rest()


async def _stream(soak: Soak, client: AsyncClient, kind: str, read: int, *, ordered: bool) -> None:
    numbers: set[int] = set()

    async def items() -> AsyncIterator[Article]:
        for _ in range(_STREAM_ITEMS):
            sent = soak.texts.article(kind, paragraphs=soak.chance.randint(1, 5))
            number = soak.judge.send(sent)
            numbers.add(number)
            yield Article(sent.text, id=str(number))

    async with contextlib.aclosing(client.summarize_many(items(), summaries="short", ordered=ordered)) as answers:
        got = 0
        while got < read:
            try:
                answer = await anext(answers)
            except StopAsyncIteration:
                break
            got += 1
            number = int(answer.id)
            numbers.discard(number)
            if answer.error is not None:
                soak.judge.refuse(number, answer.error)
            else:
                assert answer.result is not None
                soak.judge.answer(number, answer.result)
            if soak.chance.random() < 0.1:
                await soak.rest()
    if read < _STREAM_ITEMS:
        for number in numbers:
            soak.judge.give_up(number)


async def disconnected(soak: Soak) -> None:
    """Connections that are closed under running calls."""
    while soak.is_running:
        sent = [soak.texts.article("disconnected call", paragraphs=soak.longest) for _ in range(3)]
        numbers = [soak.judge.send(one) for one in sent]
        metadata = (("authorization", f"Bearer {soak.token}"),)
        async with grpc.aio.insecure_channel(soak.address) as channel:
            stub = SummarizerServiceStub(channel)  # type: ignore[no-untyped-call]
            running = [
                stub.Summarize(pb.SummarizeRequest(text=one.text), metadata=metadata, timeout=_PATIENCE) for one in sent
            ]
            await asyncio.sleep(soak.chance.uniform(0, 0.1))
        for call in running:
            with contextlib.suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
                await call
        for number in numbers:
            soak.judge.give_up(number)
        await soak.rest()


async def garbage(soak: Soak) -> None:
    """Bytes that are not HTTP/2, at the service's port."""
    host, _, port = soak.address.rpartition(":")
    while soak.is_running:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(host, int(port))
            start = soak.chance.choice(
                [b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03"]
            )
            writer.write(start + soak.chance.randbytes(soak.chance.randint(0, 2000)))
            await writer.drain()
            if soak.chance.random() < 0.5:
                await asyncio.wait_for(reader.read(), 20)
            writer.close()
        await soak.rest()


CALLERS: tuple[Caller, ...] = (
    calls,
    calls,
    long_articles,
    refused,
    strangers,
    hasty,
    cancelled,
    streams,
    streams,
    broken_streams,
    disconnected,
    garbage,
)


def in_a_thread(soak: Soak) -> None:
    """The synchronous client: alternating calls and streams, with one client shared by two threads."""
    with Client(soak.address, token=soak.token, timeout=_PATIENCE, retry_seconds=_PATIENCE) as client:

        def work() -> None:
            while soak.is_running:
                sent = soak.texts.article("call, threads")
                number = soak.judge.send(sent)
                try:
                    soak.judge.answer(number, client.summarize(sent.text, summaries="short"))
                except NutgrafError as error:
                    soak.judge.refuse(number, error)
                for answer in client.summarize_many(_articles(soak), summaries="short"):
                    if answer.error is not None:
                        soak.judge.refuse(int(answer.id), answer.error)
                    else:
                        assert answer.result is not None
                        soak.judge.answer(int(answer.id), answer.result)
                soak.stopping.wait(soak.chance.uniform(0, soak.pause))

        threads = [threading.Thread(target=work, name=f"soak-{number}") for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _articles(soak: Soak) -> Iterator[Article]:
    for _ in range(_STREAM_ITEMS):
        sent = soak.texts.article("stream, threads")
        yield Article(sent.text, id=str(soak.judge.send(sent)))
