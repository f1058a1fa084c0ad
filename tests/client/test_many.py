"""`Client.summarize_many` over a real channel."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc import code_pb2

from client import scripts
from client.stub_server import INVALID_TIMEOUTS, StubServer, abort, answer, draining, make_status
from nutgraf import Article, Client, InvalidArticle, Overloaded, ServerError, Unauthenticated, Unavailable
from nutgraf._requests import MAX_SECONDS
from nutgraf.v1 import summarizer_pb2 as pb


def texts(count: int) -> list[str]:
    return [f"Article {number}. More." for number in range(count)]


def shorts(results: Iterator[object]) -> list[str]:
    return [found.unwrap().short.text for found in results]  # type: ignore[attr-defined]


def expected(count: int) -> list[str]:
    return [f"Article {number}." for number in range(count)]


def test_a_result_has_its_articles_index_and_id(server: StubServer, client: Client) -> None:
    items = ["One. Two.", Article("Three. Four.", title="T", id="x"), Article("Five. Six.", id="x")]
    results = list(client.summarize_many(items, summaries="short", show_doubted=True, request_id="r"))
    assert [found.index for found in results] == [0, 1, 2]
    assert [found.id for found in results] == ["", "x", "x"]
    assert results[1].article is items[1]
    assert [found.unwrap().request_id for found in results] == ["r"] * 3
    sent = server.servicer.streams[0]
    assert [request.id for request in sent] == ["0", "1", "2"]
    assert sent[1].request.title == "T"
    assert sent[1].request.show_doubted
    assert [spec.length for spec in sent[1].request.summaries] == [pb.SUMMARY_LENGTH_SHORT]
    assert not sent[1].HasField("item_timeout")


def test_the_item_timeout_arrives(server: StubServer, client: Client) -> None:
    list(client.summarize_many(texts(1), item_timeout=1.9999999999))
    list(client.summarize_many(texts(1), item_timeout=0.25))
    list(client.summarize_many(texts(1), item_timeout=1e-12))
    list(client.summarize_many(texts(1), item_timeout=MAX_SECONDS))
    assert server.servicer.streams[0][0].item_timeout.ToNanoseconds() == 2_000_000_000
    assert server.servicer.streams[1][0].item_timeout.ToMilliseconds() == 250
    assert server.servicer.streams[2][0].item_timeout.ToNanoseconds() == 1
    assert server.servicer.streams[3][0].item_timeout.ToSeconds() == MAX_SECONDS


def test_ordered_or_as_completed(server: StubServer, client: Client) -> None:
    server.servicer.many = scripts.backwards(4)
    assert [found.index for found in client.summarize_many(texts(8), max_in_flight=4)] == list(range(8))
    done = [found.index for found in client.summarize_many(texts(8), max_in_flight=4, ordered=False)]
    assert done == [3, 2, 1, 0, 7, 6, 5, 4]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("limit", [1, 4])
def test_exactly_max_in_flight_items_are_in_flight(
    server: StubServer, client: Client, ordered: bool, limit: int
) -> None:
    server.servicer.many = counting = scripts.Counting(limit)
    assert sorted(shorts(client.summarize_many(texts(12), max_in_flight=limit, ordered=ordered))) == sorted(
        expected(12)
    )
    assert counting.most_unanswered == limit


def test_a_slow_article_delays_a_limited_number_of_answers(server: StubServer, client: Client) -> None:
    """The server answers the first article only after it has received all that the client sends without that answer."""

    def script(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        first = next(requests)
        for count, request in enumerate(requests, start=1):
            yield answer(request)
            if count == 8:  # 4 times max_in_flight
                yield answer(first)

    server.servicer.many = script
    assert shorts(client.summarize_many(texts(30), max_in_flight=2)) == expected(30)


def test_an_endless_input_is_read_lazily(server: StubServer, client: Client) -> None:
    taken = itertools.count()
    results = client.summarize_many((f"Article {next(taken)}. More." for _ in itertools.count()), max_in_flight=3)
    assert shorts(itertools.islice(results, 10)) == expected(10)
    results.close()
    # With ordered results, up to 4 times 3 answers may wait for an earlier one.
    assert next(taken) <= 10 + 3 + 12
    assert server.servicer.stream_ended.acquire(timeout=30)


def test_an_empty_input(server: StubServer, client: Client) -> None:
    assert list(client.summarize_many([])) == []
    assert not server.servicer.streams


def test_the_input_is_read_in_the_calling_thread(client: Client) -> None:
    seen: set[int] = set()

    def items() -> Iterator[str]:
        for text in texts(5):
            seen.add(threading.get_ident())
            yield text

    assert len(list(client.summarize_many(items()))) == 5
    assert seen == {threading.get_ident()}


def test_one_bad_article_does_not_end_the_stream(server: StubServer, client: Client) -> None:
    server.servicer.many = scripts.picky
    results = list(client.summarize_many(["One. Two.", "bad", "half \ud83d", Article("x", id="\ud83d"), "Last. One."]))
    assert [type(found.error) for found in results] == [
        type(None),
        InvalidArticle,
        InvalidArticle,
        InvalidArticle,
        type(None),
    ]
    assert results[1].error is not None
    assert results[1].error.reason == "EMPTY_TEXT"
    assert results[1].error.request_id == "from-server"
    with pytest.raises(InvalidArticle):
        results[1].unwrap()


def test_no_stream_if_the_client_refuses_every_article(server: StubServer, client: Client) -> None:
    assert [type(found.error) for found in client.summarize_many(["\ud83d"] * 3)] == [InvalidArticle] * 3
    assert not server.servicer.streams


def test_an_item_of_another_type(client: Client) -> None:
    with pytest.raises(TypeError, match=r"str or a nutgraf\.Article"):
        list(client.summarize_many([1]))  # type: ignore[list-item]


def test_invalid_arguments_are_refused_at_the_call(client: Client) -> None:
    for wrong in ({"max_in_flight": 0}, {"summaries": "medium"}):
        with pytest.raises(ValueError, match=r".+"):
            client.summarize_many([], **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", INVALID_TIMEOUTS)
def test_an_invalid_item_timeout(client: Client, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"item_timeout must be greater than 0 and at most 31536000 seconds"):
        client.summarize_many([], item_timeout=seconds)


def test_an_error_of_the_input_is_raised(server: StubServer, client: Client) -> None:
    def items() -> Iterator[str]:
        yield "One. Two."
        assert server.servicer.stream_started.acquire(timeout=30)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(client.summarize_many(items()))
    assert server.servicer.stream_ended.acquire(timeout=30)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_draining_server_neither_loses_nor_repeats_items(server: StubServer, client: Client, ordered: bool) -> None:
    server.servicer.many = scripts.dying(after=5)
    assert sorted(shorts(client.summarize_many(texts(17), max_in_flight=4, ordered=ordered))) == sorted(expected(17))
    # Each stream answers 5 items. Answered items are not sent again; the others are, exactly once in the next stream.
    assert len(server.servicer.streams) == 4
    for before, after in itertools.pairwise(server.servicer.streams):
        answered = {request.id for request in before[:5]}
        assert not answered & {request.id for request in after}
        assert {request.id for request in before[5:]} <= {request.id for request in after}
    for stream in server.servicer.streams:
        assert len({request.id for request in stream}) == len(stream)


def test_a_stream_that_ends_early(server: StubServer, client: Client) -> None:
    server.servicer.many = scripts.ending(after=3)
    assert shorts(client.summarize_many(texts(10))) == expected(10)


def test_items_refused_with_unavailable_are_sent_again(server: StubServer, client: Client) -> None:
    server.servicer.many = scripts.refusing(every=3)
    assert shorts(client.summarize_many(texts(10), max_in_flight=4)) == expected(10)


def test_a_stream_survives_a_killed_server(server: StubServer, client: Client) -> None:
    results = client.summarize_many(texts(30), max_in_flight=4)
    first = shorts(itertools.islice(results, 5))
    server.stop()
    server.start()
    assert first + shorts(results) == expected(30)


def test_a_server_killed_before_its_first_answer(server: StubServer, client: Client) -> None:
    started, killed = threading.Event(), threading.Event()

    def script(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        for request in requests:
            started.set()
            killed.wait(30)
            yield answer(request)

    server.servicer.many = script
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: shorts(client.summarize_many(texts(3))))
        assert started.wait(30)
        server.stop()
        killed.set()
        server.start()
        assert waiting.result(60) == expected(3)


def test_a_silent_stream_is_replaced(server: StubServer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.summarize(texts(1)[0])  # so that the client has reached the server
    monkeypatch.setattr("nutgraf._sync_many.HEADERS_SECONDS", 0.2)
    server.servicer.silent_streams = 2
    assert shorts(client.summarize_many(texts(10))) == expected(10)
    assert server.servicer.silent_streams == 0


def test_a_server_whose_streams_are_all_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nutgraf._sync_many.HEADERS_SECONDS", 0.2)
    server = StubServer(with_health=False).start()
    server.servicer.silent_streams = 100
    try:
        with Client(server.address, retry_seconds=0.5) as client, pytest.raises(Unavailable):
            list(client.summarize_many(texts(3)))
    finally:
        server.stop()


def test_a_server_that_does_not_come_back_is_given_up(server: StubServer) -> None:
    with Client(server.address, retry_seconds=0.5) as client:
        results = client.summarize_many(itertools.cycle(texts(1)))
        next(results)
        server.stop()
        with pytest.raises(Unavailable):
            list(results)


def test_a_server_that_keeps_draining_is_given_up(server: StubServer) -> None:
    server.servicer.many = scripts.dying(after=0)
    with Client(server.address, retry_seconds=0.5) as client, pytest.raises(Unavailable, match="shutting down"):
        list(client.summarize_many(texts(3)))


def test_a_permanent_error_is_not_retried(server: StubServer, client: Client) -> None:
    def script(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        abort(context, make_status(code_pb2.UNAUTHENTICATED, "no token"))
        yield answer(next(requests))

    server.servicer.many = script
    with pytest.raises(Unauthenticated):
        list(client.summarize_many(texts(3)))
    assert len(server.servicer.streams) == 1


@pytest.mark.parametrize("code", [code_pb2.RESOURCE_EXHAUSTED, code_pb2.UNAVAILABLE])
def test_a_proxy_that_refuses_a_stream_three_times(server: StubServer, client: Client, code: int) -> None:
    server.servicer.many = scripts.failing(make_status(code, "rate limit"), times=3)
    assert shorts(client.summarize_many(texts(5))) == expected(5)
    assert len(server.servicer.streams) == 4


def test_a_proxy_that_refuses_every_stream(server: StubServer) -> None:
    server.servicer.many = scripts.failing(make_status(code_pb2.RESOURCE_EXHAUSTED, "rate limit"))
    with Client(server.address, retry_seconds=0.2) as client, pytest.raises(Overloaded, match="rate limit"):
        list(client.summarize_many(texts(5)))


def test_a_refused_stream_raises_instead_of_failing_each_article(server: StubServer, client: Client) -> None:
    server.servicer.many = scripts.failing(make_status(code_pb2.INVALID_ARGUMENT, "no streams here"))
    with pytest.raises(InvalidArticle, match="no streams here"):
        list(client.summarize_many(texts(5)))
    assert len(server.servicer.streams) == 1


def test_an_oversize_article_is_identified_by_its_size(server: StubServer, client: Client) -> None:
    items = ["x" * 3000, "y" * 2000, "z" * 1000]
    request = pb.SummarizeManyRequest(id="1", request=pb.SummarizeRequest(text=items[1]))
    message = f"SERVER: Received message larger than max ({request.ByteSize()} vs. 1000)"
    refusals = iter([make_status(code_pb2.RESOURCE_EXHAUSTED, message)])

    def refusing(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        if status := next(refusals, None):
            for number, _ in enumerate(requests):
                if number == 1:  # refuse only after the client has sent it
                    abort(context, status)
        for request in requests:
            yield answer(request)

    server.servicer.many = refusing
    assert [found.index for found in client.summarize_many(items) if found.error] == [1]


def test_oversize_articles_fail_alone() -> None:
    server = StubServer(max_message_bytes=1000).start()
    try:
        with Client(server.address) as client:
            items = texts(6)
            items[2] = "x" * 3000
            items[4] = "y" * 2000
            results = list(client.summarize_many(items))
    finally:
        server.stop()
    assert [found.index for found in results if found.error] == [2, 4]
    assert "too large" in str(results[2].error)
    assert [found.unwrap().short.text for found in results if found.result] == [  # type: ignore[union-attr]
        f"Article {n}." for n in (0, 1, 3, 5)
    ]


def test_unexpected_answers_are_ignored(server: StubServer, client: Client) -> None:
    def script(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        for request in requests:
            yield pb.SummarizeManyResponse(id="77")
            yield pb.SummarizeManyResponse(id="what?")
            yield answer(request)
            yield answer(request)

    server.servicer.many = script
    assert shorts(client.summarize_many(texts(5))) == expected(5)


def test_an_answer_without_a_result(server: StubServer, client: Client) -> None:
    server.servicer.many = lambda requests, context: (pb.SummarizeManyResponse(id=request.id) for request in requests)
    assert [type(found.error) for found in client.summarize_many(texts(2))] == [ServerError] * 2


def client_threads() -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread.name == "nutgraf-many" or "consume_request_iterator" in thread.name
    ]


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_leaving_the_loop_cancels_the_stream_and_ends_its_threads(
    server: StubServer, client: Client, taken: int
) -> None:
    results = client.summarize_many(itertools.cycle(texts(1)))
    for _ in itertools.islice(results, taken):
        pass
    del results
    if taken:
        assert server.servicer.stream_ended.acquire(timeout=30)
    for thread in client_threads():
        thread.join(30)
    assert not client_threads()


# A thread of gRPC that the exit has stopped may hold the lock that a call takes when it is freed.
_EXIT = """
import atexit, gc, sys
gc.disable()
atexit.register(lambda: print(sum(type(one).__name__ == "_MultiThreadedRendezvous" for one in gc.get_objects())))
from nutgraf import Client
client = Client(sys.argv[1])
results = client.summarize_many(["One. Two."] * 5)
{leave}
"""


@pytest.mark.parametrize(
    "leave",
    ["next(results)", "results.close()", "list(results)", "client.close()", "for result in results: raise ValueError"],
)
def test_no_call_is_left_when_the_interpreter_exits(server: StubServer, leave: str) -> None:
    script = _EXIT.replace("{leave}", f"next(results)\n{leave}")
    done = subprocess.run(
        [sys.executable, "-c", script, server.address], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "0\n"
    assert done.returncode == (1 if "raise" in leave else 0), done.stderr


def test_threads_can_run_streams_of_the_same_client(client: Client) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: shorts(client.summarize_many(texts(20))), range(6)))
    assert found == [expected(20)] * 6


def test_threads_can_mix_streams_and_calls_of_the_same_client(client: Client) -> None:
    start = threading.Barrier(8)

    def use(thread: int) -> list[str]:
        own = [f"Article {thread} of {number}. More." for number in range(30)]
        start.wait(30)
        if thread % 2:
            return shorts(client.summarize_many(own, max_in_flight=4))
        return [client.summarize(text).short.text for text in own]  # type: ignore[union-attr]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(8)))
    assert found == [[f"Article {thread} of {number}." for number in range(30)] for thread in range(8)]


def test_close_ends_a_stream_in_another_thread(server: StubServer, client: Client) -> None:
    release = threading.Event()

    def script(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        yield answer(next(requests))
        release.wait(30)
        abort(context, draining())

    server.servicer.many = script
    results = client.summarize_many(texts(2))
    next(results)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, results)
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            waiting.result(30)
        release.set()
