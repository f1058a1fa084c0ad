"""Bytes that no client of ours would send, to every method and to the ports themselves, of a real server process.

Whatever comes, the server answers the next good call, says nothing of its inside or of an article, and never that
something broke in it.
"""

import contextlib
import signal
import socket
import struct
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from support.articles import ARTICLE
from support.process import Log, entry, serve

TIMEOUT = 60
CANARY = "Quillfeather"
SERVICE = "/nutgraf.v1.SummarizerService"
HEALTH = "/grpc.health.v1.Health"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
# What our side must never say, whoever is at fault.
OURS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}

few = settings(max_examples=40, deadline=None, derandomize=True, database=None)
many = settings(few, max_examples=120)


@dataclass
class Target:
    address: str
    metrics_port: int
    channel: grpc.Channel

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def answers(self) -> None:
        """A good call is answered, over a new connection too."""
        with grpc.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            response = SummarizerServiceStub(channel).Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        assert response.summaries[0].text.startswith("The port of Marlow reopened")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with serve("--model", "lead", "--metrics-port", "0") as process:
        metrics = entry(process, "metrics")["address"]
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        log = Log(process)
        with grpc.insecure_channel(address) as channel:
            found = Target(address, int(metrics.rpartition(":")[2].partition("/")[0]), channel)
            yield found
            found.answers()
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        text = log.text()
        assert '"method": "Summarize"' in text
        for word in (CANARY, "Marlow", "internal error", "Traceback", "Exception", "Error"):
            assert word not in text


def specs() -> st.SearchStrategy[pb.SummarySpec]:
    numbers = st.none() | st.integers(-(2**31), 2**31 - 1) | st.integers(0, 12)
    lengths = st.integers(-(2**31), 2**31 - 1) | st.integers(0, 3)
    return st.builds(pb.SummarySpec, length=lengths, max_sentences=numbers, max_words=numbers)


REQUESTS = st.builds(
    pb.SummarizeRequest,
    text=st.sampled_from(["", CANARY, f"{CANARY} said so. {ARTICLE}"]) | st.text(max_size=60),
    title=st.text(max_size=20),
    summaries=st.lists(specs(), max_size=3),
    extractive_fallback=st.booleans(),
)
DURATIONS = {"seconds": st.integers(-(2**63), 2**63 - 1), "nanos": st.integers(-(2**31), 2**31 - 1)}


@st.composite
def items(draw: st.DrawFn) -> pb.SummarizeManyRequest:
    item = pb.SummarizeManyRequest(id=draw(st.text(max_size=20)), request=draw(REQUESTS))
    if draw(st.booleans()):
        item.item_timeout.seconds = draw(DURATIONS["seconds"] | st.integers(0, 3))
        item.item_timeout.nanos = draw(DURATIONS["nanos"])
    return item


@st.composite
def mutated(draw: st.DrawFn, messages: st.SearchStrategy) -> bytes:  # type: ignore[type-arg]
    """A message as it is serialised, but for some bytes that are changed, gone, or too many."""
    data = bytearray(draw(messages).SerializeToString())
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        gone = draw(st.integers(0, 3))
        data[place : place + gone] = draw(st.binary(max_size=3))
    return bytes(data)


def wire(messages: st.SearchStrategy) -> st.SearchStrategy[bytes]:  # type: ignore[type-arg]
    return mutated(messages) | st.binary(max_size=100)


def check(error: grpc.RpcError, expected: grpc.StatusCode | None = None) -> None:
    assert error.code() is expected if expected else error.code() not in OURS, error
    for word in (CANARY, "Marlow", "Traceback", ".py", "Exception"):
        assert word not in error.details()


def parses(kind: type, data: bytes) -> bool:
    try:
        kind.FromString(data)  # type: ignore[attr-defined]
    except DecodeError:
        return False
    return True


@many
@given(wire(REQUESTS))
def test_an_article_of_any_bytes(target: Target, data: bytes) -> None:
    call = target.channel.unary_unary(f"{SERVICE}/Summarize")
    try:
        assert pb.SummarizeResponse.FromString(call(data, timeout=TIMEOUT)).summaries
        assert parses(pb.SummarizeRequest, data)
    except grpc.RpcError as error:
        check(error, grpc.StatusCode.INVALID_ARGUMENT)


@many
@given(st.lists(wire(items()), max_size=5))
def test_a_stream_of_any_bytes(target: Target, messages: list[bytes]) -> None:
    call = target.channel.stream_stream(f"{SERVICE}/SummarizeMany")
    answers = []
    try:
        answers.extend(call(iter(messages), timeout=TIMEOUT))
        assert len(answers) == len(messages)
    except grpc.RpcError as error:
        check(error)
        assert not all(parses(pb.SummarizeManyRequest, data) for data in messages)
    for data in answers:
        answer = pb.SummarizeManyResponse.FromString(data)
        assert answer.error.code not in {one.value[0] for one in OURS}
        assert CANARY not in answer.error.message


INFO = st.just(pb.GetServerInfoRequest())
CHECKS = st.builds(
    health_pb2.HealthCheckRequest, service=st.text(max_size=20) | st.just("nutgraf.v1.SummarizerService")
)


@few
@given(method=st.sampled_from([f"{SERVICE}/GetServerInfo", f"{HEALTH}/Check"]), data=wire(INFO | CHECKS))
def test_any_bytes_to_the_methods_that_take_no_article(target: Target, method: str, data: bytes) -> None:
    try:
        target.channel.unary_unary(method)(data, timeout=TIMEOUT)
    except grpc.RpcError as error:
        check(error)


@few
@given(wire(CHECKS))
def test_any_bytes_to_a_watch(target: Target, data: bytes) -> None:
    watch = target.channel.unary_stream(f"{HEALTH}/Watch")(data, timeout=TIMEOUT)
    try:
        assert health_pb2.HealthCheckResponse.FromString(next(watch))
    except grpc.RpcError as error:
        check(error)
    watch.cancel()


QUESTIONS = st.builds(
    reflection_pb2.ServerReflectionRequest,
    host=st.text(max_size=5),
    file_containing_symbol=st.text(max_size=10) | st.sampled_from(["nutgraf.v1.SummarizerService", "nutgraf.v1"]),
) | st.builds(
    lambda name, number: reflection_pb2.ServerReflectionRequest(
        file_containing_extension=reflection_pb2.ExtensionRequest(containing_type=name, extension_number=number)
    ),
    st.text(max_size=10) | st.just("google.protobuf.MethodOptions"),
    st.integers(-(2**31), 2**31 - 1),
)


@few
@given(st.lists(wire(QUESTIONS), min_size=1, max_size=3))
def test_any_bytes_to_reflection(target: Target, messages: list[bytes]) -> None:
    try:
        list(target.channel.stream_stream(REFLECTION)(iter(messages), timeout=TIMEOUT))
    except grpc.RpcError as error:
        check(error)


@few
@given(path=st.from_regex(r"/[!-~]{0,40}", fullmatch=True), data=st.binary(max_size=20))
def test_methods_that_there_are_not(target: Target, path: str, data: bytes) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        target.channel.unary_unary(path)(data, timeout=TIMEOUT)
    check(caught.value)


NAMES = st.sampled_from(["x-request-id", "authorization", "traceparent", "grpc-timeout-x", "accept-encoding"])


@few
@given(
    st.lists(st.tuples(NAMES, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)), max_size=5)
)
@example([("x-request-id", "a" * 7000)])
def test_headers_of_any_kind(target: Target, metadata: list[tuple[str, str]]) -> None:
    request = pb.SummarizeRequest(text=f"{CANARY} said so. {ARTICLE}")
    try:
        SummarizerServiceStub(target.channel).Summarize(request, metadata=metadata, timeout=TIMEOUT)
    except grpc.RpcError as error:
        check(error)


def test_a_small_message_that_unpacks_to_a_huge_one_is_refused(target: Target) -> None:
    request = pb.SummarizeRequest(text=f"{CANARY} " + " " * (64 << 20))
    with pytest.raises(grpc.RpcError) as caught:
        SummarizerServiceStub(target.channel).Summarize(request, compression=grpc.Compression.Gzip, timeout=TIMEOUT)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    check(caught.value)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
# ClientHello of TLS 1.2, up to where its length says that more is to come.
HELLO = bytes.fromhex("16030100c8010000c40303") + b"\x11" * 40


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame of HTTP/2 (RFC 9113, 4.1) whose parts need not agree."""
    payload = draw(st.binary(max_size=40))
    size = draw(st.just(len(payload)) | st.integers(0, 2**24 - 1))
    head = struct.pack("!I", size)[1:] + bytes([draw(st.integers(0, 12)), draw(st.integers(0, 255))])
    return head + struct.pack("!I", draw(st.integers(0, 5) | st.integers(0, 2**32 - 1))) + payload


SCRAPS = st.one_of(
    st.binary(max_size=200),
    st.integers(0, len(PREFACE)).map(lambda end: PREFACE[:end]),
    st.lists(frames(), max_size=6).map(lambda some: PREFACE + SETTINGS + b"".join(some)),
    st.sampled_from(
        [HELLO, b"GET / HTTP/1.1\r\n\r\n", b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\0" * 70_000]
    ),
    st.binary(max_size=60).map(lambda junk: b"GET /" + junk + b" HTTP/1.1\r\nHost: " + CANARY.encode() + b"\r\n\r\n"),
)


def throw(port: int, data: bytes, *, rudely: bool) -> None:
    """Sends bytes and goes away, with a reset if rudely."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        if rudely:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(data)


@settings(many, max_examples=200)
@given(SCRAPS, st.booleans())
def test_anything_at_the_port(target: Target, data: bytes, rudely: bool) -> None:
    throw(target.port, data, rudely=rudely)


@settings(many, max_examples=200)
@given(SCRAPS, st.booleans())
@example(b"GET /metrics HTTP/1.1\r\n\r\n", True)
def test_anything_at_the_port_of_the_metrics(target: Target, data: bytes, rudely: bool) -> None:
    throw(target.metrics_port, data, rudely=rudely)


def test_connections_that_say_nothing_are_in_nobodys_way(target: Target) -> None:
    with contextlib.ExitStack() as open_:
        for port, said in ((target.port, b""), (target.port, PREFACE[:10]), (target.metrics_port, b"GET /me")):
            for _ in range(20):
                connection = open_.enter_context(socket.create_connection(("127.0.0.1", port)))
                connection.sendall(said)
        target.answers()
        with urllib.request.urlopen(f"http://127.0.0.1:{target.metrics_port}/metrics", timeout=TIMEOUT) as page:
            assert b"nutgraf_calls_total" in page.read()


def test_tls_where_none_is_spoken(target: Target) -> None:
    with grpc.secure_channel(target.address, grpc.ssl_channel_credentials()) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            SummarizerServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    target.answers()
