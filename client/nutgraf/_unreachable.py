"""Error messages for unreachable servers, which name the cause.

gRPC reports all causes with the status UNAVAILABLE, and only its message differs. If the message has changed between
versions, both forms are listed here (grpcio 1.74 to 1.85).
"""

from __future__ import annotations

import re

from nutgraf._address import proxy
from nutgraf._errors import DeadlineExceeded, NutgrafError

# An established connection was lost.
_LOST = re.compile(
    r"Socket closed|[Cc]onnection reset|Broken pipe|GOAWAY|RST_STREAM|Stream removed|Cancelling all calls"
    r"|keepalive|ping timeout"
)
_CONNECTING = re.compile(r"failed to connect to all addresses|connections to all backends failing")
_HEALTH_CHECK_FAILED = "health check call failed"
# The first pattern that matches gRPC's message tells the cause.
_CAUSES = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"HTTP proxy returned response code (\d+)", "the proxy refused the connection with HTTP status {0}"),
        (r"Expected 'H'", "the proxy is not an HTTP proxy"),
        (
            r"CERTIFICATE_VERIFY_FAILED: ([^:)]+)",
            "its certificate is not trusted: {0}; give the CA certificates to trust with --ca or tls=...",
        ),
        (
            r"Hostname Verification Check failed|Peer name \S+ is not in peer certificate",
            "its certificate is for another name; use a name that is in the certificate",
        ),
        (r"WRONG_VERSION_NUMBER|HTTP_REQUEST", "it does not use TLS; omit --tls and --ca, or tls=..."),
        (r"SSL_ERROR_SSL.*OPENSSL_internal:(\w+)", "the TLS handshake failed: {0}"),
        (r"Handshake read failed", "it does not answer like a server with TLS"),
        (
            r"Failed to create security handshaker",
            "the CA certificates cannot be used; they must be PEM",
        ),
        (r"http1\.x server", "the server speaks HTTP/1, not gRPC"),
        (r"Failed parsing HTTP/2|before receiving SETTINGS", "the server does not speak gRPC, or requires TLS (--tls)"),
        (
            r"Socket closed|[Cc]onnection reset|Broken pipe",
            "it accepts connections and closes them. It may require TLS (--tls, --ca or tls=...) or a client "
            "certificate",
        ),
        (r"errors resolving|DNS resolution failed", "a name cannot be resolved"),
        (
            _HEALTH_CHECK_FAILED,
            "it does not answer health checks. Without TLS (--tls, --ca or tls=...), gRPC sends no token with them to "
            "another machine, so the server must not require one (--open-health)",
        ),
    )
)


def explain(server: str, details: str) -> str:
    """The error message for a server that cannot be reached.

    Args:
        server: gRPC's target.
        details: gRPC's message; may be empty.
    """
    said = f" ({details})" if details else ""
    status = re.search(r"Received http2 header with status: (\d+)", details)
    if status is not None:
        return f"a proxy or load balancer in front of {server} answered with HTTP status {status[1]}{said}"
    if _LOST.search(details) and not _CONNECTING.search(details):
        return f"the connection to {server} was lost{said}"
    by = proxy(server)
    through = f" through {by}" if by else ""
    for pattern, cause in _CAUSES:
        found = pattern.search(details)
        if found is not None:
            return f"cannot connect to {server}{through}: {cause.format(*found.groups())}{said}"
    if by:
        return f"cannot connect to {server}{through}; to bypass the proxy, add the host to $no_proxy{said}"
    hint = 'start one with "nutgraf serve", or choose another with --server or NUTGRAF_SERVER'
    return f"no server answers at {server}; {hint}{said}"


def says_more(probe: NutgrafError, error: NutgrafError) -> NutgrafError:
    """Chooses between the error of a call and that of the health check after it: returns the one that names the cause.

    If gRPC's own health check has failed, the error of the call does not tell why.
    """
    is_cause = _HEALTH_CHECK_FAILED in str(error) and not isinstance(probe, DeadlineExceeded)
    return probe if is_cause else error
