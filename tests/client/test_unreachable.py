"""Why a server cannot be reached: found out over real sockets, and said with its cause."""

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
    """The address of a stub that speaks TLS, and wants a certificate of `clients` if that is given."""
    pair = certificate.private_key_pem.bytes(), b"".join(one.bytes() for one in certificate.cert_chain_pems)
    wanted = None if clients is None else clients.cert_pem.bytes()
    server = StubServer(credentials=grpc.ssl_server_credentials([pair], wanted, clients is not None)).start()
    try:
        yield server.address
    finally:
        server.stop()


@contextlib.contextmanager
def talker(talk: Callable[[socketserver.StreamRequestHandler], None]) -> Iterator[str]:
    """The address of something that is no gRPC server: it does `talk` with whoever connects, and hangs up."""

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


def saying(reply: bytes) -> Callable[[socketserver.StreamRequestHandler], None]:
    def talk(handler: socketserver.StreamRequestHandler) -> None:
        handler.connection.recv(65536)
        handler.wfile.write(reply)

    return talk


def frame(kind: int, flags: int, stream: bytes, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream + payload


def answering_http2(
    status: int | None, streams: list[bytes] | None = None, ending: Callable[[bytes], bytes] | None = None
) -> Callable[[socketserver.StreamRequestHandler], None]:
    """As proxies and balancers refuse calls: by a status of HTTP and no status of gRPC (RFC 9113). None: hangs up.

    Notes in `streams` what was begun. With an `ending`, the answer begins as one of gRPC's does, and then has that.
    """

    def talk(handler: socketserver.StreamRequestHandler) -> None:
        handler.rfile.read(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        handler.wfile.write(frame(4, 0, bytes(4)))  # SETTINGS
        while header := handler.rfile.read(9):
            handler.rfile.read(int.from_bytes(header[:3], "big"))
            if header[3] == 4 and not header[4] & 1:
                handler.wfile.write(frame(4, 1, bytes(4)))
            elif header[3] == 1:  # HEADERS: answered by one field, :status, that ends the stream
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
    """What a call fails with, which must not be that there is no server."""
    with Client(server, tls=tls, retry_seconds=0) as client, pytest.raises(NutgrafError) as caught:
        call(client)
    assert "start one" not in str(caught.value)
    return caught.value


def said(server: str, tls: bool | grpc.ChannelCredentials = False) -> str:
    error = failure(server, tls)
    assert isinstance(error, Unavailable)
    return str(error)


def test_a_server_with_tls_is_told_from_none(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        with Client(address, tls=trusting(authority)) as client:
            assert client.summarize(TEXT).model == "stub"
        message = said(address)
        assert f"cannot connect to {address}: it accepts connections and closes them" in message
        assert "--tls, --ca or tls=..." in message


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_certificate_that_nobody_here_trusts(authority: trustme.CA, call: Callable[[Client], object]) -> None:
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        for credentials in (trusting(trustme.CA()), True):
            message = str(failure(address, credentials, call))
            assert "its certificate is not trusted: unable to get local issuer certificate; give" in message
            assert "--ca or tls=..." in message


async def test_a_certificate_that_nobody_here_trusts_for_asyncio(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        async with AsyncClient(address, tls=trusting(trustme.CA()), retry_seconds=0) as client:
            with pytest.raises(Unavailable, match="its certificate is not trusted"):
                await client.summarize(TEXT)
            with pytest.raises(Unavailable, match="its certificate is not trusted"):
                await client.check_health()
            with pytest.raises(Unavailable, match="its certificate is not trusted"):
                [found async for found in client.summarize_many([TEXT])]


def test_a_certificate_that_is_over(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1", not_after=PAST)) as address:
        assert "its certificate is not trusted: certificate has expired" in said(address, trusting(authority))


def test_a_certificate_for_another_name(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("summaries.example")) as address:
        assert "its certificate is for another name" in said(address, trusting(authority))


def test_a_server_that_wants_a_certificate(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1"), clients=authority) as address:
        assert "or a client certificate" in said(address, trusting(authority))


def test_a_server_without_tls(server: StubServer, authority: trustme.CA) -> None:
    message = said(server.address, trusting(authority))
    assert f"cannot connect to {server.address}: it does not use TLS; omit --tls and --ca, or tls=..." in message


@pytest.mark.skipif(VERSION < (1, 80), reason="an older gRPC waits for the deadline, and says nothing of it")
def test_certificates_that_are_none(authority: trustme.CA) -> None:
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        for none in (b"hello", authority.private_key_pem.bytes()):
            assert "must be PEM" in said(address, grpc.ssl_channel_credentials(none))


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "the server speaks HTTP/1, not gRPC"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the server does not speak gRPC"),
        (b"", "it accepts connections and closes them"),
    ],
)
def test_what_is_no_grpc_server(reply: bytes, cause: str) -> None:
    with talker(saying(reply)) as address:
        assert f"cannot connect to {address}: {cause}" in said(address)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_balancer_that_has_no_server(call: Callable[[Client], object]) -> None:
    with talker(answering_http2(502)) as address:
        message = str(failure(address, call=call))
    assert f"a proxy or load balancer in front of {address} answered with HTTP status 502" in message


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_balancer_that_limits_rates_or_wants_to_know_who_calls(call: Callable[[Client], object]) -> None:
    for status, kind in ((429, Overloaded), (403, Unauthenticated)):
        with talker(answering_http2(status)) as address:
            assert type(failure(address, call=call)) is kind


async def test_a_balancer_that_has_no_server_for_asyncio() -> None:
    with talker(answering_http2(502)) as address:
        async with AsyncClient(address, retry_seconds=0) as client:
            with pytest.raises(Unavailable, match="HTTP status 502"):
                await client.summarize(TEXT)
            with pytest.raises(Unavailable, match="HTTP status 502"):
                [found async for found in client.summarize_many([TEXT])]


# RST_STREAM with INTERNAL_ERROR is nginx's way, an end without a status HAProxy's.
@pytest.mark.parametrize(
    "ending",
    [lambda stream: frame(3, 0, stream, bytes([0, 0, 0, 2])), lambda stream: frame(0, 1, stream)],
    ids=["nginx", "haproxy"],
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_balancer_whose_server_died_in_the_middle_of_an_answer(
    ending: Callable[[bytes], bytes], call: Callable[[Client], object]
) -> None:
    with talker(answering_http2(200, ending=ending)) as address:
        error = failure(address, call=call)
    assert isinstance(error, Unavailable)
    assert f"the connection to {address} was lost" in str(error)


def test_a_refusal_without_headers_is_no_reason_for_more_attempts() -> None:
    """gRPC's own retries would make five of each."""
    streams: list[bytes] = []
    with talker(answering_http2(503, streams)) as address:
        failure(address, call=CALLS["server_info"])
    assert len(streams) == 2  # the call, and a health check for its message


def test_a_name_that_is_not_known() -> None:
    assert "cannot connect to no-such-host.invalid:50051: a name cannot be resolved" in said("no-such-host.invalid")


def test_a_server_that_goes_away_in_the_middle_of_a_call(server: StubServer) -> None:
    def stop(request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        server.stop()
        return lead(request)

    server.servicer.unary = stop
    assert f"the connection to {server.address} was lost" in said(server.address)


def test_a_connection_that_is_cut_in_the_middle_of_a_call() -> None:
    with talker(answering_http2(None)) as address:
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
def test_a_proxy_in_the_way_is_named(monkeypatch: pytest.MonkeyPatch, reply: bytes | None, cause: str) -> None:
    with contextlib.ExitStack() as stack:
        address = f"127.0.0.1:{free_port()}" if reply is None else stack.enter_context(talker(saying(reply)))
        monkeypatch.setenv("http_proxy", f"http://user:secret@{address}")
        message = said("summaries.invalid")
    through = f"through the proxy at {address} (from $http_proxy)"
    assert f"cannot connect to summaries.invalid:50051 {through}{cause}" in message
    assert "secret" not in message


def test_a_proxy_whose_name_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://no-such-proxy.invalid:3128")
    message = said("10.0.0.1")
    assert "through the proxy at no-such-proxy.invalid:3128 (from $https_proxy): a name cannot be resolved" in message


def test_a_server_behind_a_proxy_with_another_certificate(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that lets everything through ends up at a server of another name, and that is what is said."""
    with tls_server(authority.issue_cert("127.0.0.1")) as address, talker(tunnel(address)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://{proxy}")
        message = said("summaries.invalid", trusting(authority))
    assert f"through the proxy at {proxy} (from $https_proxy): its certificate is for another name" in message


def tunnel(address: str) -> Callable[[socketserver.StreamRequestHandler], None]:
    """A proxy that connects everybody to `address` (CONNECT, RFC 9110)."""
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
