"""Addresses to listen on: a host and port, or a Unix domain socket."""

import socket

UNIX = ("unix:", "unix-abstract:")


def listening_address(host: str, port: int) -> str:
    """The address as gRPC writes it: host:port, or `host` itself if it names a socket."""
    if host.startswith(UNIX):
        return host
    return f"{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def check_free(address: str) -> None:
    """Checks that nothing listens on a Unix socket, because gRPC replaces an existing socket even if it is in use.

    Raises:
        OSError: the socket is in use or is another kind of file, or the address names no socket.
    """
    if address in UNIX:
        raise OSError("it names no socket")
    if not address.startswith("unix:"):
        return
    path = address.removeprefix("unix:").removeprefix("//")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return
    raise OSError("a server is listening on it")
