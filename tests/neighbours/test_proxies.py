"""nginx and HAProxy in front of two real servers, with the configs in service/deploy."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from client.stub_server import free_port
from nutgraf import Client, InvalidArticle
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_models.loading import load_summarizer
from support.articles import ARTICLE
from support.loads import Load, article, async_streams, calls, running, streams, summary
from support.neighbours import Proxy, Upstream, running_haproxy, running_nginx
from support.replicas import Replica
from support.server import TIMEOUT, GatedEngine, Running, running_server, summarizer_with
from support.waiting import wait_until

Start = Callable[[Path, Upstream, Upstream], contextlib.AbstractContextManager[Proxy]]
SOME = 40
MEGABYTE = 1024 * 1024


@pytest.fixture(params=[running_nginx, running_haproxy], ids=["nginx", "haproxy"])
def start(request: pytest.FixtureRequest) -> Start:
    return request.param


@pytest.fixture(scope="module")
def replicas() -> Iterator[tuple[Replica, Replica]]:
    with Replica() as first, Replica() as second:
        yield first, second


@pytest.fixture
def proxy(start: Start, replicas: tuple[Replica, Replica], tmp_path: Path) -> Iterator[Proxy]:
    with start(tmp_path, *(Upstream(one.address, one.metrics_port) for one in replicas)) as proxy:
        yield proxy


@contextlib.contextmanager
def gated() -> Iterator[tuple[Running, GatedEngine, Upstream]]:
    """A server with an engine whose steps wait for `allow`."""
    engine, port = GatedEngine(), free_port()
    settings = {"metrics_port": port, "max_stream_items": 2, "drain_grace": TIMEOUT}
    with running_server(lambda: summarizer_with(engine), **settings) as server:
        try:
            yield server, engine, Upstream(server.address, port)
        finally:
            engine.open()


def nowhere() -> Upstream:
    return Upstream(f"127.0.0.1:{free_port()}", free_port())


def go_on(loads: list[Load]) -> None:
    for load in loads:
        load.more(SOME)


def summarize(stub: SummarizerServiceStub, number: int) -> None:
    """One call, without retries."""
    response = stub.Summarize(pb.SummarizeRequest(text=article("one", number)), timeout=TIMEOUT)
    assert response.summaries[0].text == summary("one", number)


def wait_until_refused(address: str) -> None:
    """Waits until nothing listens on an address."""
    host, port = address.split(":")

    def is_refused() -> bool:
        try:
            socket.create_connection((host, int(port)), TIMEOUT).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # closed at this moment
        return False

    wait_until(is_refused, seconds=TIMEOUT)


def test_calls_are_spread_over_both_servers(proxy: Proxy, replicas: tuple[Replica, Replica]) -> None:
    before = [replica.answered() for replica in replicas]
    with Client(proxy.address, tls=proxy.certificates.trust()) as client:
        assert client.check_health()
        for number in range(SOME):
            assert client.summarize(article("both", number)).short.text == summary("both", number)
    counts = [replica.answered() - count for replica, count in zip(replicas, before, strict=True)]
    assert sum(counts) == SOME
    assert min(counts) >= SOME // 4


def test_calls_and_streams_continue_while_one_server_is_killed_and_one_drained(
    proxy: Proxy, replicas: tuple[Replica, Replica], tmp_path: Path
) -> None:
    first, second = replicas
    with running(proxy.address, tmp_path, [calls, streams, async_streams], proxy.certificates.ca) as loads:
        go_on(loads)
        first.kill()
        go_on(loads)
        first.start()
        go_on(loads)
        second.drain()
        go_on(loads)
    second.start()


def test_streams_are_unlimited_and_messages_limited_only_by_the_server(proxy: Proxy) -> None:
    # The stream exceeds nginx's default limit, and one message exceeds the server's limit.
    comment = f"<!-- {'x' * (MEGABYTE // 2)} -->"
    with Client(proxy.address, tls=proxy.certificates.trust()) as client:
        limit = client.server_info().limits.max_message_bytes
        articles = [*(f"{article('long', number)} " + "x " * 50_000 for number in range(4)), "x" * limit, comment, " "]
        *short, large, unread, empty = client.summarize_many(articles, summaries="short")
    assert [one.unwrap().short.text for one in short] == [summary("long", number) for number in range(4)]
    assert isinstance(large.error, InvalidArticle)
    assert large.error.limit == limit
    assert (unread.error.reason, empty.error.reason) == ("TEXT_TOO_LONG", "EMPTY_TEXT")


def test_a_busy_server_slows_the_sender_down(start: Start, tmp_path: Path) -> None:
    count, sent = 400, 0

    def requests() -> Iterator[pb.SummarizeManyRequest]:
        nonlocal sent
        for number in range(count):
            sent += 1
            text = f"{article('slow', number)}<!-- {'x' * 190_000} -->"
            yield pb.SummarizeManyRequest(id=str(number), request=pb.SummarizeRequest(text=text))

    with gated() as (_, engine, upstream), start(tmp_path, upstream, nowhere()) as proxy, proxy.channel() as channel:
        answers = SummarizerServiceStub(channel).SummarizeMany(requests(), timeout=TIMEOUT)
        for _ in range(20):
            engine.allow()
            next(answers)
        # The stream has 76 MB in total, of which only a few are in flight.
        assert sent < 100
        answers.cancel()


def test_a_deadline_reaches_the_server(start: Start, tmp_path: Path) -> None:
    with gated() as (_, engine, upstream), start(tmp_path, upstream, nowhere()) as proxy, proxy.channel() as channel:
        call = SummarizerServiceStub(channel).Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=3)
        engine.wait_until(lambda engine: len(engine.submitted) == 2)  # including the warm-up
        with pytest.raises(grpc.RpcError) as caught:
            call.result()
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        engine.wait_until(lambda engine: engine.cancelled)


def test_a_draining_server_completes_its_call_and_gets_no_other(start: Start, tmp_path: Path) -> None:
    with (
        gated() as (server, engine, upstream),
        Replica() as other,
        start(tmp_path, upstream, Upstream(other.address, other.metrics_port)) as proxy,
        proxy.channel() as channel,
    ):
        stub = SummarizerServiceStub(channel)
        # Both servers get calls; one of them stays in the engine.
        under_way = [stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT) for _ in range(2)]
        engine.wait_until(lambda engine: len(engine.submitted) == 2)  # including the warm-up
        stopped = server.drain()
        wait_until_refused(upstream.address)
        with contextlib.suppress(grpc.RpcError):  # an open connection may still carry one more call to the server
            summarize(stub, 0)
        for number in range(SOME):
            summarize(stub, number)
        engine.open()
        assert [call.result().summaries[0].text for call in under_way]
        stopped.result(TIMEOUT)


def test_haproxy_sends_no_call_to_a_loading_server(tmp_path: Path) -> None:
    loaded, port = threading.Event(), free_port()

    def load() -> object:
        assert loaded.wait(TIMEOUT)
        return load_summarizer("lead")

    with Replica() as other, running_server(load, wait=False, metrics_port=port) as server:
        upstreams = (Upstream(server.address, port), Upstream(other.address, other.metrics_port))
        with running_haproxy(tmp_path, *upstreams) as proxy, proxy.channel() as channel:
            try:
                stub = SummarizerServiceStub(channel)
                proxy.says("nutgraf/one is DOWN")
                for number in range(SOME):
                    summarize(stub, number)
            finally:
                loaded.set()
            proxy.says("nutgraf/one is UP")
            for number in range(SOME):
                summarize(stub, number)
            assert server.metric("nutgraf_articles_total") > 0
