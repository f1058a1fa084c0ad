"""Hosting on Ray Serve: `ray_replica` runs in each replica, `ray_proxy` serves the contract on Serve's gRPC proxy.

Serve does the routing, queueing, scaling and restarting. The scheduler does the batching inside a replica.
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
# The settings that Serve's proxy does not support.
_UNSUPPORTED = (
    *("tls_certificate", "tls_key", "tls_client_ca", "open_health"),
    *("metrics_port", "max_connection_age", "keepalive", "max_concurrent_streams", "channelz"),
)


class RayUnavailable(Exception):
    """Ray is not installed, or does not support the settings."""


def app(settings: Settings) -> Any:
    """Builds the application. In a Serve config, it is the `import_path`, and the settings are its `args`.

    Raises:
        RayUnavailable: Serve does not support the settings.
    """
    _check(settings)
    return deployment(settings).bind(settings)


def deployment(settings: Settings, replica: type[Replica] = Replica) -> Any:
    from ray import serve

    return serve.deployment(replica).options(
        name="summarizer",
        ray_actor_options={"num_cpus": settings.threads or 1},
        autoscaling_config={"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 4},
        # More than an engine runs at the same time, so that it never waits for the next one.
        max_ongoing_requests=8,
        max_queued_requests=settings.max_queued_requests,
        graceful_shutdown_timeout_s=settings.drain_grace,
    )


def run(settings: Settings) -> None:
    """Runs the application on the cluster at `RAY_ADDRESS`, or on a new one, until SIGTERM or SIGINT.

    Raises:
        RayUnavailable: Ray is not installed, or does not support the settings.
        ModelError: the model is unknown.
    """
    _check(settings)
    if settings.host not in ("0.0.0.0", "::"):
        raise RayUnavailable("Ray Serve listens on every address of the machine; confirm this with --host 0.0.0.0")
    try:
        import ray
        from ray import serve
    except ImportError:
        raise RayUnavailable("--ray requires the extra: pip install 'nutgraf-server[ray]'") from None
    # Checked here, because Ray takes half a minute to report it.
    find_card(settings.model)
    _free_ports(settings.port)
    # Serve's proxy gets the environment that the cluster was started with.
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
            raise RayUnavailable(f"Ray Serve did not start the application; see its log above: {last}") from error
        log.info("listening", address=f"{settings.host}:{port}", tls=False)
        warning = exposure_warning(settings)
        if warning is not None:
            log.warning(warning)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        stop.wait()
        # First the replicas, which finish their calls, and then the proxy, which sends the answers.
        serve.delete(APP)
        serve.shutdown()
    finally:
        ray.shutdown()


def start(settings: Settings) -> int:
    """Starts Serve with the contract on its proxy. Returns the proxy's port.

    The cluster must be running, because Ray's own processes take free ports as they start.
    """
    from ray import serve

    # Serve always needs an HTTP port, too.
    port, http_port = _free_ports(settings.port, 0)
    serve.start(
        grpc_options={
            "port": port,
            "grpc_servicer_functions": [HOOK],
            # Serve's reflection does not require a token.
            "enable_reflection": settings.reflection and (settings.token_file is None or settings.open_reflection),
        },
        http_options={"host": "127.0.0.1", "port": http_port},
    )
    return port


def _check(settings: Settings) -> None:
    asked = [name for name in _UNSUPPORTED if getattr(settings, name) != Settings.model_fields[name].default]
    if asked:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise RayUnavailable(f"Ray Serve does not support {flags}; use a proxy in front that does")


def _free_ports(*wanted: int) -> list[int]:
    """Checks that the ports in `wanted` are free, and replaces each 0 by a free port. All are different.

    Raises:
        RayUnavailable: a port is in use.
    """
    with contextlib.ExitStack() as held:
        found = []
        for port in wanted:
            try:
                # Kept open until all are found, so that the system does not return the same one twice.
                listener = held.enter_context(socket.create_server(("", port)))
            except OSError:
                message = f"cannot listen on port {port}: it is in use; choose another with --port"
                raise RayUnavailable(message) from None
            found.append(int(listener.getsockname()[1]))
        return found
