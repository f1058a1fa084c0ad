"""A scriptable nutgraf server for the client's tests: the real contract on a real port, without a model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1 import summarizer_pb2_grpc as pb_grpc

SERVICE = "nutgraf.v1.SummarizerService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
# Not allowed for any call; the last one is a year and a second.
INVALID_TIMEOUTS = [0, -1, float("nan"), float("inf"), 9e9, 1e300, 365 * 24 * 60 * 60 + 1]

Unary = Callable[[pb.SummarizeRequest, grpc.ServicerContext], pb.SummarizeResponse]
Check = Callable[[pb.CheckSummaryRequest, grpc.ServicerContext], pb.CheckSummaryResponse]
Many = Callable[[Iterator[pb.SummarizeManyRequest], grpc.ServicerContext], Iterator[pb.SummarizeManyResponse]]


def make_status(
    code: int,
    message: str = "",
    *,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
    retry_after: float | None = None,
    domain: str = "nutgraf",
) -> Status:
    """A status with error details in the form that the service uses."""
    details: list[Any] = []
    if reason is not None:
        details.append(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata or {}))
    if fields:
        bad = error_details_pb2.BadRequest()
        for field, description in fields.items():
            bad.field_violations.add(field=field, description=description)
        details.append(bad)
    if retry_after is not None:
        delay = Duration()
        delay.FromNanoseconds(round(retry_after * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = Status(code=code, message=message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def draining() -> Status:
    return make_status(code_pb2.UNAVAILABLE, "shutting down", reason="DRAINING", retry_after=0.01)


def abort(context: grpc.ServicerContext, status: Status) -> None:
    context.abort_with_status(rpc_status.to_status(status))


def lead(request: pb.SummarizeRequest) -> pb.SummarizeResponse:
    """A response with the text's first sentence for each requested length."""
    response = pb.SummarizeResponse(model="stub")
    response.article.character_count = len(request.text)
    response.timings.total_duration.FromMilliseconds(1500)
    specs = request.summaries or [
        pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT),
        pb.SummarySpec(length=pb.SUMMARY_LENGTH_LONG),
    ]
    for spec in specs:
        text = request.text.split(". ")[0].rstrip(".") + "."
        summary = response.summaries.add(length=spec.length, text=text, finish_reason=pb.FINISH_REASON_STOP)
        sentence = summary.sentences.add(support=0.75)
        sentence.span.end = len(text)
        evidence = sentence.evidence.add(score=0.5)
        evidence.span.end = len(text)
    return response


def checked(request: pb.CheckSummaryRequest) -> pb.CheckSummaryResponse:
    """A check of each line. The first is supported; a line that ends with "!" claims nothing; the others are doubted.

    The evidence is the whole text.
    """
    response = pb.CheckSummaryResponse(support=1.0, verdict=pb.VERDICT_SUPPORTED, support_threshold=0.5)
    if request.HasField("support_threshold"):
        response.support_threshold = request.support_threshold
    response.checks_run.append(pb.CHECK_KIND_EVIDENCE)
    response.article.character_count = len(request.text)
    response.timings.total_duration.FromMilliseconds(20)
    start = 0
    for line in request.summary.splitlines():
        sentence = response.sentences.add(span=pb.Span(start=start, end=start + len(line)))
        if line.endswith("!"):
            sentence.support, sentence.verdict = 1.0, pb.VERDICT_NO_CLAIM
        else:
            sentence.support, sentence.verdict = (0.25, pb.VERDICT_DOUBTED) if start else (0.75, pb.VERDICT_SUPPORTED)
            sentence.evidence.add(span=pb.Span(end=len(request.text)), score=0.5)
            response.support = min(response.support, sentence.support)
        if sentence.verdict == pb.VERDICT_DOUBTED:
            response.verdict = pb.VERDICT_DOUBTED
            response.unsupported_terms.add(span=pb.Span(start=start, end=start + 3), kind=pb.TERM_KIND_NAME)
        start += len(line) + 1
    return response


def answer(request: pb.SummarizeManyRequest) -> pb.SummarizeManyResponse:
    return pb.SummarizeManyResponse(id=request.id, response=lead(request.request))


def echo(requests: Iterator[pb.SummarizeManyRequest], context: grpc.ServicerContext) -> Iterator[Any]:
    for request in requests:
        yield answer(request)


class Servicer(pb_grpc.SummarizerServiceServicer):
    def __init__(self) -> None:
        self.unary: Unary = lambda request, context: lead(request)
        self.check: Check = lambda request, context: checked(request)
        self.many: Many = echo
        self.info = pb.GetServerInfoResponse(state=pb.SERVER_STATE_SERVING, model="stub", family="lead")
        self.requests: list[pb.SummarizeRequest] = []
        self.checks: list[pb.CheckSummaryRequest] = []
        self.metadata: list[dict[str, str]] = []
        self.streams: list[list[pb.SummarizeManyRequest]] = []
        self.silent_streams = 0
        self.stream_started = threading.Semaphore(0)
        self.stream_ended = threading.Semaphore(0)

    def Summarize(self, request: pb.SummarizeRequest, context: grpc.ServicerContext) -> pb.SummarizeResponse:
        self._record(context)
        self.requests.append(request)
        return self.unary(request, context)

    def CheckSummary(self, request: pb.CheckSummaryRequest, context: grpc.ServicerContext) -> pb.CheckSummaryResponse:
        self._record(context)
        self.checks.append(request)
        return self.check(request, context)

    def SummarizeMany(
        self, requests: Iterator[pb.SummarizeManyRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.SummarizeManyResponse]:
        if self.silent_streams:
            self.silent_streams -= 1
            self._stay_silent(context)
            return
        self._record(context)
        seen: list[pb.SummarizeManyRequest] = []
        self.streams.append(seen)
        self.stream_started.release()
        if not context.add_callback(self.stream_ended.release):
            self.stream_ended.release()  # it has already ended

        def recorded() -> Iterator[pb.SummarizeManyRequest]:
            for request in requests:
                seen.append(request)
                yield request

        yield from self.many(recorded(), context)

    def GetServerInfo(self, request: pb.GetServerInfoRequest, context: grpc.ServicerContext) -> Any:
        self._record(context)
        return self.info

    def _stay_silent(self, context: grpc.ServicerContext) -> None:
        ended = threading.Event()
        if context.add_callback(ended.set):
            ended.wait(30)

    def _record(self, context: grpc.ServicerContext) -> None:
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.metadata.append(metadata)
        context.send_initial_metadata((("x-request-id", metadata.get("x-request-id", "from-server")),))


class StubServer:
    """A server that can be stopped, and started again on the same port."""

    def __init__(
        self,
        *,
        with_health: bool = True,
        max_message_bytes: int = 4 * 1024 * 1024,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self.servicer = Servicer()
        self.health = health.HealthServicer() if with_health else None
        self.port = 0
        self._max_message_bytes = max_message_bytes
        self._credentials = credentials
        self._server: grpc.Server | None = None
        self.set_health(SERVING)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def set_health(self, status: int) -> None:
        if self.health is not None:
            self.health.set(SERVICE, status)

    def start(self) -> StubServer:
        self._server = grpc.server(
            futures.ThreadPoolExecutor(32),
            options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", self._max_message_bytes)],
        )
        pb_grpc.add_SummarizerServiceServicer_to_server(self.servicer, self._server)
        if self.health is not None:
            health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        if self._credentials is None:
            self.port = self._server.add_insecure_port(self.address)
        else:
            self.port = self._server.add_secure_port(self.address, self._credentials)
        self._server.start()
        return self

    def stop(self) -> None:
        """Cuts every connection, like `kill -9`."""
        if self._server is not None:
            self._server.stop(None).wait()
            self._server = None


def free_port() -> int:
    """A port on which nothing listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
