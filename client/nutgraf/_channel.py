"""Where the server is and how to talk to it: addresses, credentials, channel options, metadata."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import re
from typing import Any

import grpc

from nutgraf._error_mapping import REQUEST_ID
from nutgraf._version import version

DEFAULT_SERVER = "localhost:50051"
DEFAULT_PORT = 50051
SERVICE = "nutgraf.v1.SummarizerService"

Metadata = tuple[tuple[str, str], ...]
Options = list[tuple[str, Any]]

# A failing name or address is reported within seconds: five attempts with 0.1 + 0.2 + 0.4 + 0.8 s between them (give or
# take gRPC's jitter), on top of at most one connection attempt. Longer outages are bridged by `_outage`, which knows
# whether there has been a server at all; a service config does not.
_RETRY_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_METHODS = [{"name": [{"service": SERVICE}], "retryPolicy": _RETRY_POLICY}]
_BALANCED = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # Leaves out replicas that are loading or draining. A server without the health service counts as healthy.
    "healthCheckConfig": {"serviceName": SERVICE},
    "methodConfig": _METHODS,
}
_UNBALANCED = {"loadBalancingConfig": [{"pick_first": {}}], "methodConfig": _METHODS}
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

    def metadata(self, request_id: str | None = None) -> Metadata:
        """The metadata to send with a call.

        Raises:
            ValueError: `request_id` has characters that metadata cannot carry.
        """
        pairs: list[tuple[str, str]] = []
        if self.token is not None:
            pairs.append(("authorization", f"Bearer {self.token}"))
        if request_id is not None:
            if not re.fullmatch(r"[\x21-\x7e]+", request_id):
                raise ValueError(f"request_id must be printable ASCII without spaces, not {request_id!r}")
            pairs.append((REQUEST_ID, request_id))
        return tuple(pairs)


def endpoint(
    server: str | None = None, *, tls: bool | grpc.ChannelCredentials = False, token: str | None = None
) -> Endpoint:
    """The endpoint that a client's arguments and the environment name.

    Args:
        server: an address; None for `NUTGRAF_SERVER`, and where that is unset or empty, localhost:50051.
        tls: False for none, True to check the server against the system's certificates, or credentials of one's own
            (`grpc.ssl_channel_credentials(...)`, also for a client certificate).
        token: a bearer token; None for none. Without TLS it can be read on the way.

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
    if credentials is not None and _is_list(target):
        raise ValueError("TLS checks the servers' certificates by their name: give that instead of addresses")
    return Endpoint(target=target, credentials=credentials, token=token)


def parse_server(address: str) -> str:
    """gRPC's target for an address as people write it; the port is 50051 where it is left out.

    A list is one of several servers' IP addresses, separated by commas, all of them IPv4 or all IPv6: gRPC resolves no
    names in a list, and mixes no families. A name with several addresses stands for a list by itself.

    >>> parse_server("summaries.internal")
    'summaries.internal:50051'
    >>> parse_server("10.0.0.1, 10.0.0.2:50052")
    'ipv4:10.0.0.1:50051,10.0.0.2:50052'

    Raises:
        ValueError: for a URL, an empty host, a port that is no number from 1 to 65535, or a list of anything else than
            IP addresses of one family.
    """
    address = address.strip()
    if re.match(r"(?i)https?://", address):
        raise ValueError(f"{address!r} is a URL; a server is named by host:port, such as {DEFAULT_SERVER}")
    if re.match(r"(?i)(unix|unix-abstract|ipv4|ipv6|vsock|xds|passthrough):", address):
        return address
    if "," in address:
        return _parse_list(address)
    scheme, authority = re.fullmatch(r"((?:dns:(?://[^/]*/)?)?)(.*)", address, re.DOTALL).groups()  # type: ignore[union-attr]
    if authority.count(":") > 1 and "[" not in authority:
        authority = f"[{authority}]"  # an IPv6 address without a port
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%\w]+\]|[^\s:/\[\]]+)(?::(\d+))?", authority)
    if match is None or not 0 < int(match[2] or DEFAULT_PORT) < 65536:
        raise ValueError(f"{address!r} is no server address; write host:port, such as {DEFAULT_SERVER}")
    return f"{scheme}{match[1]}:{match[2] or DEFAULT_PORT}"


def _parse_list(addresses: str) -> str:
    targets = [parse_server(address) for address in addresses.split(",")]
    try:
        families = {ipaddress.ip_address(target.rpartition(":")[0].strip("[]")).version for target in targets}
    except ValueError:
        families = set()
    if len(families) != 1:
        raise ValueError(
            f"{addresses!r} is no list of servers; write their IP addresses as host:port,host:port, all IPv4 or all "
            "IPv6, or the one name that stands for them"
        )
    return f"ipv{families.pop()}:{','.join(targets)}"


def _is_list(target: str) -> bool:
    return re.match(r"(?i)ipv[46]:.*,", target) is not None


def open_channel(endpoint: Endpoint, *, control: bool = False) -> grpc.Channel:
    """A channel for summaries, balanced over the replicas that serve.

    Args:
        endpoint: where to.
        control: for asking about the server instead. It then has no health check, which would hide a loading server.
    """
    options = _options(endpoint.target, _UNBALANCED if control else _BALANCED)
    if endpoint.credentials is None:
        return grpc.insecure_channel(endpoint.target, options=options)
    return grpc.secure_channel(endpoint.target, endpoint.credentials, options=options)


def open_async_channel(endpoint: Endpoint, *, control: bool = False) -> grpc.aio.Channel:
    """`open_channel` for asyncio."""
    options = _options(endpoint.target, _UNBALANCED if control else _BALANCED)
    if endpoint.credentials is None:
        return grpc.aio.insecure_channel(endpoint.target, options=options)
    return grpc.aio.secure_channel(endpoint.target, endpoint.credentials, options=options)


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
    if _is_list(target) or re.search(r"(?:^|/)(?:localhost|127\.[\d.]+|\[::1\]):\d+$", target):
        # $http_proxy must not catch this machine's own server, and can make nothing of several addresses.
        options.append(("grpc.enable_http_proxy", 0))
    return options
