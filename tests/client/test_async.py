"""`AsyncClient` over a real channel."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import random
import threading
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
from google.rpc import code_pb2

from client import scripts
from client.stub_server import (
    INVALID_TIMEOUTS,
    NOT_SERVING,
    StubServer,
    abort,
    answer,
    draining,
    free_port,
    lead,
    make_status,
)
from nutgraf import AsyncClient, DeadlineExceeded, InvalidArticle, ManyResult, Overloaded, Unauthenticated, Unavailable
from nutgraf._async_stream import Arrived, Stream
from nutgraf._outage import Link
from nutgraf._requests import MAX_SECONDS
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1 import summarizer_pb2_grpc as pb_grpc
from support.waiting import wait_in_loop_until

TEXT = "Rain fell on Lund. It was wet."


@pytest.fixture
async def client(server: StubServer) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.address, timeout=30.0) as client:
        yield client


def texts(count: int) -> list[str]:
    return [f"Article {number}. More." for number in range(count)]


def expected(count: int) -> list[str]:
    return [f"Article {number}." for number in range(count)]


async def shorts(results: AsyncIterator[ManyResult]) -> list[str]:
    return [found.unwrap().short.text async for found in results]  # type: ignore[union-attr]


def stream_tasks() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if task.get_name().startswith("nutgraf-many")}


async def test_summarize(server: StubServer, client: AsyncClient) -> None:
    result = await client.summarize(TEXT, title="Rain", summaries="short", request_id="r1")
    assert result.short is not None
    assert result.short.text == "Rain fell on Lund."
    assert result.request_id == "r1"
    assert server.servicer.requests[0].title == "Rain"


async def test_concurrent_calls(client: AsyncClient) -> None:
    results = await asyncio.gather(*(client.summarize(text, summaries="short") for text in texts(30)))
    assert [result.summaries[0].text for result in results] == expected(30)


async def test_arguments_are_validated_before_a_call(server: StubServer, client: AsyncClient) -> None:
    with pytest.raises(InvalidArticle, match="surrogate"):
        await client.summarize("\ud83d")
    with pytest.raises(TypeError):
        await client.summarize(b"x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="medium"):
        client.summarize_many([], summaries="medium")
    assert not server.servicer.metadata


async def test_an_error_has_its_details(server: StubServer, client: AsyncClient) -> None:
    status = make_status(code_pb2.RESOURCE_EXHAUSTED, "full", reason="QUEUE_FULL", retry_after=1.5)
    server.servicer.unary = lambda request, context: abort(context, status)  # type: ignore[assignment, return-value]
    with pytest.raises(Overloaded) as caught:
        await client.summarize(TEXT)
    assert caught.value.retry_after == 1.5
    assert caught.value.request_id == "from-server"


async def test_the_deadline_ends_a_call(server: StubServer, client: AsyncClient) -> None:
    release = threading.Event()
    server.servicer.unary = lambda request, context: (release.wait(30), lead(request))[1]
    with pytest.raises(DeadlineExceeded):
        await client.summarize(TEXT, timeout=0.2)
    release.set()


@pytest.mark.parametrize("seconds", INVALID_TIMEOUTS)
async def test_an_invalid_timeout(server: StubServer, client: AsyncClient, seconds: float) -> None:
    for call in (client.server_info, client.check_health):
        with pytest.raises(ValueError, match="timeout must be greater than 0 and at most"):
            await call(timeout=seconds)
    with pytest.raises(ValueError, match="timeout must be greater than 0 and at most"):
        await client.summarize(TEXT, timeout=seconds)
    with pytest.raises(ValueError, match="timeout must be greater than 0 and at most"):
        AsyncClient(server.address, timeout=seconds)
    with pytest.raises(ValueError, match="item_timeout must be greater than 0 and at most"):
        client.summarize_many([TEXT], item_timeout=seconds)


async def test_the_longest_timeout(client: AsyncClient) -> None:
    assert (await client.summarize(TEXT, timeout=MAX_SECONDS)).model == "stub"
    assert await shorts(client.summarize_many(texts(2), item_timeout=MAX_SECONDS)) == expected(2)


async def test_cancelling_a_call_cancels_it_on_the_server(server: StubServer, client: AsyncClient) -> None:
    arrived, cancelled = threading.Event(), threading.Event()

    def slow(request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        context.add_callback(cancelled.set)
        arrived.set()
        cancelled.wait(30)
        return lead(request)

    server.servicer.unary = slow
    task = asyncio.create_task(client.summarize(TEXT))
    assert await asyncio.to_thread(arrived.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(cancelled.wait, 30)


async def test_no_server() -> None:
    async with AsyncClient(f"dns:///localhost:{free_port()}") as client:
        with pytest.raises(Unavailable, match="no server answers at dns:///localhost"):
            await client.summarize(TEXT)
        with pytest.raises(Unavailable):
            await client.check_health()
        with pytest.raises(Unavailable):
            await shorts(client.summarize_many([TEXT]))


async def test_a_call_survives_a_restart(server: StubServer, client: AsyncClient) -> None:
    await client.summarize(TEXT)
    server.stop()
    waiting = asyncio.create_task(client.summarize(TEXT))
    await asyncio.sleep(0)
    server.start()
    assert (await waiting).model == "stub"


async def test_a_refusal_shows_that_the_server_was_reached(server: StubServer, client: AsyncClient) -> None:
    refusal = make_status(code_pb2.INVALID_ARGUMENT, "the text is empty", reason="EMPTY_TEXT")
    server.servicer.unary = lambda request, context: abort(context, refusal)  # type: ignore[assignment, return-value]
    with pytest.raises(InvalidArticle):
        await client.summarize(TEXT)
    assert client._connection.link.reached


async def test_info_and_health(server: StubServer, client: AsyncClient) -> None:
    assert (await client.server_info()).model == "stub"
    assert await client.check_health()
    server.set_health(NOT_SERVING)
    assert not await client.check_health()
    assert (await client.server_info()).model == "stub"


async def test_a_server_that_is_not_ready(server: StubServer) -> None:
    server.set_health(NOT_SERVING)
    async with AsyncClient(server.address, retry_seconds=0) as client:
        with pytest.raises(Unavailable, match="not ready"):
            await client.summarize(TEXT)


async def test_a_closed_client_raises(server: StubServer) -> None:
    client = AsyncClient(server.address)
    await client.summarize(TEXT)
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.summarize(TEXT)


async def test_close_ends_running_calls(server: StubServer, client: AsyncClient) -> None:
    arrived, release = threading.Semaphore(0), threading.Event()

    def slow(request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        arrived.release()
        release.wait(30)
        return lead(request)

    def stuck(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        arrived.release()
        release.wait(30)
        yield answer(next(requests))

    server.servicer.unary, server.servicer.many = slow, stuck
    tasks = [asyncio.create_task(client.summarize(TEXT)), asyncio.create_task(shorts(client.summarize_many([TEXT])))]
    for _ in tasks:
        assert await asyncio.to_thread(arrived.acquire, timeout=30)
    await client.close()
    for task in tasks:
        with pytest.raises(RuntimeError, match="closed"):
            await task
    release.set()


def test_a_client_belongs_to_one_event_loop(server: StubServer) -> None:
    client = AsyncClient(server.address)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(client.summarize(TEXT))
        with pytest.raises(RuntimeError, match="event loop"):
            second.run(client.summarize(TEXT))
        first.run(client.close())


@pytest.mark.parametrize("ordered", [True, False])
async def test_ordered_or_as_completed(server: StubServer, client: AsyncClient, ordered: bool) -> None:
    server.servicer.many = scripts.backwards(4)
    results = client.summarize_many(texts(8), max_in_flight=4, ordered=ordered)
    indices = [found.index async for found in results]
    assert indices == (list(range(8)) if ordered else [3, 2, 1, 0, 7, 6, 5, 4])


async def test_exactly_max_in_flight_items_are_in_flight(server: StubServer, client: AsyncClient) -> None:
    server.servicer.many = counting = scripts.Counting(3)
    assert await shorts(client.summarize_many(texts(12), max_in_flight=3)) == expected(12)
    assert counting.most_unanswered == 3


async def test_an_answer_arrives_while_the_async_input_waits(client: AsyncClient) -> None:
    more = asyncio.Event()

    async def feed() -> AsyncIterator[str]:
        yield "Article 0. More."
        await more.wait()  # until the first answer is out
        yield "Article 1. More."

    found = []
    async for result in client.summarize_many(feed()):
        found.append(result.unwrap().summaries[0].text)
        more.set()
    assert found == expected(2)


async def test_one_bad_article_does_not_end_the_stream(server: StubServer, client: AsyncClient) -> None:
    server.servicer.many = scripts.picky
    results = [found async for found in client.summarize_many(["One. Two.", "bad", "\ud83d", "Last. One."])]
    assert [type(found.error) for found in results] == [type(None), InvalidArticle, InvalidArticle, type(None)]


async def test_an_error_of_the_input_is_raised(client: AsyncClient) -> None:
    async def feed() -> AsyncIterator[str]:
        yield "One. Two."
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await shorts(client.summarize_many(feed()))
    await wait_in_loop_until(lambda: not stream_tasks())


async def test_an_empty_input(client: AsyncClient) -> None:
    assert await shorts(client.summarize_many([])) == []
    assert await shorts(client.summarize_many(["\ud83d"][:0])) == []


async def test_a_draining_server_neither_loses_nor_repeats_items(server: StubServer, client: AsyncClient) -> None:
    server.servicer.many = scripts.dying(after=5)
    assert await shorts(client.summarize_many(texts(17), max_in_flight=4)) == expected(17)
    for before, after in itertools.pairwise(server.servicer.streams):
        answered = {request.id for request in before[:5]}
        assert not answered & {request.id for request in after}
        assert {request.id for request in before[5:]} <= {request.id for request in after}


async def test_items_refused_with_unavailable_are_sent_again(server: StubServer, client: AsyncClient) -> None:
    server.servicer.many = scripts.refusing(every=3)
    assert await shorts(client.summarize_many(texts(10), max_in_flight=4)) == expected(10)


async def test_a_stream_survives_a_killed_server(server: StubServer, client: AsyncClient) -> None:
    found = []
    async for result in client.summarize_many(texts(30), max_in_flight=4):
        found.append(result.unwrap().summaries[0].text)
        if len(found) == 5:
            await asyncio.to_thread(server.stop)
            server.start()
    assert found == expected(30)


async def test_a_silent_stream_is_replaced(
    server: StubServer, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.summarize(texts(1)[0])  # so that the client has reached the server
    monkeypatch.setattr("nutgraf._async_stream.HEADERS_SECONDS", 0.2)
    server.servicer.silent_streams = 2
    assert await shorts(client.summarize_many(texts(10))) == expected(10)
    assert server.servicer.silent_streams == 0


async def test_a_server_that_keeps_draining_is_given_up(server: StubServer) -> None:
    server.servicer.many = scripts.dying(after=0)
    async with AsyncClient(server.address, retry_seconds=0.5) as client:
        with pytest.raises(Unavailable):
            await shorts(client.summarize_many(itertools.cycle(texts(1))))


async def test_a_proxy_that_refuses_a_stream_three_times(server: StubServer, client: AsyncClient) -> None:
    server.servicer.many = scripts.failing(make_status(code_pb2.RESOURCE_EXHAUSTED, "rate limit"), times=3)
    assert await shorts(client.summarize_many(texts(5))) == expected(5)


async def test_a_proxy_that_refuses_every_stream(server: StubServer) -> None:
    server.servicer.many = scripts.failing(make_status(code_pb2.RESOURCE_EXHAUSTED, "rate limit"))
    async with AsyncClient(server.address, retry_seconds=0.2) as client:
        with pytest.raises(Overloaded, match="rate limit"):
            await shorts(client.summarize_many(texts(1)))


async def test_a_lost_status_is_learned_from_another_stream(
    server: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = iter([True])  # for the first stream: as if grpc.aio had replaced the status
    monkeypatch.setattr("nutgraf._async_many.is_made_up", lambda error: next(statuses, False))
    server.servicer.many = scripts.failing(make_status(code_pb2.RESOURCE_EXHAUSTED, "rate limit"))
    async with AsyncClient(server.address, retry_seconds=0) as client:
        with pytest.raises(Overloaded, match="rate limit"):
            await shorts(client.summarize_many(texts(1)))


async def test_a_refused_stream_raises_instead_of_failing_each_article(server: StubServer, client: AsyncClient) -> None:
    server.servicer.many = scripts.failing(make_status(code_pb2.INVALID_ARGUMENT, "no streams here"))
    with pytest.raises(InvalidArticle, match="no streams here"):
        await shorts(client.summarize_many(texts(1)))


async def test_an_oversize_article_fails_alone() -> None:
    server = StubServer(max_message_bytes=1000).start()
    try:
        async with AsyncClient(server.address) as client:
            items = texts(4)
            items[1] = "x" * 3000
            failed = [found.index async for found in client.summarize_many(items) if found.error]
    finally:
        server.stop()
    assert failed == [1]


async def test_leaving_the_loop_cancels_the_stream_and_ends_its_tasks(server: StubServer, client: AsyncClient) -> None:
    async for _ in client.summarize_many(itertools.cycle(texts(1))):
        break
    await wait_in_loop_until(lambda: not stream_tasks())
    assert await asyncio.to_thread(server.servicer.stream_ended.acquire, timeout=30)


async def test_aclosing_ends_the_tasks_at_once(server: StubServer, client: AsyncClient) -> None:
    async with contextlib.aclosing(client.summarize_many(itertools.cycle(texts(1)))) as results:
        await anext(results)
    assert not stream_tasks()


async def test_cancelling_the_consumer_cancels_the_stream(server: StubServer, client: AsyncClient) -> None:
    def stuck(requests: scripts.Requests, context: grpc.ServicerContext) -> Iterator[pb.SummarizeManyResponse]:
        for request in requests:
            if request.id == "1":
                return (yield from wait_for_end(context))
            yield answer(request)

    def wait_for_end(context: grpc.ServicerContext) -> Iterator[pb.SummarizeManyResponse]:
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(30)
        abort(context, draining())
        yield pb.SummarizeManyResponse()

    server.servicer.many = stuck
    first = asyncio.Event()

    async def consume() -> None:
        async for _ in client.summarize_many(texts(3)):
            first.set()

    task = asyncio.create_task(consume())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_in_loop_until(lambda: not stream_tasks())
    assert await asyncio.to_thread(server.servicer.stream_ended.acquire, timeout=30)


async def test_the_status_of_a_refused_stream_is_never_lost(server: StubServer, client: AsyncClient) -> None:
    """While grpc.aio is sending, it replaces the server's status with its own; see `_async_stream`."""

    def refuse(requests: scripts.Requests, context: grpc.ServicerContext) -> Iterator[pb.SummarizeManyResponse]:
        abort(context, make_status(code_pb2.UNAUTHENTICATED, "no token"))
        yield answer(next(requests))

    server.servicer.many = refuse
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            await shorts(client.summarize_many(["x" * 50_000] * 16))


async def test_a_careful_stream_sends_one_item_at_a_time(server: StubServer, client: AsyncClient) -> None:
    most: list[int] = []

    def script(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        reader = scripts.Reader(requests)
        for count in range(1, 5):
            reader.wait_for(count)
            most.append(reader.received - count + 1)
            yield answer(reader.next())

    server.servicer.many = script
    link, inbox = Link(server.address), asyncio.Queue[object]()
    requests = [pb.SummarizeManyRequest(id=str(n), request=pb.SummarizeRequest(text="One. Two.")) for n in range(4)]
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = pb_grpc.SummarizerServiceStub(channel)
        stream = Stream(stub.SummarizeMany, requests, link, inbox, careful=True)
        stream.no_more()
        arrived = [await inbox.get() for _ in range(4)]
        await stream.goodbye()
        await stream.close()
    assert [event.response.id for event in arrived if isinstance(event, Arrived)] == ["0", "1", "2", "3"]
    assert most == [1, 1, 1, 1]


async def test_cancelling_at_any_moment_leaves_no_tasks_and_a_usable_client(client: AsyncClient) -> None:
    complaints: list[dict[str, object]] = []

    def record(_: object, context: dict[str, object]) -> None:
        # All loops share gRPC's poller, so this loop may receive an event of another test's closed loop.
        if str(context.get("exception")) != "Event loop is closed":
            complaints.append(context)

    asyncio.get_running_loop().set_exception_handler(record)
    rng = random.Random(1912)
    before = asyncio.all_tasks()

    async def one(number: int) -> None:
        result = await client.summarize(f"Article {number}. More.")
        assert result.short is not None
        assert result.short.text == f"Article {number}."

    async def several() -> None:
        assert await shorts(client.summarize_many(texts(20), max_in_flight=4)) == expected(20)

    endings = set()
    for number in range(60):
        kept = [asyncio.create_task(work) for work in (one(number), several())]
        doomed = [asyncio.create_task(work) for work in (one(number), several(), several())]
        for task in doomed:
            await asyncio.sleep(rng.choice((0, 0, 0.001, 0.003)))
            task.cancel()
        for ended in await asyncio.gather(*doomed, return_exceptions=True):
            assert ended is None or isinstance(ended, asyncio.CancelledError)
            endings.add(type(ended))
        await asyncio.gather(*kept)
    assert asyncio.CancelledError in endings
    await wait_in_loop_until(lambda: not stream_tasks())
    await one(0)
    await several()
    await client.close()
    await wait_in_loop_until(lambda: asyncio.all_tasks() == before)
    # A dropped task reports its error when it is collected.
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
