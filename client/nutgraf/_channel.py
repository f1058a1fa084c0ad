"""Credentials, channel options and metadata for calls to a server."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import warnings
from typing import Any

import grpc

from nutgraf._address import DEFAULT_SERVER, is_list, is_local, parse_server
from nutgraf._error_mapping import REQUEST_ID
from nutgraf._version import version

SERVICE = "nutgraf.v1.SummarizerService"

Metadata = tuple[tuple[str, str], ...]
Options = list[tuple[str, Any]]

# No retry policy, because `_outage` retries, and the attempts would multiply.
_BALANCED = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # Skips replicas that are loading or draining. A server without the health service counts as healthy.
    "healthCheckConfig": {"serviceName": SERVICE},
}
_UNBALANCED: dict[str, Any] = {"loadBalancingConfig": [{"pick_first": {}}]}
_CONNECT_TIMEOUT_MS = 2_500
_MAX_RECEIVE_BYTES = 64 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A server's address and the caller's credentials for it."""

    target: str
    """gRPC's target: host:port, dns:///..., ipv4:ip:port,ip:port, unix:..."""
    credentials: grpc.ChannelCredentials | None
    """None for a connection without TLS."""
    token: str | None = dataclasses.field(repr=False)

    @property
    def _channel_sends_token(self) -> bool:
        """Whether the channel sends the token. gRPC allows that only with TLS or within this machine."""
        return self.credentials is not None or _local_type(self.target) is not None

    def channel_credentials(self) -> grpc.ChannelCredentials | None:
        """The credentials of a channel; None for a connection without TLS.

        Includes the token if gRPC allows it, because only then do gRPC's own health checks send it.
        """
        connection, local = self.credentials, _local_type(self.target)
        if self.token is None:
            return connection
        if connection is None and local is not None:
            connection = grpc.local_channel_credentials(local)
        if connection is None:
            return None
        return grpc.composite_channel_credentials(connection, grpc.metadata_call_credentials(_Bearer(self.token)))

    def metadata(self, request_id: str | None = None) -> Metadata:
        """The metadata to send with a call.

        Raises:
            ValueError: `request_id` has characters that are not allowed in metadata.
        """
        pairs: list[tuple[str, str]] = []
        if self.token is not None and not self._channel_sends_token:
            pairs.append(("authorization", f"Bearer {self.token}"))
        if request_id is not None:
            if not re.fullmatch(r"[\x21-\x7e]+", request_id):
                raise ValueError(f"request_id must be printable ASCII without spaces, not {request_id!r}")
            pairs.append((REQUEST_ID, request_id))
        return tuple(pairs)


class _Bearer(grpc.AuthMetadataPlugin):
    def __init__(self, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),)

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        callback(self._metadata, None)


def _local_type(target: str) -> grpc.LocalConnectionType | None:
    """gRPC's type of a connection within this machine; None for other connections."""
    if not is_local(target) or target.lower().startswith("vsock:"):
        return None
    is_socket = target.lower().startswith("unix")
    return grpc.LocalConnectionType.UDS if is_socket else grpc.LocalConnectionType.LOCAL_TCP


def endpoint(
    server: str | None = None, *, tls: bool | grpc.ChannelCredentials = False, token: str | None = None
) -> Endpoint:
    """The endpoint given by a client's arguments and the environment.

    Args:
        server: an address. By default `NUTGRAF_SERVER`, or localhost:50051 if that is unset or empty.
        tls: False for plain text, True for TLS with the system's certificates, or other credentials
            (`grpc.ssl_channel_credentials(...)`, for example with a client certificate).
        token: a bearer token. Warns if it would cross a network in plain text.

    Raises:
        ValueError: the address or the token is invalid, or there are several addresses with TLS, which verifies the
            server's certificate against a single name.
    """
    if token is not None:
        token = token.strip()
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise ValueError("the token is empty or has characters other than printable ASCII")  # never the token
    credentials = grpc.ssl_channel_credentials() if tls is True else (tls or None)
    address = server if server is not None else os.environ.get("NUTGRAF_SERVER") or DEFAULT_SERVER
    target = parse_server(address)
    if credentials is not None and is_list(target):
        raise ValueError("TLS verifies the servers' certificates by name; give a name instead of a list of addresses")
    if token is not None and credentials is None and not is_local(target):
        warnings.warn(
            f"the token goes to {target} in plain text, and anybody on the network can read it: use TLS "
            "(tls=True, on the command line --tls or --ca)",
            stacklevel=3,  # the line that creates the client
        )
    return Endpoint(target=target, credentials=credentials, token=token)


def open_channel(endpoint: Endpoint, *, control: bool = False) -> grpc.Channel:
    """Opens a channel for summaries, balanced over the replicas that are serving.

    Args:
        endpoint: the server.
        control: opens a channel for `GetServerInfo` and health instead. It has no health check, which would hide a
            server that is loading.
    """
    options = _options(endpoint.target, _UNBALANCED if control else _BALANCED)
    credentials = endpoint.channel_credentials()
    if credentials is None:
        return grpc.insecure_channel(endpoint.target, options=options)
    return grpc.secure_channel(endpoint.target, credentials, options=options)


def open_async_channel(endpoint: Endpoint, *, control: bool = False) -> grpc.aio.Channel:
    """`open_channel` for asyncio."""
    options = _options(endpoint.target, _UNBALANCED if control else _BALANCED)
    credentials = endpoint.channel_credentials()
    if credentials is None:
        return grpc.aio.insecure_channel(endpoint.target, options=options)
    return grpc.aio.secure_channel(endpoint.target, credentials, options=options)


def _options(target: str, service_config: dict[str, Any]) -> Options:
    options: Options = [
        ("grpc.service_config", json.dumps(service_config)),
        ("grpc.primary_user_agent", f"nutgraf-python/{version()}"),
        ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
        ("grpc.max_send_message_length", -1),  # the server has the limit
        # Detects a dead connection while a call waits on it. The server allows a ping every 30 s.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
        # By default, gRPC tries for 20 s and then waits up to 120 s, which is too long for a server that restarts.
        ("grpc.min_reconnect_backoff_ms", _CONNECT_TIMEOUT_MS),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.dns_ares_query_timeout", _CONNECT_TIMEOUT_MS),
        ("grpc.dns_min_time_between_resolutions_ms", 5_000),
    ]
    if is_list(target) or is_local(target):
        # $http_proxy must not apply to servers on this machine, and does not support lists of addresses.
        options.append(("grpc.enable_http_proxy", 0))
    return options
