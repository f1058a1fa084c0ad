"""The gRPC server: bind, load the model, watch the engine, drain."""

import asyncio
import contextlib
from collections.abc import Callable
from importlib.metadata import version

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from nutgraf.v1 import summarizer_pb2_grpc
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_service.addresses import listening_address
from nutgraf_service.calls import SERVICE
from nutgraf_service.core import Core
from nutgraf_service.listener import channel_options, open_metrics_port, open_port
from nutgraf_service.malformed import MalformedMessages
from nutgraf_service.metrics import Endpoint, Metrics
from nutgraf_service.model import start_loading
from nutgraf_service.security import Authentication, BearerTokens, exposure_warning, open_services
from nutgraf_service.servicer import Servicer
from nutgraf_service.settings import Settings
from nutgraf_service.tracing import Tracing

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")

# Time for the last answers to leave.
_FLUSH_SECONDS = 0.5
# Time for the handlers of cancelled calls to return.
_HANDLERS_SECONDS = 5.0


class EngineFailed(Exception):
    """The engine hangs, or its thread has ended. Only a new process can help."""


class Server:
    """A server in this process and event loop.

    Args:
        settings: see `nutgraf serve --help`.
        load: loads the model, in a thread; by default the model of the settings.

    Attributes:
        port: the port it listens on, after `bind`.
    """

    def __init__(self, settings: Settings, load: Callable[[], Summarizer] | None = None) -> None:
        self._settings = settings
        self._load = load or (lambda: start_loading(settings)())
        self.metrics = Metrics()
        self._endpoint: Endpoint | None = None
        self.core = Core(
            self.metrics,
            max_queued=settings.max_queued_requests,
            max_queued_tokens=settings.max_queued_tokens,
            cache_bytes=settings.cache_bytes,
            cache_seconds=settings.cache_seconds,
        )
        release = version("nutgraf")
        self._tracing = None if settings.otlp_endpoint is None else Tracing(settings.otlp_endpoint, release)
        self._servicer = Servicer(self.core, settings, self.metrics, self._tracing, release)
        self._health = health.aio.HealthServicer()
        interceptors: list[grpc.aio.ServerInterceptor] = [MalformedMessages()]
        if settings.token_file is not None:
            tokens = BearerTokens(settings.token_file)
            interceptors.insert(0, Authentication(tokens, self._servicer.calls, open_services(settings)))
        self._server = grpc.aio.server(interceptors=interceptors, options=channel_options(settings))
        self.port = 0

    @property
    def metrics_port(self) -> int | None:
        """The port for Prometheus; None without one."""
        return None if self._endpoint is None else self._endpoint.port

    async def bind(self) -> None:
        """Starts to listen, before the model is loaded: health and `GetServerInfo` answer, other calls fail.

        Raises:
            PortInUse: the address is not available.
            SecurityError: the TLS files cannot be used.
        """
        summarizer_pb2_grpc.add_SummarizerServiceServicer_to_server(self._servicer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if self._settings.reflection:
            names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        if self._settings.channelz:
            from grpc_channelz.v1 import channelz  # imported only here, because its API is experimental

            channelz.add_channelz_servicer(self._server)
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self.port = open_port(self._server, self._settings)
        if self._settings.metrics_port is not None:
            self._endpoint = open_metrics_port(self.metrics, self._settings.metrics_host, self._settings.metrics_port)
        await self._server.start()
        log.info(
            "listening",
            address=listening_address(self._settings.host, self.port),
            tls=self._settings.tls_certificate is not None,
            state=self.core.state.value,
        )
        warning = exposure_warning(self._settings)
        if warning is not None:
            log.warning(warning)

    async def load(self) -> None:
        """Loads the model and writes one summary with it. Then the server is SERVING.

        Raises:
            ModelError: the model cannot be loaded.
        """
        loop = asyncio.get_running_loop()
        summarizer = await loop.run_in_executor(None, self._load)
        await self.core.serve_with(summarizer)
        if not self.core.draining.is_set():
            await self._set_health(health_pb2.HealthCheckResponse.SERVING)
            log.info("serving", model=summarizer.card.id, engine=summarizer.engine.name)

    async def watch(self) -> None:
        """Watches the engine until it hangs or its thread ends. Then every call fails.

        Raises:
            EngineFailed: a step took longer than the settings allow, or the engine's thread has ended.
        """
        limit = self._settings.max_step_seconds
        while (failure := self.core.failure(limit)) is None:  # noqa: ASYNC110 - a thread that hangs sets no event
            await asyncio.sleep(min(1.0, limit / 4))
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self.core.give_up()
        message = f"{failure}; the process ends"
        log.error(message)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._servicer.calls.wait_until_idle(), _FLUSH_SECONDS)
        raise EngineFailed(message)

    async def drain(self) -> None:
        """Rejects new calls, finishes the accepted ones within the grace period, and stops."""
        self.core.drain()
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        grace = asyncio.create_task(self._server.stop(self._settings.drain_grace))
        idle = asyncio.create_task(self._servicer.calls.wait_until_idle())
        await asyncio.wait((grace, idle), return_when=asyncio.FIRST_COMPLETED)
        # Health watches never end by themselves, and must not use up the grace period.
        await self._server.stop(_FLUSH_SECONDS)
        idle.cancel()
        await _wait_for_handlers()
        self.core.close()
        if self._endpoint is not None:
            self._endpoint.close()
        if self._tracing is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._tracing.close)
        log.info("stopped")

    async def _set_health(self, status: int) -> None:
        for name in ("", SERVICE):
            await self._health.set(name, status)


async def _wait_for_handlers() -> None:
    """Waits until gRPC's tasks for the calls of a stopped server have ended, for at most `_HANDLERS_SECONDS`.

    `stop` returns as soon as the calls are cancelled, while their handlers may still be running. If the event loop
    ended now, it would cancel these tasks, and grpc.aio prints a traceback to standard error for some of them.
    """
    tasks = [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__name__", "") == "_schedule_rpc_coro"]
    if tasks:
        await asyncio.wait(tasks, timeout=_HANDLERS_SECONDS)
