"""The class that runs in each Ray Serve replica: the core and the servicer, as on grpc.aio."""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version
from typing import Any, NoReturn

import grpc
import structlog
from google.rpc import code_pb2, status_pb2
from grpc_health.v1 import health_pb2

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_service.calls import DETAILS, SERVICE
from nutgraf_service.core import Core
from nutgraf_service.logs import configure_logs
from nutgraf_service.metrics import Metrics
from nutgraf_service.model import start_loading
from nutgraf_service.ray_proxy import REMAINING
from nutgraf_service.security import BearerTokens, no_token
from nutgraf_service.servicer import Servicer
from nutgraf_service.settings import Settings
from nutgraf_service.tracing import Tracing

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")


class _Failed(Exception):
    """The call failed; the context has the status."""


class _Context:
    """Adapts Serve's context of a call to the interface of grpc.aio's, which the servicer uses."""

    def __init__(self, context: Any, write: Callable[[Any], Awaitable[None]] | None = None) -> None:
        self._context = context
        self.write = write

    def invocation_metadata(self) -> list[tuple[str, str]]:
        return list(self._context.invocation_metadata())

    def time_remaining(self) -> float | None:
        # The last value is the proxy's.
        remaining = dict(self.invocation_metadata())[REMAINING]
        return float(remaining) if remaining else None

    async def send_initial_metadata(self, metadata: object) -> None:
        """Does nothing: the proxy has sent it."""

    async def abort(self, code: grpc.StatusCode, message: str, trailing: tuple[tuple[str, bytes], ...]) -> NoReturn:
        self._context.set_code(code)
        self._context.set_details(message)
        self._context.set_trailing_metadata(list(trailing))
        raise _Failed


class Replica:
    """Runs in each replica. Its methods have the names of the RPCs."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc]
        configure_logs(settings.log_level, settings.log_format)
        self._settings = settings
        self._failure: str | None = None
        metrics, release = Metrics(), version("nutgraf")
        self._tokens = None if settings.token_file is None else BearerTokens(settings.token_file)
        self._tracing = None if settings.otlp_endpoint is None else Tracing(settings.otlp_endpoint, release)
        self._core = Core(
            metrics,
            max_queued=settings.max_queued_requests,
            max_queued_tokens=settings.max_queued_tokens,
            cache_bytes=settings.cache_bytes,
            cache_seconds=settings.cache_seconds,
        )
        self._servicer = Servicer(self._core, settings, metrics, self._tracing, release)
        summarizer = await asyncio.to_thread(self._load)
        await self._core.serve_with(summarizer)
        log.info("serving", model=summarizer.card.id, engine=summarizer.engine.name)

    def _load(self) -> Summarizer:
        # Other replicas share the machine's cores.
        alone = self._settings.model_copy(update={"threads": self._settings.threads or 1})
        return start_loading(alone)()

    async def Summarize(self, request: Any, grpc_context: Any) -> pb.SummarizeResponse:
        return await self._answer("Summarize", request, grpc_context) or pb.SummarizeResponse()

    async def CheckSummary(self, request: Any, grpc_context: Any) -> pb.CheckSummaryResponse:
        return await self._answer("CheckSummary", request, grpc_context) or pb.CheckSummaryResponse()

    async def GetServerInfo(self, request: Any, grpc_context: Any) -> pb.GetServerInfoResponse:
        return await self._answer("GetServerInfo", request, grpc_context) or pb.GetServerInfoResponse()

    async def SummarizeMany(self, requests: Any, grpc_context: Any) -> AsyncIterator[pb.SummarizeManyResponse]:
        # Unbounded: Serve takes answers as they come. Only flow control on the requests limits their number.
        answers: asyncio.Queue[pb.SummarizeManyResponse | None] = asyncio.Queue()
        call = asyncio.create_task(self._answer("SummarizeMany", requests, grpc_context, answers.put))
        call.add_done_callback(lambda _: answers.put_nowait(None))
        try:
            while (answer := await answers.get()) is not None:
                yield answer
            await call
            if grpc_context.code():
                yield pb.SummarizeManyResponse()  # carries the status; the proxy drops the message
        finally:
            call.cancel()

    async def Check(self, request: health_pb2.HealthCheckRequest, grpc_context: Any) -> health_pb2.HealthCheckResponse:
        if request.service not in ("", SERVICE):
            unknown = status_pb2.Status(code=code_pb2.NOT_FOUND)
            grpc_context.set_code(grpc.StatusCode.NOT_FOUND)
            grpc_context.set_trailing_metadata([(DETAILS, unknown.SerializeToString())])
            return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)

    async def _answer(
        self, method: str, request: Any, grpc_context: Any, write: Callable[[Any], Awaitable[None]] | None = None
    ) -> Any:
        context: Any = _Context(grpc_context, write)
        try:
            if self._tokens is not None and not self._tokens.authenticate(context.invocation_metadata()):
                async with self._servicer.calls.call(method, context):
                    raise no_token()
            return await getattr(self._servicer, method)(request, context)
        except _Failed:
            return None

    async def check_health(self) -> None:
        """Serve replaces a replica for which this raises."""
        failure = self._core.failure(self._settings.max_step_seconds)
        if failure is not None:
            self._core.give_up()
            self._failure = failure
            log.error(failure)
        if self._failure is not None:
            raise RuntimeError(self._failure)

    def __del__(self) -> None:
        self._core.close()
        if self._tracing is not None:
            self._tracing.close()
