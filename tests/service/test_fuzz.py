"""Random requests: the server answers each one, or refuses it with a reason, and keeps serving."""

import asyncio
import contextlib
import socket
import ssl
import urllib.request
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from client.stub_server import free_port
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from support.articles import ARTICLE
from support.examples import examples
from support.server import TIMEOUT, Running, running_server

FUZZ = examples(150)
UNARY = {
    "Summarize": pb.SummarizeRequest,
    "CheckSummary": pb.CheckSummaryRequest,
    "GetServerInfo": pb.GetServerInfoRequest,
}
# Permitted codes. INTERNAL, UNKNOWN, UNAVAILABLE and DEADLINE_EXCEEDED would be the server's fault.
ALLOWED = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}

METRICS_PORT = free_port()


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running_server(metrics_port=METRICS_PORT, max_text_characters=20_000) as running:
        yield running


@pytest.fixture(scope="module")
def channel(server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture(autouse=True)
def _afterwards_an_article_is_summarised(server) -> Iterator[None]:
    yield
    with server.stub() as stub:
        assert stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).summaries[0].text


# Characters with a meaning in Unicode, in HTML, or for the sentence splitter.
TEXTS = st.lists(
    st.one_of(
        st.text(),
        st.text(st.characters(categories=("Cc", "Cf", "Mn", "Zs", "So"))),
        st.sampled_from(["\r\n\r\n", "<p>", "</p>", "&amp;", "<script>", "<!--", "U.S.", "...", "“", "1,000.5", "$"]),
        st.sampled_from(["\u202e", "\u200d", "\N{FAMILY}\u200d\N{WOMAN}", "e\u0301"]),
        st.sampled_from(["The port reopened on Monday.", "一。二。", "Nobody was hurt!", "ا ب ج؟"]),
    ),
    max_size=30,
).map(" ".join)
SPECS = st.builds(
    pb.SummarySpec,
    length=st.sampled_from([0, 1, 2, 3, 99]),
    max_sentences=st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
    max_words=st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
)
REQUESTS = st.builds(
    pb.SummarizeRequest,
    text=TEXTS,
    title=st.one_of(st.just(""), TEXTS),
    summaries=st.lists(SPECS, max_size=3),
)


CHECKS = st.builds(
    pb.CheckSummaryRequest,
    text=st.one_of(st.just(ARTICLE), TEXTS),
    title=st.one_of(st.just(""), TEXTS),
    summary=TEXTS,
    support_threshold=st.one_of(st.none(), st.floats(0, 1), st.floats(width=32)),
)


def code_of(call: grpc.Call) -> grpc.StatusCode:
    with contextlib.suppress(grpc.RpcError):
        call.result()  # type: ignore[attr-defined]
    return call.code()


@FUZZ
@given(st.sampled_from(sorted(UNARY)), st.binary(max_size=300))
@example("Summarize", b"\x0a\xff\xff\xff\xff\x0f")  # announces a text of 4 GB
@example("Summarize", b"\x0a\x02\xff\xfe")  # not UTF-8
def test_random_bytes(channel, method, data):
    call = channel.unary_unary(f"/nutgraf.v1.SummarizerService/{method}").future(data, timeout=TIMEOUT)
    code = code_of(call)
    assert code in ALLOWED
    try:
        UNARY[method].FromString(data)
    except DecodeError:
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "MALFORMED_MESSAGE" in str(dict(call.trailing_metadata()))


@FUZZ
@given(REQUESTS, st.data())
def test_requests_with_changed_bytes(channel, request, data):
    sent = bytearray(request.SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        if sent:
            sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    del sent[data.draw(st.integers(0, len(sent))) :]
    call = channel.unary_unary("/nutgraf.v1.SummarizerService/Summarize").future(bytes(sent), timeout=TIMEOUT)
    assert code_of(call) in ALLOWED


@FUZZ
@given(REQUESTS)
@example(pb.SummarizeRequest(text="word " * 3_900))
@example(pb.SummarizeRequest(text="w" * 20_000))
@example(pb.SummarizeRequest(text="<b>" * 6_000))
@example(pb.SummarizeRequest(text="a\u0301" * 10_000))
@example(pb.SummarizeRequest(text="👩‍👩‍👧 " * 3_000))
@example(pb.SummarizeRequest(text="1. " * 6_000))
@example(pb.SummarizeRequest(text='"' * 20_000))
@example(pb.SummarizeRequest(text="(" * 20_000))
@example(pb.SummarizeRequest(text="&amp" * 5_000))
@example(pb.SummarizeRequest(text="\n" * 19_999 + "a"))
@example(pb.SummarizeRequest(text="A.B." * 5_000))
@example(pb.SummarizeRequest(text="Ａ１ ﬁ ½ " * 2_000))
def test_random_requests(channel, request):
    call = SummarizerServiceStub(channel).Summarize.future(request, timeout=TIMEOUT)
    assert code_of(call) in ALLOWED
    if call.code() is grpc.StatusCode.OK:
        for summary in call.result().summaries:
            assert summary.text
            for sentence in summary.sentences:
                for source in sentence.evidence:
                    assert 0 <= source.span.start < source.span.end <= len(request.text)


@FUZZ
@given(CHECKS)
@example(pb.CheckSummaryRequest(text="word " * 3_900, summary="word " * 2_000))
@example(pb.CheckSummaryRequest(text=ARTICLE, summary="<b>" * 3_000))
@example(pb.CheckSummaryRequest(text=ARTICLE, summary="1. " * 3_000))
@example(pb.CheckSummaryRequest(text=ARTICLE, summary="a\u0301" * 5_000))
@example(pb.CheckSummaryRequest(text=ARTICLE, summary="- \r\n" * 2_500))
@example(pb.CheckSummaryRequest(text=ARTICLE, summary="who? " * 2_000))
def test_random_checks(channel, request):
    call = SummarizerServiceStub(channel).CheckSummary.future(request, timeout=TIMEOUT)
    assert code_of(call) in ALLOWED
    if call.code() is grpc.StatusCode.OK:
        response, end = call.result(), 0
        for sentence in response.sentences:
            assert end <= sentence.span.start < sentence.span.end <= len(request.summary)
            end = sentence.span.end
            assert 0 <= response.support <= sentence.support <= 1
            assert sentence.verdict in (pb.VERDICT_SUPPORTED, pb.VERDICT_DOUBTED, pb.VERDICT_NO_CLAIM)
            for source in sentence.evidence:
                assert 0 <= source.span.start < source.span.end <= len(request.text)
        for term in response.unsupported_terms:
            assert 0 <= term.span.start < term.span.end <= len(request.summary)
        assert response.sentences


@examples(60)
@given(st.lists(st.binary(max_size=80), max_size=4), st.lists(REQUESTS, max_size=4))
def test_random_streams(channel, raw, requests):
    """Each item that parses is answered; bytes that do not parse end the stream with an error."""
    whole = [
        pb.SummarizeManyRequest(id=str(number), request=request).SerializeToString()
        for number, request in enumerate(requests)
    ]
    call = channel.stream_stream("/nutgraf.v1.SummarizerService/SummarizeMany")(iter([*whole, *raw]), timeout=TIMEOUT)
    with contextlib.suppress(grpc.RpcError):
        for answer in call:
            pb.SummarizeManyResponse.FromString(answer)
    assert call.code() in ALLOWED


RAW = [
    b"",
    b"\0" * 100,
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 50,
    # Settings, then a HEADERS frame for stream 1 that announces 16 MB.
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + b"\xff\xff\xff\1\4\0\0\0\1" + b"a" * 100,
    # A header block that cannot be decoded.
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\4\1\4\0\0\0\1" + b"\xff\xff\xff\xff",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 500,
]


@examples(40)
@given(st.sampled_from(RAW), st.binary(max_size=200), st.booleans())
def test_data_other_than_grpc(server, start, rest, reads):
    host, _, port = server.address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection:
        connection.sendall(start + rest)
        if reads:
            connection.settimeout(0.05)
            connection.recv(1000)


def test_tls_on_a_plain_port(server):
    host, _, port = server.address.rpartition(":")
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        context.wrap_socket(connection, server_hostname="localhost")


@pytest.mark.parametrize("start", RAW[:6])
def test_data_other_than_http_on_the_metrics_port(server, start):
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", METRICS_PORT), timeout=TIMEOUT) as connection,
    ):
        connection.sendall(start + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(2)
        connection.recv(1000)
    with urllib.request.urlopen(f"http://127.0.0.1:{METRICS_PORT}/metrics", timeout=TIMEOUT) as response:
        assert b"nutgraf_serving 1.0" in response.read()


async def test_a_hundred_silent_connections(server):
    host, _, port = server.address.rpartition(":")
    connections = [await asyncio.open_connection(host, int(port)) for _ in range(100)]
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = SummarizerServiceStub(channel)
        assert (await stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)).summaries
    for _, writer in connections:
        writer.close()
