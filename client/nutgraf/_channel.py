"""How to talk to a server: credentials, channel options, metadata."""

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

# No retry policy: `_outage` retries, and gRPC's own attempts would multiply with its.
_BALANCED = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # Leaves out replicas that are loading or draining. A server without the health service counts as healthy.
    "healthCheckConfig": {"serviceName": SERVICE},
}
_UNBALANCED: dict[str, Any] = {"loadBalancingConfig": [{"pick_first": {}}]}
_CONNECT_TIMEOUT_MS = 2_500
_MAX_RECEIVE_BYTES = 64 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A server's address and the caller's credentials for it."""

    target: str
    """What gRPC resolves: host:port, dns:///..., ipv4:ip:port,ip:port, unix:..."""
    credentials: grpc.ChannelCredentials | None
    """None for a connection without TLS."""
    token: str | None = dataclasses.field(repr=False)

    @property
    def _token_is_channels(self) -> bool:
        """Whether the channel sends the token: gRPC lets it only by TLS or within this machine."""
        return self.credentials is not None or _local_type(self.target) is not None

    def channel_credentials(self) -> grpc.ChannelCredentials | None:
        """What a channel is opened with; None for a connection without TLS.

        A token is in it where it can be, since only so do gRPC's own health checks carry it.
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
            ValueError: `request_id` has characters that metadata cannot carry.
        """
        pairs: list[tuple[str, str]] = []
        if self.token is not None and not self._token_is_channels:
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
    """What gRPC calls a connection within this machine; None for one that leaves it, or that gRPC has no name for."""
    if not is_local(target) or target.lower().startswith("vsock:"):
        return None
    is_socket = target.lower().startswith("unix")
    return grpc.LocalConnectionType.UDS if is_socket else grpc.LocalConnectionType.LOCAL_TCP


def endpoint(
    server: str | None = None, *, tls: bool | grpc.ChannelCredentials = False, token: str | None = None
) -> Endpoint:
    """The endpoint that a client's arguments and the environment name.

    Args:
        server: an address; None for `NUTGRAF_SERVER`, and where that is unset or empty, localhost:50051.
        tls: False for none, True to check the server against the system's certificates, or credentials of one's own
            (`grpc.ssl_channel_credentials(...)`, also for a client certificate).
        token: a bearer token; None for none. A warning says where it would cross a network in plain text.

    Raises:
        ValueError: the address cannot be one, the token has characters that no header can carry, or there are several
            addresses and TLS, which checks the server's certificate against the one name that it was called by.
    """
    if token is not None:
        token = token.strip()
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise ValueError("the token is empty or has characters other than printable ASCII")  # never the token
    credentials = grpc.ssl_channel_credentials() if tls is True else (tls or None)
    address = server if server is not None else os.environ.get("NUTGRAF_SERVER") or DEFAULT_SERVER
    target = parse_server(address)
    if credentials is not None and is_list(target):
        raise ValueError("TLS checks the servers' certificates by their name: give that instead of addresses")
    if token is not None and credentials is None and not is_local(target):
        warnings.warn(
            f"the token goes to {target} in plain text, for anybody on the way to read: connect by TLS "
            "(tls=True, on the command line --tls or --ca)",
            stacklevel=3,  # where the client is made
        )
    return Endpoint(target=target, credentials=credentials, token=token)


def open_channel(endpoint: Endpoint, *, control: bool = False) -> grpc.Channel:
    """A channel for summaries, balanced over the replicas that serve.

    Args:
        endpoint: where to.
        control: for asking about the server instead. It then has no health check, which would hide a loading server.
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
        ("grpc.max_send_message_length", -1),  # the server says what is too large
        # A dead connection is noticed while a call waits on it. The server allows a ping every 30 s.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
        # gRPC's own 20 s for one attempt and up to 120 s between attempts would hide a server that is back.
        ("grpc.min_reconnect_backoff_ms", _CONNECT_TIMEOUT_MS),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.dns_ares_query_timeout", _CONNECT_TIMEOUT_MS),
        ("grpc.dns_min_time_between_resolutions_ms", 5_000),
    ]
    if is_list(target) or is_local(target):
        # $http_proxy must not catch this machine's own server, and can make nothing of several addresses.
        options.append(("grpc.enable_http_proxy", 0))
    return options
