"""Server addresses: parsing, and the proxy on the way to a server."""

from __future__ import annotations

import ipaddress
import os
import re

DEFAULT_SERVER = "localhost:50051"
DEFAULT_PORT = 50051

# One of this machine's addresses, with its port.
_LOOPBACK = r"(?:localhost|127\.[\d.]+|\[::1\]):\d+"


def parse_server(address: str) -> str:
    """Translates an address to gRPC's target. The default port is 50051.

    For several servers, the address may be a list of IP addresses, separated by commas. They must be all IPv4 or all
    IPv6, because gRPC resolves no names in a list and mixes no families. A name may have several addresses, too.

    >>> parse_server("summaries.internal")
    'summaries.internal:50051'
    >>> parse_server("10.0.0.1, 10.0.0.2:50052")
    'ipv4:10.0.0.1:50051,10.0.0.2:50052'

    Raises:
        ValueError: the address is a URL, has no host or no valid port (1 to 65535), or is a list of anything but IP
            addresses of one family.
    """
    address = address.strip()
    if not address.isprintable():  # excludes lone surrogates, too
        raise ValueError(f"{address!r} is not a server address; write host:port, such as {DEFAULT_SERVER}")
    if re.match(r"(?i)https?://", address):
        raise ValueError(f"{address!r} is a URL; write host:port, such as {DEFAULT_SERVER}")
    if re.match(r"(?i)(unix|unix-abstract|ipv4|ipv6|vsock|xds|passthrough):.", address):
        return address
    if "," in address:
        return _parse_list(address)
    scheme, authority = re.fullmatch(r"((?:dns:(?://[^/]*/)?)?)(.*)", address, re.DOTALL).groups()  # type: ignore[union-attr]
    if authority.count(":") > 1 and "[" not in authority:
        authority = f"[{authority}]"  # an IPv6 address without a port
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%\w]+\]|[^\s:/\[\]]+)(?::(\d+))?", authority)
    if match is None or not 0 < int(match[2] or DEFAULT_PORT) < 65536:
        raise ValueError(f"{address!r} is not a server address; write host:port, such as {DEFAULT_SERVER}")
    return f"{scheme}{match[1]}:{match[2] or DEFAULT_PORT}"


def _parse_list(addresses: str) -> str:
    targets = [parse_server(address) for address in addresses.split(",")]
    try:
        families = {ipaddress.ip_address(target.rpartition(":")[0].strip("[]")).version for target in targets}
    except ValueError:
        families = set()
    if len(families) != 1:
        raise ValueError(
            f"{addresses!r} is not a valid list of servers; write IP addresses as host:port,host:port, all IPv4 or all "
            "IPv6, or a single name that resolves to all of them"
        )
    return f"ipv{families.pop()}:{','.join(targets)}"


def is_list(target: str) -> bool:
    return re.match(r"(?i)ipv[46]:.*,", target) is not None


def is_local(target: str) -> bool:
    """Whether traffic to `target` stays on this machine."""
    addresses = rf"(?i)(?:dns:(?://[^/]*/)?|ipv[46]:)?{_LOOPBACK}(?:,{_LOOPBACK})*"
    return re.match(r"(?i)(unix|unix-abstract|vsock):", target) is not None or bool(re.fullmatch(addresses, target))


def proxy(target: str) -> str | None:
    """Describes the proxy that gRPC uses to reach `target`; None without one.

    Follows the rules of gRPC's `http_proxy_mapper.cc`. The description has the proxy's host and port and the
    environment variable, but no password.
    """
    # gRPC ignores upper-case names.
    variable = next((name for name in ("grpc_proxy", "https_proxy", "http_proxy") if name in os.environ), None)
    if variable is None or is_list(target) or is_local(target):
        return None
    scheme, _, rest = os.environ[variable].partition("://")
    if scheme != "http":  # gRPC ignores proxies with other schemes
        return None
    exempt = next((os.environ[name] for name in ("no_grpc_proxy", "no_proxy") if name in os.environ), "")
    host = target.rpartition("/")[2].rpartition(":")[0].removeprefix("dns:").strip("[]")
    if any(_covers(entry.strip(), host) for entry in exempt.split(",")):
        return None
    return f"the proxy at {rest.rpartition('@')[2].partition('/')[0]} (from ${variable})"


def _covers(entry: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return entry != "" and host.lower().endswith(entry.lower())
