"""Why a server could not be reached: what gRPC says of a connection, in words that name the cause.

gRPC has one status for all of it, UNAVAILABLE, and tells the causes apart only by its text. Where that has changed
between versions, both forms are here (grpcio 1.74 to 1.85).
"""

from __future__ import annotations

import re

from nutgraf._address import proxy
from nutgraf._errors import DeadlineExceeded, NutgrafError

# A connection that stood, and then did not.
_LOST = re.compile(
    r"Socket closed|[Cc]onnection reset|Broken pipe|GOAWAY|RST_STREAM|Stream removed|Cancelling all calls"
    r"|keepalive|ping timeout"
)
_CONNECTING = re.compile(r"failed to connect to all addresses|connections to all backends failing")
_HEALTH_CHECK_FAILED = "health check call failed"
# The first that is found in gRPC's text is the cause.
_CAUSES = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"HTTP proxy returned response code (\d+)", "the proxy refused it with HTTP status {0}"),
        (r"Expected 'H'", "what answers as the proxy is no HTTP proxy"),
        (
            r"CERTIFICATE_VERIFY_FAILED: ([^:)]+)",
            "its certificate is not trusted: {0}; name the certificates to check it against by --ca or tls=...",
        ),
        (
            r"Hostname Verification Check failed|Peer name \S+ is not in peer certificate",
            "its certificate is for another name; call it by one that is in the certificate",
        ),
        (r"WRONG_VERSION_NUMBER|HTTP_REQUEST", "it does not speak TLS; leave out --tls and --ca, or tls=..."),
        (r"SSL_ERROR_SSL.*OPENSSL_internal:(\w+)", "TLS could not be agreed on: {0}"),
        (r"Handshake read failed", "it does not answer as a server with TLS does"),
        (
            r"Failed to create security handshaker",
            "the certificates to check it against cannot be used; they must be PEM",
        ),
        (r"http1\.x server", "what answers there speaks HTTP/1, and no gRPC"),
        (r"Failed parsing HTTP/2|before receiving SETTINGS", "what is there does not speak gRPC, or wants TLS (--tls)"),
        (
            r"Socket closed|[Cc]onnection reset|Broken pipe",
            "it takes connections and closes them. A server does that to callers without TLS that wants it (--tls, "
            "--ca or tls=...), and to those without a certificate that wants one",
        ),
        (r"errors resolving|DNS resolution failed", "a name is not known"),
        (
            _HEALTH_CHECK_FAILED,
            "it does not answer health checks; from one machine to another gRPC makes them "
            "without the token, but for TLS (--tls, --ca or tls=...); without TLS they must need none (--open-health)",
        ),
    )
)


def explain(server: str, details: str) -> str:
    """The message for a server that cannot be reached.

    Args:
        server: gRPC's target for it.
        details: gRPC's text; may be empty.
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
        return f"cannot connect to {server}{through}; to go without the proxy, put the host into $no_proxy{said}"
    hint = 'start one with "nutgraf serve", or name another with --server or NUTGRAF_SERVER'
    return f"no server answers at {server}; {hint}{said}"


def says_more(probe: NutgrafError, error: NutgrafError) -> NutgrafError:
    """Of what a call failed with and what a health check failed with after it, the one that names the cause.

    Where gRPC's own health check has failed, it does not say by what.
    """
    is_cause = _HEALTH_CHECK_FAILED in str(error) and not isinstance(probe, DeadlineExceeded)
    return probe if is_cause else error
