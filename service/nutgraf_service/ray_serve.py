"""Ray Serve as a host: `ray_replica` in each replica, behind the same contract on Serve's gRPC proxy (`ray_proxy`).

Serve routes, queues, scales and restarts; batching inside a replica is our scheduler's.
"""

import contextlib
import os
import signal
import socket
import threading
from typing import Any

import structlog

from nutgraf_models.checkpoints.registry import find_card
from nutgraf_service.ray_proxy import add_servicers
from nutgraf_service.ray_replica import Replica
from nutgraf_service.security import exposure_warning
from nutgraf_service.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")

APP = "nutgraf"
HOOK = f"{add_servicers.__module__}.{add_servicers.__name__}"
# The settings of a server that Serve's proxy has no place for.
_NOT_SERVES = (
    *("tls_certificate", "tls_key", "tls_client_ca", "open_health"),
    *("metrics_port", "max_connection_age", "keepalive", "max_concurrent_streams", "channelz"),
)


class RayUnavailable(Exception):
    """Ray is not installed, or cannot do what the settings ask for."""


def app(settings: Settings) -> Any:
    """The application. A Serve config names it by `import_path`; its `args` are the settings.

    Raises:
        RayUnavailable: Serve cannot do what the settings ask for.
    """
    _check(settings)
    return deployment(settings).bind(settings)


def deployment(settings: Settings, replica: type[Replica] = Replica) -> Any:
    from ray import serve

    return serve.deployment(replica).options(
        name="summarizer",
        ray_actor_options={"num_cpus": settings.threads or 1},
        autoscaling_config={"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 4},
        # A few more than an engine runs at once, so that it never waits for the next.
        max_ongoing_requests=8,
        max_queued_requests=settings.max_queued_requests,
        graceful_shutdown_timeout_s=settings.drain_grace,
    )


def run(settings: Settings) -> None:
    """Hosts the application on the cluster that `RAY_ADDRESS` names, or on one of its own, until SIGTERM or SIGINT.

    Raises:
        RayUnavailable: Ray is not installed, or cannot do what the settings ask for.
        ModelError: the model is unknown.
    """
    _check(settings)
    if settings.host not in ("0.0.0.0", "::"):
        raise RayUnavailable("Ray Serve listens on every address of the machine; agree to it by --host 0.0.0.0")
    try:
        import ray
        from ray import serve
    except ImportError:
        raise RayUnavailable("--ray needs the extra: pip install 'nutgraf[service,ray]'") from None
    # Reported here, rather than by Ray after half a minute.
    find_card(settings.model)
    _free_ports(settings.port)
    # Serve's proxy has the environment that its cluster was started with.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_SERVE_GRPC_MAX_MESSAGE_SIZE", str(settings.max_message_bytes))
    stop = threading.Event()
    ray.init(include_dashboard=False)
    try:
        try:
            port = start(settings)
            serve.run(app(settings), name=APP)
        except (RuntimeError, ray.exceptions.RayError) as error:
            last = str(error).strip().splitlines()[-1]
            raise RayUnavailable(f"Ray Serve did not start it, and says why above; in the end: {last}") from error
        log.info("listening", address=f"{settings.host}:{port}", tls=False)
        warning = exposure_warning(settings)
        if warning is not None:
            log.warning(warning)
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: stop.set())
        stop.wait()
        # First the replicas end, each when its calls are done; only then the proxy, through which the answers go.
        serve.delete(APP)
        serve.shutdown()
    finally:
        ray.shutdown()


def start(settings: Settings) -> int:
    """Starts Serve with the contract on its proxy; returns the proxy's port.

    Call it once the cluster runs: Ray's own processes take free ports as they start.
    """
    from ray import serve

    # Serve has no gRPC without HTTP.
    port, http_port = _free_ports(settings.port, 0)
    serve.start(
        grpc_options={
            "port": port,
            "grpc_servicer_functions": [HOOK],
            # Serve's reflection asks for no token.
            "enable_reflection": settings.reflection and (settings.token_file is None or settings.open_reflection),
        },
        http_options={"host": "127.0.0.1", "port": http_port},
    )
    return port


def _check(settings: Settings) -> None:
    asked = [name for name in _NOT_SERVES if getattr(settings, name) != Settings.model_fields[name].default]
    if asked:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise RayUnavailable(f"Ray Serve cannot do this: {flags}; put a proxy that can in front")


def _free_ports(*wanted: int) -> list[int]:
    """The ports in `wanted`, each checked to be free; 0 stands for any free port. No two are the same.

    Raises:
        RayUnavailable: a port is in use.
    """
    with contextlib.ExitStack() as held:
        found = []
        for port in wanted:
            try:
                # Held until all are found, so that the system does not hand out the same one twice.
                one = held.enter_context(socket.create_server(("", port)))
            except OSError:
                message = f"cannot listen on port {port}: it is in use; choose another with --port"
                raise RayUnavailable(message) from None
            found.append(int(one.getsockname()[1]))
        return found
