"""Opening the ports of a server: gRPC's, with its channel options, and the one for Prometheus."""

import grpc
import structlog

from nutgraf_service.addresses import UNIX, bracketed, check_free, listening_address
from nutgraf_service.metrics import Endpoint, Metrics
from nutgraf_service.security import credentials
from nutgraf_service.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")

# Time for a peer to answer a keepalive ping.
_PONG_SECONDS = 20.0


class PortInUse(Exception):
    """The server cannot listen on the address."""


def channel_options(settings: Settings) -> list[tuple[str, int]]:
    """The options of the gRPC server."""
    pong = round(1000 * min(settings.keepalive, _PONG_SECONDS))
    options = [
        # Without this, two servers share a port silently.
        ("grpc.so_reuseport", 0),
        # Clients may ping every 30 s, with or without a call in progress.
        ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_concurrent_streams", settings.max_concurrent_streams),
        # The server's own pings find peers that vanished without closing the connection.
        ("grpc.keepalive_time_ms", round(1000 * settings.keepalive)),
        ("grpc.keepalive_timeout_ms", pong),
        ("grpc.http2.ping_timeout_ms", pong),  # overrides the timeout above, and is a minute by default
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.enable_channelz", int(settings.channelz)),  # on by default in gRPC
    ]
    if settings.max_connection_age:
        # The grace after it is unlimited by default, so calls in progress finish.
        options.append(("grpc.max_connection_age_ms", round(1000 * settings.max_connection_age)))
    return options


def open_port(server: grpc.aio.Server, settings: Settings) -> int:
    """Binds the address in the settings, and returns the port.

    Raises:
        PortInUse: the address is not available.
        SecurityError: the TLS files cannot be used.
    """
    address = listening_address(settings.host, settings.port)
    secure = credentials(settings)
    try:
        check_free(address)
        port = server.add_insecure_port(address) if secure is None else server.add_secure_port(address, secure)
    except OSError as error:
        raise PortInUse(f"cannot listen on {address}: {error.strerror or error}") from error
    except RuntimeError:
        port = 0
    if port == 0 and address.startswith(UNIX):
        raise PortInUse(
            f"cannot listen on {address}: something else is there, or its folder is missing or not writable"
        )
    if port == 0:
        raise PortInUse(
            f"cannot listen on {address}: the port is in use or needs privileges, or this machine does not have the "
            "address; choose another with --port or --host"
        )
    return port


def open_metrics_port(metrics: Metrics, host: str, port: int) -> Endpoint:
    """Serves metrics over HTTP.

    Raises:
        PortInUse: the address is not available.
    """
    try:
        endpoint = Endpoint(metrics, host, port)
    except OSError as error:
        reason = error.strerror or "no such address"
        raise PortInUse(
            f"cannot listen on {host}:{port} for metrics: {reason}; choose another with --metrics-port or "
            "--metrics-host"
        ) from error
    log.info("metrics", address=f"http://{bracketed(host)}:{endpoint.port}/metrics")
    return endpoint
