"""OpenTelemetry: one span per article in the caller's trace, with child spans for its steps."""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from nutgraf_service.checker import CheckOutcome
from nutgraf_service.sharing import Outcome


class TracingUnavailable(Exception):
    """The libraries for tracing are not installed."""


class Tracing:
    """Sends spans to `endpoint` by OTLP over gRPC, in the background. `http://` means plain text, `https://` TLS.

    OpenTelemetry's own environment variables apply (`OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES` and so on).

    Raises:
        TracingUnavailable: the extra `otel` is not installed.
    """

    def __init__(self, endpoint: str, version: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError:
            raise TracingUnavailable("--otlp-endpoint needs the extra: pip install 'nutgraf-server[otel]'") from None
        # The environment overrides these attributes.
        resource = Resource({"service.name": "nutgraf", "service.version": version}).merge(Resource.create())
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=3)))
        self._tracer = self._provider.get_tracer("nutgraf", version)

    def summarized(self, headers: Iterable[tuple[str, Any]], method: str, request_id: str, outcome: Outcome) -> None:
        """Sends a span for an article that has just been answered, with a child span for each step."""
        summary = outcome.summary
        counts = {
            "nutgraf.characters": summary.character_count,
            "nutgraf.input_tokens": summary.input_tokens,
            "nutgraf.output_tokens": sum(written.output_tokens for written in summary.summaries),
        }
        steps = {
            "tokenize": summary.tokenize_seconds,
            "queue": outcome.queue_seconds,
            "generate": outcome.generate_seconds,
            "check": summary.check_seconds,
        }
        self._answered(headers, method, request_id, outcome.total_seconds, counts, steps)

    def checked(self, headers: Iterable[tuple[str, Any]], method: str, request_id: str, outcome: CheckOutcome) -> None:
        """Sends a span for a summary that has just been checked, with a child span for each step."""
        checked = outcome.checked
        counts = {
            "nutgraf.characters": checked.character_count,
            "nutgraf.input_tokens": checked.input_tokens,
            "nutgraf.sentences": len(checked.sentences),
        }
        steps = {
            "queue": outcome.queue_seconds,
            "tokenize": checked.tokenize_seconds,
            "check": checked.check_seconds,
        }
        self._answered(headers, method, request_id, outcome.total_seconds, counts, steps)

    def failed(
        self,
        headers: Iterable[tuple[str, Any]],
        method: str,
        request_id: str,
        reason: str,
        *,
        seconds: float,
        characters: int,
    ) -> None:
        """Sends a span for an article that failed or was cancelled after the given seconds."""
        from opentelemetry.trace import Status, StatusCode

        at = time.time_ns() - _ns(seconds)
        span = self._start(headers, method, request_id, at, {"nutgraf.characters": characters})
        span.set_status(Status(StatusCode.ERROR, reason))
        span.end()

    def close(self) -> None:
        """Sends the remaining spans."""
        self._provider.shutdown()

    def _answered(
        self,
        headers: Iterable[tuple[str, Any]],
        method: str,
        request_id: str,
        seconds: float,
        counts: dict[str, int],
        steps: dict[str, float],
    ) -> None:
        """Sends a span that began `seconds` ago and ends now, with the steps as consecutive child spans."""
        from opentelemetry import trace

        at = time.time_ns() - _ns(seconds)
        span = self._start(headers, method, request_id, at, counts)
        inside = trace.set_span_in_context(span)
        for name, step_seconds in steps.items():
            step = self._tracer.start_span(name, context=inside, start_time=at)
            at += _ns(step_seconds)
            step.end(at)
        span.end()

    def _start(
        self,
        headers: Iterable[tuple[str, Any]],
        method: str,
        request_id: str,
        at: int,
        counts: dict[str, int] | None = None,
    ) -> Any:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {key: value for key, value in headers if isinstance(value, str)}
        parent = TraceContextTextMapPropagator().extract(carrier)
        return self._tracer.start_span(
            f"nutgraf.v1.SummarizerService/{method}",
            context=parent,
            kind=SpanKind.SERVER,
            start_time=at,
            attributes={
                "rpc.system": "grpc",
                "rpc.method": method,
                "nutgraf.request_id": request_id,
                **(counts or {}),
            },
        )


def _ns(seconds: float) -> int:
    return round(1e9 * seconds)
