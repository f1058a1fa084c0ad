"""Errors for unreachable servers name the cause; tested over real sockets."""

from __future__ import annotations

import contextlib
import datetime
import socketserver
import threading
from collections.abc import Callable, Iterator

import grpc
import pytest
import trustme

from client.stub_server import StubServer, free_port, lead
from nutgraf import AsyncClient, Client, NutgrafError, Overloaded, Unauthenticated, Unavailable
from nutgraf.v1 import summarizer_pb2 as pb

TEXT = "Rain fell on Lund. It was wet."
VERSION = tuple(int(part) for part in grpc.__version__.split(".")[:2])
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
CALLS: dict[str, Callable[[Client], object]] = {
    "summarize": lambda client: client.summarize(TEXT),
    "summarize_many": lambda client: list(client.summarize_many([TEXT])),
    "check": lambda client: client.check(TEXT, TEXT),
    "server_info": lambda client: client.server_info(),
    "check_health": lambda client: client.check_health(),
}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(authority.cert_pem.bytes())


@contextlib.contextmanager
def tls_server(certificate: trustme.LeafCert, clients: trustme.CA | None = None) -> Iterator[str]:
    """The address of a stub with TLS; with `clients`, it requires a client certificate of that authority."""
    pair = certificate.private_key_pem.bytes(), b"".join(one.bytes() for one in certificate.cert_chain_pems)
    wanted = None if clients is None else clients.cert_pem.bytes()
    server = StubServer(credentials=grpc.ssl_server_credentials([pair], wanted, clients is not None)).start()
    try:
        yield server.address
    finally:
        server.stop()


@contextlib.contextmanager
def raw_server(talk: Callable[[socketserver.StreamRequestHandler], None]) -> Iterator[str]:
    """The address of a server other than gRPC's: it calls `talk` for each connection, then closes it."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                talk(self)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def replying(reply: bytes) -> Callable[[socketserver.StreamRequestHandler], None]:
    def talk(handler: socketserver.StreamRequestHandler) -> None:
        handler.connection.recv(65536)
        handler.wfile.write(reply)

    return talk


def frame(kind: int, flags: int, stream: bytes, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream + payload


def answering_http2(
    status: int | None, streams: list[bytes] | None = None, ending: Callable[[bytes], bytes] | None = None
) -> Callable[[socketserver.StreamRequestHandler], None]:
    """Refuses calls like a proxy or load balancer: with an HTTP status and no gRPC status (RFC 9113).

    Without a `status`, it closes the connection. It appends the id of each stream to `streams`. With an `ending`, the
    answer begins like one of gRPC and continues with `ending`, a function of the stream's id.
    """

    def talk(handler: socketserver.StreamRequestHandler) -> None:
        handler.rfile.read(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        handler.wfile.write(frame(4, 0, bytes(4)))  # SETTINGS
        while header := handler.rfile.read(9):
            handler.rfile.read(int.from_bytes(header[:3], "big"))
            if header[3] == 4 and not header[4] & 1:
                handler.wfile.write(frame(4, 1, bytes(4)))
            elif header[3] == 1:  # HEADERS: the answer is one field, :status, and ends the stream
                if streams is not None:
                    streams.append(header[5:9])
                if status is None:
                    return
                if ending is not None:
                    handler.wfile.write(frame(1, 4, header[5:9], b"\x88\x5f\x10application/grpc") + ending(header[5:9]))
                    continue
                handler.wfile.write(frame(1, 5, header[5:9], b"\x08\x03" + str(status).encode()))

    return talk


def failure(
    server: str, tls: bool | grpc.ChannelCredentials = False, call: Callable[[Client], object] = CALLS["summarize"]
) -> NutgrafError:
    """The error of a call, whose message must not claim that no server is running."""
    with Client(server, tls=tls, retry_seconds=0) as client, pytest.raises(NutgrafError) as caught:
        call(client)
    assert "start one" not in str(caught.value)
    return caught.value


def message_of(server: str, tls: bool | grpc.ChannelCredentials = False) -> str:
    error = failure(server, tls)
    assert isinstance(error, Unavailable)
    return str(error)


def test_a_server_with_tls_called_without(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        with Client(address, tls=trusting(authority)) as client:
            assert client.summarize(TEXT).model == "stub"
        message = message_of(address)
        assert f"cannot connect to {address}: it accepts connections and closes them" in message
        assert "--tls, --ca or tls=..." in message


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_untrusted_certificate(authority: trustme.CA, call: Callable[[Client], object]) -> None:
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        for credentials in (trusting(trustme.CA()), True):
            message = str(failure(address, credentials, call))
            assert "its certificate is not trusted: unable to get local issuer certificate; give" in message
            assert "--ca or tls=..." in message


async def test_an_untrusted_certificate_for_asyncio(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        async with AsyncClient(address, tls=trusting(trustme.CA()), retry_seconds=0) as client:
            with pytest.raises(Unavailable, match="its certificate is not trusted"):
                await client.summarize(TEXT)
            with pytest.raises(Unavailable, match="its certificate is not trusted"):
                await client.check_health()
            with pytest.raises(Unavailable, match="its certificate is not trusted"):
                [found async for found in client.summarize_many([TEXT])]


def test_an_expired_certificate(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1", not_after=PAST)) as address:
        assert "its certificate is not trusted: certificate has expired" in message_of(address, trusting(authority))


def test_a_certificate_for_another_name(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("summaries.example")) as address:
        assert "its certificate is for another name" in message_of(address, trusting(authority))


def test_a_server_that_requires_a_client_certificate(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1"), clients=authority) as address:
        assert "or a client certificate" in message_of(address, trusting(authority))


def test_a_server_without_tls_called_with(server: StubServer, authority: trustme.CA) -> None:
    message = message_of(server.address, trusting(authority))
    assert f"cannot connect to {server.address}: it does not use TLS; omit --tls and --ca, or tls=..." in message


@pytest.mark.skipif(VERSION < (1, 80), reason="older versions of gRPC wait for the deadline and do not report it")
def test_trusted_certificates_that_are_not_pem(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        for data in (b"hello", authority.private_key_pem.bytes()):
            assert "must be PEM" in message_of(address, grpc.ssl_channel_credentials(data))


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "the server speaks HTTP/1, not gRPC"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the server does not speak gRPC"),
        (b"", "it accepts connections and closes them"),
    ],
)
def test_a_server_that_does_not_speak_grpc(reply: bytes, cause: str) -> None:
    with raw_server(replying(reply)) as address:
        assert f"cannot connect to {address}: {cause}" in message_of(address)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_balancer_without_a_server(call: Callable[[Client], object]) -> None:
    with raw_server(answering_http2(502)) as address:
        message = str(failure(address, call=call))
    assert f"a proxy or load balancer in front of {address} answered with HTTP status 502" in message


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_balancer_that_limits_rates_or_requires_authentication(call: Callable[[Client], object]) -> None:
    for status, kind in ((429, Overloaded), (403, Unauthenticated)):
        with raw_server(answering_http2(status)) as address:
            assert type(failure(address, call=call)) is kind


async def test_a_balancer_without_a_server_for_asyncio() -> None:
    with raw_server(answering_http2(502)) as address:
        async with AsyncClient(address, retry_seconds=0) as client:
            with pytest.raises(Unavailable, match="HTTP status 502"):
                await client.summarize(TEXT)
            with pytest.raises(Unavailable, match="HTTP status 502"):
                [found async for found in client.summarize_many([TEXT])]


# nginx sends RST_STREAM with INTERNAL_ERROR; HAProxy ends the stream without a status.
@pytest.mark.parametrize(
    "ending",
    [lambda stream: frame(3, 0, stream, bytes([0, 0, 0, 2])), lambda stream: frame(0, 1, stream)],
    ids=["nginx", "haproxy"],
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_balancer_whose_server_died_during_an_answer(
    ending: Callable[[bytes], bytes], call: Callable[[Client], object]
) -> None:
    with raw_server(answering_http2(200, ending=ending)) as address:
        error = failure(address, call=call)
    assert isinstance(error, Unavailable)
    assert f"the connection to {address} was lost" in str(error)


def test_a_refusal_without_headers_is_not_retried() -> None:
    """gRPC's own retries would make five attempts at each call."""
    streams: list[bytes] = []
    with raw_server(answering_http2(503, streams)) as address:
        failure(address, call=CALLS["server_info"])
    assert len(streams) == 2  # the call, and a health check for its message


def test_an_unknown_host() -> None:
    assert "cannot connect to no-such-host.invalid:50051: a name cannot be resolved" in message_of(
        "no-such-host.invalid"
    )


def test_a_server_that_stops_during_a_call(server: StubServer) -> None:
    def stop(request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        server.stop()
        return lead(request)

    server.servicer.unary = stop
    assert f"the connection to {server.address} was lost" in message_of(server.address)


def test_a_connection_cut_during_a_call() -> None:
    with raw_server(answering_http2(None)) as address:
        assert f"the connection to {address} was lost" in str(failure(address, call=CALLS["server_info"]))


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", ": the proxy refused the connection with HTTP status 403"),
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            ": the proxy refused the connection with HTTP status 407",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ": the proxy is not an HTTP proxy"),
        (None, "; to bypass the proxy, add the host to $no_proxy"),
    ],
)
def test_the_error_names_a_failing_proxy(monkeypatch: pytest.MonkeyPatch, reply: bytes | None, cause: str) -> None:
    with contextlib.ExitStack() as stack:
        address = f"127.0.0.1:{free_port()}" if reply is None else stack.enter_context(raw_server(replying(reply)))
        monkeypatch.setenv("http_proxy", f"http://user:secret@{address}")
        message = message_of("summaries.invalid")
    through = f"through the proxy at {address} (from $http_proxy)"
    assert f"cannot connect to summaries.invalid:50051 {through}{cause}" in message
    assert "secret" not in message


def test_an_unknown_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://no-such-proxy.invalid:3128")
    message = message_of("10.0.0.1")
    assert "through the proxy at no-such-proxy.invalid:3128 (from $https_proxy): a name cannot be resolved" in message


def test_a_certificate_for_another_name_behind_a_proxy(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy connects to a server with another name; the error names both the proxy and the cause."""
    with tls_server(authority.issue_cert("127.0.0.1")) as address, raw_server(tunnel(address)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://{proxy}")
        message = message_of("summaries.invalid", trusting(authority))
    assert f"through the proxy at {proxy} (from $https_proxy): its certificate is for another name" in message


def tunnel(address: str) -> Callable[[socketserver.StreamRequestHandler], None]:
    """A proxy that connects every client to `address` (CONNECT, RFC 9110)."""
    import socket

    def talk(handler: socketserver.StreamRequestHandler) -> None:
        while handler.rfile.readline().strip():
            pass
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port))) as onward:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, handler.connection), daemon=True)
            back.start()
            pump(handler.connection, onward)
            back.join()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    return talk
