"""The life of a server: bind, load, serve, drain, end."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from importlib.metadata import version

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from nutgraf.v1 import summarizer_pb2_grpc
from nutgraf_models.loading import load_summarizer
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_service.addresses import UNIX, bracketed, check_free, listening_address
from nutgraf_service.calls import SERVICE, MalformedMessages
from nutgraf_service.core import Core
from nutgraf_service.metrics import Endpoint, Metrics
from nutgraf_service.scheduler import Crashed
from nutgraf_service.security import Authentication, Tokens, credentials, exposure_warning, open_services
from nutgraf_service.servicer import Servicer
from nutgraf_service.settings import Settings
from nutgraf_service.tracing import Tracing

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")

_OPTIONS = [
    # Without this, two servers share a port in silence.
    ("grpc.so_reuseport", 0),
    # A client may ping every 30 s, with or without a call under way.
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
]

# For a peer to answer a ping.
_PONG_SECONDS = 20.0
# For the last answers to leave.
_FLUSH_SECONDS = 0.5
# For the handlers of cancelled calls to return.
_HANDLERS_SECONDS = 5.0


class PortInUse(Exception):
    """The address cannot be listened on."""


class EngineFailed(Exception):
    """The engine did not come back, or its thread has ended; only a new process can help."""


class Server:
    """A server in this process and event loop. `port` is the one it listens on, once `bind` has been called.

    `load` gets the model; it runs in a thread of its own.
    """

    def __init__(self, settings: Settings, load: Callable[[], Summarizer] | None = None) -> None:
        self._settings = settings
        self._load = load or (
            lambda: load_summarizer(
                settings.model, engine=settings.engine, threads=settings.threads, check=settings.check
            )
        )
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
            tokens = Tokens(settings.token_file)
            interceptors.insert(0, Authentication(tokens, self._servicer.calls, open_services(settings)))
        self._server = grpc.aio.server(interceptors=interceptors, options=_options(settings))
        self.port = 0

    @property
    def metrics_port(self) -> int | None:
        """The port that Prometheus may read, if one does."""
        return None if self._endpoint is None else self._endpoint.port

    async def bind(self) -> None:
        """Listens, before there is a model: probes and `GetServerInfo` are answered, everything else is refused.

        Raises:
            PortInUse: the address cannot be had.
            SecurityError: the files for TLS cannot be used.
        """
        summarizer_pb2_grpc.add_SummarizerServiceServicer_to_server(self._servicer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if self._settings.reflection:
            names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        if self._settings.channelz:
            from grpc_channelz.v1 import channelz  # its API is experimental: nobody else is to depend on it

            channelz.add_channelz_servicer(self._server)
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        host = self._settings.host
        address = listening_address(host, self._settings.port)
        secure = credentials(self._settings)
        try:
            check_free(address)
            if secure is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, secure)
        except OSError as error:
            raise PortInUse(f"cannot listen on {address}: {error.strerror or error}") from error
        except RuntimeError:
            self.port = 0
        if self.port == 0 and address.startswith(UNIX):
            raise PortInUse(
                f"cannot listen on {address}: something else is there, or its folder is not there or not for this user"
            )
        if self.port == 0:
            raise PortInUse(
                f"cannot listen on {address}: the port is in use or not for this user, or the address is not this "
                "machine's; choose another with --port or --host"
            )
        if self._settings.metrics_port is not None:
            self._endpoint = self._serve_metrics(self._settings.metrics_host, self._settings.metrics_port)
        await self._server.start()
        log.info(
            "listening", address=listening_address(host, self.port), tls=secure is not None, state=self.core.state.value
        )
        warning = exposure_warning(self._settings)
        if warning is not None:
            log.warning(warning)

    def _serve_metrics(self, host: str, port: int) -> Endpoint:
        try:
            endpoint = Endpoint(self.metrics, host, port)
        except OSError as error:
            reason = error.strerror or "no such address"
            raise PortInUse(
                f"cannot listen on {host}:{port} for metrics: {reason}; choose another with --metrics-port or "
                "--metrics-host"
            ) from error
        log.info("metrics", address=f"http://{bracketed(host)}:{endpoint.port}/metrics")
        return endpoint

    async def load(self) -> None:
        """Loads the model and writes a summary with it; then the server is SERVING.

        Raises:
            ModelError: the model cannot be had.
        """
        loop = asyncio.get_running_loop()
        summarizer = await loop.run_in_executor(None, self._load)
        await self.core.serve_with(summarizer)
        if not self.core.draining.is_set():
            await self._set_health(health_pb2.HealthCheckResponse.SERVING)
            log.info("serving", model=summarizer.card.id, engine=summarizer.engine.name)

    async def watch(self) -> None:
        """Looks after the engine until it hangs or ends; then every call is answered by an error.

        Raises:
            EngineFailed: a step took longer than the settings allow, or the engine's thread has ended.
        """
        most = self._settings.max_step_seconds
        while (failure := self.core.failure(most)) is None:  # noqa: ASYNC110 - a thread that hangs sets no event
            await asyncio.sleep(min(1.0, most / 4))
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self.core.give_up()
        message = f"{failure}; the process ends"
        log.error(message)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._servicer.calls.wait_until_idle(), _FLUSH_SECONDS)
        raise EngineFailed(message)

    async def drain(self) -> None:
        """Refuses new calls, finishes the accepted ones within the grace, and stops."""
        self.core.drain()
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        grace = asyncio.create_task(self._server.stop(self._settings.drain_grace))
        idle = asyncio.create_task(self._servicer.calls.wait_until_idle())
        await asyncio.wait((grace, idle), return_when=asyncio.FIRST_COMPLETED)
        # Health watches never end by themselves, and must not use up the grace.
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


async def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then drains. A second signal ends the process at once.

    Raises:
        ModelError, PortInUse, SecurityError: the server cannot start.
        EngineFailed: it has to be started anew.
    """
    server = Server(settings)
    await server.bind()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal(number: int) -> None:
        # From now on the default applies: the process ends.
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)
            signal.signal(one, signal.SIG_DFL)
        stop.set()
        log.info("draining", signal=signal.Signals(number).name, grace_seconds=settings.drain_grace)

    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, on_signal, one)
    stopping = asyncio.create_task(stop.wait())
    loading = asyncio.create_task(server.load())
    watching = asyncio.create_task(server.watch())
    # The engine may fail at its first summary, too: then it is said as ever, and not by what loading makes of it.
    await asyncio.wait((stopping, loading, watching), return_when=asyncio.FIRST_COMPLETED)
    try:
        if loading.done():
            if isinstance(loading.exception(), Crashed):
                await watching
            loading.result()
        await asyncio.wait((stopping, watching), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        await server.drain()
        stopping.cancel()


async def _wait_for_handlers() -> None:
    """Waits until gRPC's tasks for the calls of a stopped server have ended, for at most `_HANDLERS_SECONDS`.

    `stop` returns as soon as the calls are cancelled, while their handlers may still be running. If the event loop
    ended now, it would cancel these tasks, and grpc.aio prints a traceback to standard error for some of them.
    """
    tasks = [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__name__", "") == "_schedule_rpc_coro"]
    if tasks:
        await asyncio.wait(tasks, timeout=_HANDLERS_SECONDS)


def _options(settings: Settings) -> list[tuple[str, int]]:
    pong = round(1000 * min(settings.keepalive, _PONG_SECONDS))
    options = [
        *_OPTIONS,
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_concurrent_streams", settings.max_concurrent_streams),
        # Pings of the server's own, by which peers are noticed that vanished without a word. No client counts them:
        # what is "too many" is asked of its pings alone.
        ("grpc.keepalive_time_ms", round(1000 * settings.keepalive)),
        ("grpc.keepalive_timeout_ms", pong),
        ("grpc.http2.ping_timeout_ms", pong),  # else a minute, which goes before the other
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.enable_channelz", int(settings.channelz)),  # gRPC itself counts by default
    ]
    if settings.max_connection_age:
        # With no grace of its own set, it is unlimited: calls under way end in their own time.
        options.append(("grpc.max_connection_age_ms", round(1000 * settings.max_connection_age)))
    return options
