"""Spans that a collector receives from a server."""

import queue
from collections.abc import Iterator
from concurrent import futures
from functools import partial

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as otlp_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from nutgraf.v1 import summarizer_pb2 as pb
from support.articles import ARTICLE
from support.server import TIMEOUT, GatedEngine, running_server, summarizer_with

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("x-request-id", "of-the-caller"))


class Collector(otlp_grpc.TraceServiceServicer):
    def __init__(self) -> None:
        self.requests: queue.Queue[otlp.ExportTraceServiceRequest] = queue.Queue()

    def Export(self, request, context):
        self.requests.put(request)
        return otlp.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    servicer = Collector()
    otlp_grpc.add_TraceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"http://127.0.0.1:{port}"
    server.stop(0).wait()


def spans(collector: Collector) -> list[Span]:
    found = []
    while not collector.requests.empty():
        for resource in collector.requests.get().resource_spans:
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def test_spans_of_an_article_join_the_callers_trace_and_add_up(collector):
    servicer, endpoint = collector
    with running_server(otlp_endpoint=endpoint) as running, running.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=ARTICLE), metadata=CALLER, timeout=TIMEOUT)
    # A stopping server sends its buffered spans.
    found = spans(servicer)
    (root,) = [span for span in found if span.name.endswith("/Summarize")]
    steps = {span.name: span for span in found if span is not root}
    assert set(steps) == {"tokenize", "queue", "generate", "check"}
    assert {span.trace_id.hex() for span in found} == {TRACE}
    assert root.parent_span_id.hex() == PARENT
    assert {span.parent_span_id for span in steps.values()} == {root.span_id}
    attributes = {one.key: one.value for one in root.attributes}
    assert attributes["nutgraf.request_id"].string_value == "of-the-caller"
    assert attributes["nutgraf.input_tokens"].int_value == response.article.input_token_count
    generate = steps["generate"]
    nanoseconds = generate.end_time_unix_nano - generate.start_time_unix_nano
    assert nanoseconds == pytest.approx(response.timings.generate_duration.ToNanoseconds(), abs=1000)
    assert root.start_time_unix_nano <= min(span.start_time_unix_nano for span in steps.values())
    assert not any(ARTICLE[:20] in str(span) for span in found)


def test_refused_articles_and_stream_items_have_spans(collector):
    servicer, endpoint = collector
    items = [pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=text)) for text in (ARTICLE, "", ARTICLE)]
    with running_server(otlp_endpoint=endpoint) as running, running.stub() as stub:
        assert len(list(stub.SummarizeMany(iter(items), timeout=TIMEOUT))) == 3
    roots = [span for span in spans(servicer) if span.name.endswith("/SummarizeMany")]
    assert len(roots) == 3
    (refused,) = [span for span in roots if span.status.code == Status.STATUS_CODE_ERROR]
    assert refused.status.message == "EMPTY_TEXT"


def test_spans_of_checks_join_the_callers_trace(collector):
    servicer, endpoint = collector
    summary = "The crane was built in 1974. It was sold to Harlow."
    with running_server(otlp_endpoint=endpoint) as running, running.stub() as stub:
        checked = pb.CheckSummaryRequest(text=ARTICLE, summary=summary)
        stub.CheckSummary(checked, metadata=CALLER, timeout=TIMEOUT)
        with pytest.raises(grpc.RpcError):
            stub.CheckSummary(pb.CheckSummaryRequest(text=ARTICLE), metadata=CALLER, timeout=TIMEOUT)
    found = spans(servicer)
    root, refused = sorted(
        (span for span in found if span.name.endswith("/CheckSummary")), key=lambda span: span.status.code
    )
    steps = {span.name: span for span in found if span not in (root, refused)}
    assert set(steps) == {"queue", "tokenize", "check"}
    assert {span.trace_id.hex() for span in found} == {TRACE}
    assert {span.parent_span_id for span in steps.values()} == {root.span_id}
    attributes = {one.key: one.value for one in root.attributes}
    assert attributes["rpc.method"].string_value == "CheckSummary"
    assert attributes["nutgraf.request_id"].string_value == "of-the-caller"
    assert attributes["nutgraf.sentences"].int_value == 2
    assert root.start_time_unix_nano <= min(span.start_time_unix_nano for span in steps.values())
    assert (refused.status.code, refused.status.message) == (Status.STATUS_CODE_ERROR, "EMPTY_SUMMARY")
    assert not any(text in str(span) for span in found for text in (ARTICLE[:20], "Harlow"))


def test_calls_are_answered_without_a_collector():
    with running_server(otlp_endpoint="http://127.0.0.1:9") as running, running.stub() as stub:
        assert stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).summaries


def attributes_of(span: Span) -> dict[str, object]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_failed_cancelled_and_late_calls_have_spans_with_their_attributes(collector):
    servicer, endpoint = collector
    engine = GatedEngine()
    request = pb.SummarizeRequest(text=ARTICLE)
    with running_server(lambda: summarizer_with(engine), otlp_endpoint=endpoint) as running, running.stub() as stub:
        call = partial(stub.Summarize.future, request, metadata=CALLER)
        cancelled = call(timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        cancelled.cancel()
        engine.wait_until(lambda one: len(one.cancelled) == 1)
        late = call(timeout=0.3)
        assert late.exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED
        engine.wait_until(lambda one: len(one.cancelled) == 2)
        engine.fail_next = RuntimeError("Marlow")
        engine.allow(1)
        assert call(timeout=TIMEOUT).exception().code() is grpc.StatusCode.INTERNAL
        stream = stub.SummarizeMany(
            iter([pb.SummarizeManyRequest(request=request)] * 2), metadata=CALLER, timeout=TIMEOUT
        )
        engine.wait_until(lambda one: len(one.submitted) == 5)
        stream.cancel()
        engine.wait_until(lambda one: len(one.cancelled) == 4)
    found = spans(servicer)
    # The stream's second article has a span, too, if the server has read it.
    assert {(span.name.rpartition("/")[2], span.status.message) for span in found} == {
        ("Summarize", "CANCELLED"),
        ("Summarize", "DEADLINE_EXCEEDED"),
        ("Summarize", "INTERNAL"),
        ("SummarizeMany", "CANCELLED"),
    }
    for span in found:
        assert span.status.code == Status.STATUS_CODE_ERROR
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
        assert span.end_time_unix_nano > span.start_time_unix_nano
        assert attributes_of(span) == {
            "rpc.system": "grpc",
            "rpc.method": span.name.rpartition("/")[2],
            "nutgraf.request_id": "of-the-caller",
            "nutgraf.characters": len(ARTICLE),
        }
    (late,) = [span for span in found if span.status.message == "DEADLINE_EXCEEDED"]
    assert late.end_time_unix_nano - late.start_time_unix_nano > 100_000_000


def test_a_failed_check_has_a_span_with_its_attributes(collector):
    servicer, endpoint = collector
    with running_server(otlp_endpoint=endpoint) as running, running.stub() as stub:
        request = pb.CheckSummaryRequest(text=ARTICLE, summary="It fell.", support_threshold=7)
        with pytest.raises(grpc.RpcError):
            stub.CheckSummary(request, metadata=CALLER, timeout=TIMEOUT)
    (span,) = spans(servicer)
    assert span.status.message == "BAD_THRESHOLD"
    assert attributes_of(span)["nutgraf.characters"] == len(ARTICLE)


def test_a_message_that_does_not_parse_has_a_span(collector):
    servicer, endpoint = collector
    with running_server(otlp_endpoint=endpoint) as running, grpc.insecure_channel(running.address) as channel:
        call = channel.unary_unary("/nutgraf.v1.SummarizerService/Summarize")
        with pytest.raises(grpc.RpcError):
            call(b"\xff", metadata=CALLER, timeout=TIMEOUT)
    (span,) = spans(servicer)
    assert span.status.message == "MALFORMED_MESSAGE"
