"""TLS, mutual TLS and bearer tokens."""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

import hashlib
import hmac
import ipaddress
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import grpc
import structlog
from grpc_health.v1.health import SERVICE_NAME as HEALTH

from nutgraf_service.addresses import UNIX
from nutgraf_service.calls import Calls
from nutgraf_service.errors import ServiceError
from nutgraf_service.settings import Settings

REFLECTION_PREFIX = "grpc.reflection."
_SCHEME = "bearer "
_UNKNOWN = "unknown"

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")


class SecurityError(Exception):
    """A file with certificates, keys or tokens cannot be used. The message names the file but not its content."""


class BearerTokens:
    """The bearer tokens in a file, one per line. Blank lines and lines that begin with "#" are skipped.

    The file is read again when it changes. If the new content cannot be used, the old tokens stay valid, and the log
    says so. Thread-safe.

    Raises:
        SecurityError: the file cannot be read, or contains no token.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._version = _version(file)
        self._digests = self._read()

    def authenticate(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> bool:
        """Whether the metadata of a call contains one of the tokens."""
        authorization = dict(metadata or ()).get("authorization")
        return self.is_valid(authorization if isinstance(authorization, str) else None)

    def is_valid(self, authorization: str | None) -> bool:
        """Whether an `authorization` header contains one of the tokens, in time independent of their content."""
        if authorization is None or not authorization.lower().startswith(_SCHEME):
            return False
        self._refresh()
        given = _digest(authorization[len(_SCHEME) :].strip())
        # Compares with all tokens, so that the time reveals neither a match nor its position.
        return sum(hmac.compare_digest(given, known) for known in self._digests) > 0

    def _refresh(self) -> None:
        version = _version(self._file)
        if version == self._version:
            return
        with self._lock:
            if version == self._version:
                return
            self._version = version
            try:
                self._digests = self._read()
                log.info("tokens reloaded", tokens=len(self._digests))
            except SecurityError as error:
                log.error("cannot reload tokens; the old ones stay valid", error=str(error))

    def _read(self) -> tuple[bytes, ...]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SecurityError(f"cannot read tokens from {self._file}: {_cause(error)}") from error
        tokens = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not tokens:
            raise SecurityError(f"{self._file} contains no token; write one per line")
        return tuple(_digest(token) for token in tokens)


class Authentication(grpc.aio.ServerInterceptor):
    """Rejects calls without a valid token before their message is read.

    `open_services` are prefixes of the services that need no token.
    """

    def __init__(self, tokens: BearerTokens, calls: Calls, open_services: Sequence[str]) -> None:
        self._tokens = tokens
        self._calls = calls
        self._open = tuple(f"/{service}" for service in open_services)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        if method.startswith(self._open) or self._tokens.authenticate(handler_call_details.invocation_metadata):
            return handler
        # Callers without a token must not be able to create new metric labels with made-up method names.
        name = _UNKNOWN if handler is None else method.rpartition("/")[2]

        async def reject(requests: Any, context: Any) -> None:
            async with self._calls.call(name, context):
                raise no_token()

        # On the wire all kinds of calls are alike, so a stream handler that reads no message suits each of them.
        return grpc.stream_stream_rpc_method_handler(reject)


def no_token() -> ServiceError:
    message = 'this server requires a token: send a valid one in the metadata "authorization: Bearer TOKEN"'
    return ServiceError("UNAUTHENTICATED", message)


def open_services(settings: Settings) -> list[str]:
    """The services that need no token."""
    return [
        *([f"{HEALTH}/"] if settings.open_health else []),
        *([REFLECTION_PREFIX] if settings.open_reflection else []),
    ]


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """TLS credentials; None for plain text. With a client CA, TLS is mutual. Changed files are read again.

    Raises:
        SecurityError: a file cannot be read or used, or either the certificate or the key is missing.
    """
    certificate, key, authority = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate is None and key is None and authority is None:
        return None
    if certificate is None or key is None:
        raise SecurityError("TLS requires both --tls-certificate and --tls-key")
    files = tuple(file for file in (certificate, key, authority) if file is not None)

    def read() -> grpc.ServerCertificateConfiguration:
        pairs = [(_read(key), _read(certificate))]
        authorities = None if authority is None else _read(authority)
        _check_usable(certificate, key, authority)
        return grpc.ssl_server_certificate_configuration(pairs, authorities)

    versions = [_version(file) for file in files]
    logged: list[object] = []

    def read_if_changed() -> grpc.ServerCertificateConfiguration | None:
        # gRPC calls this at every handshake, so it must be cheap, and must not log the same error again.
        now = [_version(file) for file in files]
        if now == versions:
            return None
        try:
            configuration = read()
        except SecurityError as error:
            if logged != [now, str(error)]:
                logged[:] = [now, str(error)]
                log.error("cannot reload certificates; the old ones stay in use", error=str(error))
            return None
        versions[:] = now
        logged.clear()
        log.info("certificates reloaded")
        return configuration

    # The stubs do not know that None means "unchanged".
    fetch: Any = read_if_changed
    return grpc.dynamic_ssl_server_credentials(read(), fetch, require_client_authentication=authority is not None)


def exposure_warning(settings: Settings) -> str | None:
    """A warning if other machines can reach the server without TLS or authentication; None if not."""
    if settings.host.startswith(UNIX):
        return None
    try:
        is_loopback = ipaddress.ip_address(settings.host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = settings.host == "localhost"
    if is_loopback:
        return None
    missing = []
    if settings.tls_certificate is None:
        missing.append("articles and tokens cross the network in plain text (--tls-certificate, --tls-key)")
    if settings.token_file is None and settings.tls_client_ca is None:
        missing.append("anybody who can reach the port may call (--token-file, or --tls-client-ca)")
    return f"listening on {settings.host}: {'; '.join(missing)}" if missing else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SecurityError(f"cannot read {file}: {_cause(error)}") from error


def _check_usable(certificate: Path, key: Path, authority: Path | None) -> None:
    """Checks the files, because gRPC reports an unusable file only as a failed port, or not at all after a renewal.

    Raises:
        SecurityError: a file contains no certificate or key, or the key is encrypted or does not match.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Leaves it to gRPC to reject short keys.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except OSError as error:
        raise SecurityError(f"cannot use the certificate {certificate} with the key {key}: {_cause(error)}") from error
    if authority is not None:
        try:
            context.load_verify_locations(authority)
        except OSError as error:
            raise SecurityError(f"cannot use the certificates of {authority}: {_cause(error)}") from error


def _cause(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return error.strerror or "it is not a PEM file"


def _version(file: Path) -> tuple[int, int, int] | None:
    """A value that changes whenever the file does; None if there is no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
