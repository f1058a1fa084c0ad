"""What a server listens on: a host and port, or a Unix domain socket."""

import socket

UNIX = ("unix:", "unix-abstract:")


def listening_address(host: str, port: int) -> str:
    """gRPC's form of it: host:port, or `host` itself where that names a socket."""
    if host.startswith(UNIX):
        return host
    return f"{bracketed(host)}:{port}"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def check_free(address: str) -> None:
    """gRPC takes the place of a socket that is there, be it a killed server's or one that another is listening on.

    Raises:
        OSError: something is there that is not just left over, or no socket is named.
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
