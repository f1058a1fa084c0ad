"""Every row of the error table, over a real channel."""

from __future__ import annotations

import pickle

import grpc
import pytest
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

import nutgraf
from client import scripts
from client.stub_server import StubServer, abort, draining, make_status
from nutgraf import AsyncClient, Client
from nutgraf._error_mapping import from_status

TABLE = [
    (code_pb2.INVALID_ARGUMENT, reason, nutgraf.InvalidArticle)
    for reason in (
        "EMPTY_TEXT",
        "TEXT_TOO_LONG",
        "TITLE_TOO_LONG",
        "UNKNOWN_LENGTH",
        "REPEATED_LENGTH",
        "BAD_CAP",
        "BAD_TIMEOUT",
        "BAD_ID",
        "MALFORMED_MESSAGE",
        "A_REASON_OF_A_NEWER_SERVER",
    )
] + [
    (code_pb2.RESOURCE_EXHAUSTED, "QUEUE_FULL", nutgraf.Overloaded),
    (code_pb2.UNAVAILABLE, "LOADING", nutgraf.Unavailable),
    (code_pb2.UNAVAILABLE, "DRAINING", nutgraf.Unavailable),
    (code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", nutgraf.DeadlineExceeded),
    (code_pb2.INTERNAL, "INTERNAL", nutgraf.ServerError),
    (code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED", nutgraf.Unauthenticated),
    (code_pb2.PERMISSION_DENIED, None, nutgraf.Unauthenticated),
    (code_pb2.UNAUTHENTICATED, None, nutgraf.Unauthenticated),
    (code_pb2.INVALID_ARGUMENT, None, nutgraf.InvalidArticle),
    (code_pb2.RESOURCE_EXHAUSTED, None, nutgraf.Overloaded),
    (code_pb2.UNIMPLEMENTED, None, nutgraf.ProtocolMismatch),
    (code_pb2.UNKNOWN, None, nutgraf.ServerError),
    (code_pb2.INTERNAL, None, nutgraf.ServerError),
    (code_pb2.DATA_LOSS, None, nutgraf.ServerError),
    # The reason decides, not the code, which a proxy may have changed.
    (code_pb2.UNKNOWN, "QUEUE_FULL", nutgraf.Overloaded),
]


def failing(server: StubServer, status: Status) -> None:
    server.servicer.unary = lambda request, context: abort(context, status)  # type: ignore[assignment, return-value]


@pytest.mark.parametrize(("code", "reason", "kind"), TABLE)
def test_every_row(server: StubServer, impatient: Client, code: int, reason: str | None, kind: type) -> None:
    failing(server, make_status(code, "what was wrong", reason=reason))
    with pytest.raises(kind) as caught:
        impatient.summarize("text", request_id="r1")
    assert type(caught.value) is kind
    assert caught.value.reason == reason
    assert caught.value.request_id == "r1"
    assert "what was wrong" in str(caught.value) or kind is nutgraf.DeadlineExceeded


@pytest.mark.parametrize(("code", "reason", "kind"), TABLE[8:14])
async def test_some_rows_for_asyncio(server: StubServer, code: int, reason: str | None, kind: type) -> None:
    failing(server, make_status(code, "what was wrong", reason=reason))
    async with AsyncClient(server.address, retry_seconds=0.0) as client:
        with pytest.raises(kind) as caught:
            await client.summarize("text", request_id="r1")
    assert caught.value.reason == reason
    assert caught.value.request_id == "r1"


def test_violated_fields_and_sizes(server: StubServer, client: Client) -> None:
    failing(
        server,
        make_status(
            code_pb2.INVALID_ARGUMENT,
            "text has 12 characters; at most 10 are allowed",
            reason="TEXT_TOO_LONG",
            metadata={"limit": "10", "size": "12"},
            fields={"text": "too long"},
        ),
    )
    with pytest.raises(nutgraf.InvalidArticle, match="at most 10") as caught:
        client.summarize("text")
    assert caught.value.details == (("text", "too long"),)
    assert (caught.value.limit, caught.value.size) == (10, 12)


@pytest.mark.parametrize("seconds", [None, 1.5])
def test_retry_after(server: StubServer, client: Client, seconds: float | None) -> None:
    failing(server, make_status(code_pb2.RESOURCE_EXHAUSTED, "full", reason="QUEUE_FULL", retry_after=seconds))
    with pytest.raises(nutgraf.Overloaded) as caught:
        client.summarize("text")
    assert caught.value.retry_after == seconds
    assert len(server.servicer.requests) == 1  # only UNAVAILABLE is retried


@pytest.mark.parametrize("status", [make_status(code_pb2.UNAVAILABLE, "x", reason="DRAINING", retry_after=0.001), None])
def test_attempts_do_not_multiply(server: StubServer, impatient: Client, status: Status | None) -> None:
    """Without retries there is one attempt, in calls and in streams, with and without a reason in the status."""
    failing(server, status or make_status(code_pb2.UNAVAILABLE, "upstream reset"))
    with pytest.raises(nutgraf.Unavailable):
        impatient.summarize("text")
    assert len(server.servicer.requests) == 1
    server.servicer.many = scripts.failing(status or make_status(code_pb2.UNAVAILABLE, "upstream reset"))
    with pytest.raises(nutgraf.Unavailable):
        list(impatient.summarize_many(["text"]))
    assert len(server.servicer.streams) == 1


async def test_attempts_do_not_multiply_for_asyncio(server: StubServer) -> None:
    failing(server, draining())

    def refusing(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        next(requests)  # while grpc.aio sends, it may lose the status, and the client would try once more
        abort(context, draining())
        yield from ()

    server.servicer.many = refusing
    async with AsyncClient(server.address, retry_seconds=0) as client:
        with pytest.raises(nutgraf.Unavailable):
            await client.summarize("text")
        with pytest.raises(nutgraf.Unavailable):
            [found async for found in client.summarize_many(["text"])]
    assert (len(server.servicer.requests), len(server.servicer.streams)) == (1, 1)


def test_a_long_retry_delay_prevents_further_attempts(server: StubServer, client: Client) -> None:
    status = make_status(code_pb2.UNAVAILABLE, "in an hour", reason="LOADING", retry_after=3600)
    failing(server, status)
    server.servicer.many = scripts.failing(status)
    for call in (lambda: client.summarize("text"), lambda: list(client.summarize_many(["text"]))):
        with pytest.raises(nutgraf.Unavailable, match="in an hour") as caught:
            call()
        assert caught.value.retry_after == 3600
    assert (len(server.servicer.requests), len(server.servicer.streams)) == (1, 1)


def test_retry_after_is_never_negative() -> None:
    status = make_status(code_pb2.UNAVAILABLE, "x", reason="LOADING", retry_after=-5)
    error = from_status(status, server="s")
    assert isinstance(error, nutgraf.Unavailable)
    assert error.retry_after == 0


def test_retry_after_of_unavailable(server: StubServer, impatient: Client) -> None:
    failing(server, make_status(code_pb2.UNAVAILABLE, "loading", reason="LOADING", retry_after=2))
    with pytest.raises(nutgraf.Unavailable, match="loading") as caught:
        impatient.summarize("text")
    assert caught.value.retry_after == 2.0


def test_the_error_id(server: StubServer, client: Client) -> None:
    failing(server, make_status(code_pb2.INTERNAL, "broke", reason="INTERNAL", metadata={"error_id": "e7"}))
    with pytest.raises(nutgraf.ServerError) as caught:
        client.summarize("text")
    assert caught.value.error_id == "e7"


def test_reasons_of_another_domain_are_ignored(server: StubServer, client: Client) -> None:
    failing(server, make_status(code_pb2.INTERNAL, "x", reason="QUEUE_FULL", domain="proxy.example"))
    with pytest.raises(nutgraf.ServerError) as caught:
        client.summarize("text")
    assert caught.value.reason is None


@pytest.mark.parametrize("seconds", [None, 3.0])
def test_a_rate_limit_of_a_proxy(server: StubServer, client: Client, seconds: float | None) -> None:
    failing(server, make_status(code_pb2.RESOURCE_EXHAUSTED, "rate limit", retry_after=seconds))
    with pytest.raises(nutgraf.Overloaded, match=r"a proxy in front of it.*rate limit") as caught:
        client.summarize("text")
    assert caught.value.retry_after == seconds


def test_an_oversize_answer_is_an_error_of_the_server(server: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nutgraf._channel._MAX_RECEIVE_BYTES", 10)
    with Client(server.address) as client, pytest.raises(nutgraf.ServerError, match="RESOURCE_EXHAUSTED"):
        client.summarize("text")


def test_an_unknown_code() -> None:
    assert "code 99" in str(from_status(Status(code=99), server="s"))


def test_an_oversize_request() -> None:
    server = StubServer(max_message_bytes=1000).start()
    try:
        with Client(server.address) as client, pytest.raises(nutgraf.InvalidArticle, match="too large") as caught:
            client.summarize("x" * 2000)
    finally:
        server.stop()
    assert (caught.value.size, caught.value.limit) == (2003, 1000)  # in bytes of the message


def test_details_that_contradict_the_status(server: StubServer, client: Client) -> None:
    def lie(request: object, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", Status(code=3, message="a").SerializeToString()),))
        context.abort(grpc.StatusCode.INTERNAL, "b")

    server.servicer.unary = lie  # type: ignore[assignment]
    with pytest.raises(nutgraf.ServerError, match="b"):
        client.summarize("text")


def test_a_grpc_server_without_the_service() -> None:
    server = grpc.server(__import__("concurrent.futures").futures.ThreadPoolExecutor(2))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with (
            Client(f"127.0.0.1:{port}") as client,
            pytest.raises(nutgraf.ProtocolMismatch, match="is not a nutgraf"),
        ):
            client.summarize("text")
    finally:
        server.stop(None).wait()


ERRORS = [
    nutgraf.InvalidArticle("m", reason="R", request_id="i", details=(("text", "bad"),), limit=1, size=2),
    nutgraf.Overloaded("m", retry_after=1.0),
    nutgraf.Unavailable("m", retry_after=1.0, reason="LOADING"),
    nutgraf.ServerError("m", error_id="e"),
    nutgraf.DeadlineExceeded("m", request_id="i"),
    nutgraf.Unauthenticated("m"),
    nutgraf.ProtocolMismatch("m"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_can_be_pickled(error: nutgraf.NutgrafError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_the_documented_tree_of_errors_is_complete() -> None:
    from nutgraf import _errors

    names = set(_errors.__all__) - {"NutgrafError"}
    assert {type(error).__name__ for error in ERRORS} == names
    assert all(f"── {name} " in (_errors.__doc__ or "") for name in names)
