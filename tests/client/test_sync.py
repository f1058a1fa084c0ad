"""`Client` over a real channel: single calls."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc import code_pb2

from client.stub_server import (
    INVALID_TIMEOUTS,
    NOT_SERVING,
    SERVING,
    StubServer,
    abort,
    draining,
    free_port,
    lead,
    make_status,
)
from nutgraf import Client, DeadlineExceeded, InvalidArticle, Length, ServerState, Spec, Unavailable
from nutgraf._requests import MAX_SECONDS
from nutgraf.v1 import summarizer_pb2 as pb

TEXT = "Rain fell on Lund. It was wet."


def test_both_lengths_are_the_default(server: StubServer, client: Client) -> None:
    result = client.summarize(TEXT, title="Rain")
    assert result.short is not None
    assert result.short.text == "Rain fell on Lund."
    assert result.long is not None
    assert result.model == "stub"
    assert server.servicer.requests[0].title == "Rain"
    assert not server.servicer.requests[0].summaries


@pytest.mark.parametrize("wanted", ["short", Length.SHORT, ["short"], Spec("short"), [Spec(Length.SHORT)]])
def test_one_length_in_every_form(server: StubServer, client: Client, wanted: object) -> None:
    result = client.summarize(TEXT, summaries=wanted)  # type: ignore[arg-type]
    assert [summary.length for summary in result.summaries] == [Length.SHORT]
    assert result.long is None


def test_caps_and_show_doubted_arrive(server: StubServer, client: Client) -> None:
    client.summarize(TEXT, summaries=[Spec("long", max_sentences=2, max_words=40)], show_doubted=True)
    request = server.servicer.requests[0]
    assert request.show_doubted
    assert request.summaries[0].max_sentences == 2
    assert request.summaries[0].max_words == 40


def test_the_request_id_is_sent_and_returned(server: StubServer, client: Client) -> None:
    assert client.summarize(TEXT, request_id="abc-1").request_id == "abc-1"
    assert client.summarize(TEXT).request_id == "from-server"
    assert server.servicer.metadata[0]["user-agent"].startswith("nutgraf-python/")


def test_an_invalid_request_id(client: Client) -> None:
    with pytest.raises(ValueError, match="request_id"):
        client.summarize(TEXT, request_id="a\nb")


def test_the_token_is_sent_as_a_bearer_token(server: StubServer) -> None:
    with Client(server.address, token=" secret\n") as client:
        client.summarize(TEXT)
        client.server_info()
    assert [metadata["authorization"] for metadata in server.servicer.metadata] == ["Bearer secret"] * 2
    assert "secret" not in repr(client._connection.endpoint)


def test_an_invalid_token_is_refused_but_not_printed() -> None:
    with pytest.raises(ValueError, match="token") as caught:
        Client("localhost", token="sec ret")
    assert "sec ret" not in str(caught.value)


@pytest.mark.parametrize("field", ["text", "title"])
def test_a_lone_surrogate_is_refused_before_the_call(server: StubServer, client: Client, field: str) -> None:
    arguments = {"text": TEXT, field: "half \ud83d of"}
    with pytest.raises(InvalidArticle, match=r"U\+D83D.*position 5") as caught:
        client.summarize(**arguments)
    assert caught.value.details[0][0] == field
    assert not server.servicer.metadata


def test_arguments_of_another_type_raise_type_error(client: Client) -> None:
    with pytest.raises(TypeError, match="text must be a str, not bytes"):
        client.summarize(b"bytes")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        client.summarize(TEXT, summaries=[1])  # type: ignore[list-item]


@pytest.mark.parametrize("wanted", ["medium", "unknown", [], [Spec("short", max_words=2**40)]])
def test_invalid_summaries_raise_value_error(client: Client, wanted: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        client.summarize(TEXT, summaries=wanted)  # type: ignore[arg-type]


def test_the_deadline_ends_the_call(server: StubServer, client: Client) -> None:
    release = threading.Event()

    def slow(request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        release.wait(30)
        return lead(request)

    server.servicer.unary = slow
    try:
        with pytest.raises(DeadlineExceeded, match=server.address):
            client.summarize(TEXT, timeout=0.2)
    finally:
        release.set()


def test_every_call_has_a_deadline(server: StubServer) -> None:
    left: list[float] = []

    def look(request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        left.append(context.time_remaining())
        return lead(request)

    server.servicer.unary = look
    with Client(server.address) as client:
        client.summarize(TEXT)
    assert 50 < left[0] <= 60


@pytest.mark.parametrize("timeout", INVALID_TIMEOUTS)
def test_an_invalid_timeout(server: StubServer, client: Client, timeout: float) -> None:
    for call in (
        lambda: client.summarize(TEXT, timeout=timeout),
        lambda: client.check(TEXT, TEXT, timeout=timeout),
        lambda: client.server_info(timeout=timeout),
        lambda: client.check_health(timeout=timeout),
        lambda: Client(server.address, timeout=timeout),
    ):
        with pytest.raises(ValueError, match="timeout must be greater than 0 and at most 31536000 seconds, not"):
            call()
    assert not server.servicer.metadata


def test_the_longest_timeout(server: StubServer) -> None:
    with Client(server.address, timeout=MAX_SECONDS) as client:
        assert client.summarize(TEXT).model == "stub"
        assert client.check_health()


@pytest.mark.parametrize("prefix", ["", "dns:///"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_without_a_server_a_call_fails_clearly_and_soon(prefix: str, host: str) -> None:
    target = f"{prefix}{host}:{free_port()}"
    start = time.monotonic()
    with Client(target) as client, pytest.raises(Unavailable, match=r"no server answers at .*nutgraf serve") as caught:
        client.summarize(TEXT)
    assert target in str(caught.value)
    assert time.monotonic() - start < 20  # usually 2 s; the call's timeout is 60 s


def test_an_unknown_host() -> None:
    with Client("no-such-host.invalid") as client, pytest.raises(Unavailable, match="no-such-host"):
        client.summarize(TEXT)


def test_no_server_for_the_other_calls() -> None:
    with Client(f"127.0.0.1:{free_port()}") as client:
        with pytest.raises(Unavailable):
            client.server_info()
        with pytest.raises(Unavailable):
            client.check_health()
        with pytest.raises(Unavailable):
            list(client.summarize_many([TEXT]))


def test_a_call_survives_a_restart(server: StubServer, client: Client) -> None:
    client.summarize(TEXT)
    server.stop()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.summarize, TEXT)
        server.start()
        assert waiting.result(60).model == "stub"


def test_a_refusal_shows_that_the_server_was_reached(server: StubServer, client: Client) -> None:
    refusal = make_status(code_pb2.INVALID_ARGUMENT, "the text is empty", reason="EMPTY_TEXT")
    server.servicer.unary = lambda request, context: abort(context, refusal)  # type: ignore[assignment, return-value]
    with pytest.raises(InvalidArticle):
        client.summarize(TEXT)
    assert client._connection.link.reached


def test_a_server_that_does_not_come_back_is_given_up(server: StubServer) -> None:
    with Client(server.address, retry_seconds=0.5) as client:
        client.summarize(TEXT)
        server.stop()
        with pytest.raises(Unavailable, match="no server answers"):
            client.summarize(TEXT)


def test_a_call_waits_for_a_loading_server(server: StubServer, client: Client) -> None:
    refusals = iter([make_status(code_pb2.UNAVAILABLE, "loading", reason="LOADING", retry_after=0.01)] * 6)

    def loading(request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        if (status := next(refusals, None)) is not None:
            abort(context, status)
        return lead(request)

    server.servicer.unary = loading
    assert client.summarize(TEXT).model == "stub"
    assert len(server.servicer.requests) == 7


def test_the_error_distinguishes_a_server_that_is_not_ready(server: StubServer, impatient: Client) -> None:
    server.set_health(NOT_SERVING)
    with pytest.raises(Unavailable, match="not ready"):
        impatient.summarize(TEXT)
    assert not server.servicer.requests  # round_robin skips it


def test_a_call_waits_until_the_server_is_ready(server: StubServer, client: Client) -> None:
    server.set_health(NOT_SERVING)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.summarize, TEXT)
        server.set_health(SERVING)
        assert waiting.result(60).model == "stub"


def test_a_server_without_the_health_service() -> None:
    server = StubServer(with_health=False).start()
    try:
        with Client(server.address) as client:
            assert client.summarize(TEXT).model == "stub"
            assert [found.result is not None for found in client.summarize_many([TEXT])] == [True]
    finally:
        server.stop()


def test_replicas_share_the_calls_except_a_loading_one(server: StubServer) -> None:
    second, loading = StubServer().start(), StubServer()
    loading.set_health(NOT_SERVING)
    loading.start()
    try:
        addresses = ",".join(replica.address for replica in (server, second, loading))
        with Client(f"ipv4:{addresses}") as client:
            # The first calls go to the replica that is connected first.
            while not (server.servicer.requests and second.servicer.requests):
                client.summarize(TEXT)
            before = len(server.servicer.requests), len(second.servicer.requests)
            for _ in range(10):
                client.summarize(TEXT)
        assert len(server.servicer.requests) - before[0] == 5
        assert len(second.servicer.requests) - before[1] == 5
        assert not loading.servicer.requests
    finally:
        second.stop()
        loading.stop()


def test_server_info_answers_while_loading(server: StubServer, client: Client) -> None:
    server.set_health(NOT_SERVING)
    server.servicer.info = pb.GetServerInfoResponse(state=pb.SERVER_STATE_LOADING, model="m", languages=["en", "de"])
    server.servicer.info.limits.max_text_characters = 5
    server.servicer.info.limits.default_item_timeout.FromMilliseconds(2500)
    info = client.server_info()
    assert info.state is ServerState.LOADING
    assert info.languages == ("en", "de")
    assert info.limits.max_text_characters == 5
    assert info.limits.default_item_timeout_seconds == 2.5


def test_health(server: StubServer, client: Client) -> None:
    assert client.check_health()
    server.set_health(NOT_SERVING)
    assert not client.check_health()


def test_retries_end_at_the_deadline(server: StubServer, client: Client) -> None:
    server.servicer.unary = lambda request, context: abort(context, draining())  # type: ignore[assignment, return-value]
    with pytest.raises((Unavailable, DeadlineExceeded)):
        client.summarize(TEXT, timeout=0.5)


def test_threads_can_share_a_client(client: Client) -> None:
    texts = [f"Article {number}. More." for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(client.summarize, texts))
    assert [result.short.text for result in results if result.short] == [f"Article {n}." for n in range(40)]


def test_a_closed_client_raises(server: StubServer) -> None:
    client = Client(server.address)
    client.summarize(TEXT)
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.summarize(TEXT)
    with pytest.raises(RuntimeError, match="closed"):
        client.summarize_many([TEXT])


def test_close_ends_a_call_in_another_thread(server: StubServer, client: Client) -> None:
    arrived, release = threading.Event(), threading.Event()

    def slow(request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        arrived.set()
        release.wait(30)
        return lead(request)

    server.servicer.unary = slow
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.summarize, TEXT)
        assert arrived.wait(30)
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            waiting.result(30)
        release.set()
