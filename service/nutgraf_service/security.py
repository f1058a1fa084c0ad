"""Who may call, and over what: TLS, mutual TLS, bearer tokens."""

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
from nutgraf_service.refusals import Refusal
from nutgraf_service.settings import Settings

REFLECTION_PREFIX = "grpc.reflection."
_SCHEME = "bearer "
_UNKNOWN = "unknown"

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")


class SecurityError(Exception):
    """A file with certificates, keys or tokens cannot be used; the message names it, and none of what is in it."""


class Tokens:
    """The bearer tokens in a file, one a line; blank lines and such as begin with "#" are skipped.

    The file is read again when it has changed. If what it became cannot be used, the tokens from before hold, and the
    log says so. Safe for threads.

    Raises:
        SecurityError: the file cannot be read, or has no token.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._version = _version(file)
        self._digests = self._read()

    def let_in(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> bool:
        """Whether a call with this metadata has "Bearer" and one of the tokens."""
        authorization = dict(metadata or ()).get("authorization")
        return self.accept(authorization if isinstance(authorization, str) else None)

    def accept(self, authorization: str | None) -> bool:
        """Whether a header's value is "Bearer" and one of the tokens; how long it takes tells nothing about them."""
        if authorization is None or not authorization.lower().startswith(_SCHEME):
            return False
        self._refresh()
        given = _digest(authorization[len(_SCHEME) :].strip())
        # All are compared, so that neither a match nor its place shows in the time.
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
                log.info("tokens read again", tokens=len(self._digests))
            except SecurityError as error:
                log.error("tokens cannot be read again; those from before hold", error=str(error))

    def _read(self) -> tuple[bytes, ...]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SecurityError(f"cannot read tokens from {self._file}: {_cause(error)}") from error
        tokens = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not tokens:
            raise SecurityError(f"{self._file} has no token; write one a line")
        return tuple(_digest(token) for token in tokens)


class Authentication(grpc.aio.ServerInterceptor):
    """Refuses calls without a token before their message is read. `open_services` are prefixes of services for all."""

    def __init__(self, tokens: Tokens, calls: Calls, open_services: Sequence[str]) -> None:
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
        if method.startswith(self._open) or self._tokens.let_in(handler_call_details.invocation_metadata):
            return handler
        # Who has no token chooses what the path says: it is to be no new label of a metric.
        name = _UNKNOWN if handler is None else method.rpartition("/")[2]

        async def refuse(requests: Any, context: Any) -> None:
            async with self._calls.call(name, context):
                raise no_token()

        # To gRPC's wire all calls are alike; what never reads a message suits each of them.
        return grpc.stream_stream_rpc_method_handler(refuse)


def no_token() -> Refusal:
    message = 'this server wants a token: send the metadata "authorization: Bearer TOKEN" with one that it knows'
    return Refusal("UNAUTHENTICATED", message)


def open_services(settings: Settings) -> list[str]:
    """The services that need no token."""
    return [
        *([f"{HEALTH}/"] if settings.open_health else []),
        *([REFLECTION_PREFIX] if settings.open_reflection else []),
    ]


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """TLS, mutual if there is an authority for clients; None for plain text. Files that changed are read again.

    Raises:
        SecurityError: a file cannot be read or used, or one of certificate and key is missing.
    """
    certificate, key, authority = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate is None and key is None and authority is None:
        return None
    if certificate is None or key is None:
        raise SecurityError("TLS needs both --tls-certificate and --tls-key")
    files = tuple(file for file in (certificate, key, authority) if file is not None)

    def read() -> grpc.ServerCertificateConfiguration:
        pairs = [(_read(key), _read(certificate))]
        authorities = None if authority is None else _read(authority)
        _check_usable(certificate, key, authority)
        return grpc.ssl_server_certificate_configuration(pairs, authorities)

    versions = [_version(file) for file in files]
    said: list[object] = []

    def read_if_changed() -> grpc.ServerCertificateConfiguration | None:
        # gRPC asks at every handshake, so anybody may have it asked as often as they like.
        now = [_version(file) for file in files]
        if now == versions:
            return None
        try:
            configuration = read()
        except SecurityError as error:
            if said != [now, str(error)]:
                said[:] = [now, str(error)]
                log.error("certificates cannot be read again; those from before hold", error=str(error))
            return None
        versions[:] = now
        said.clear()
        log.info("certificates read again")
        return configuration

    # None says that nothing has changed, which the stubs do not know.
    fetch: Any = read_if_changed
    return grpc.dynamic_ssl_server_credentials(read(), fetch, require_client_authentication=authority is not None)


def exposure_warning(settings: Settings) -> str | None:
    """What to say if others than this machine can call, and nothing keeps them out or their articles private."""
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
        missing.append("whoever reaches the port may call (--token-file, or --tls-client-ca)")
    return f"listening on {settings.host}: {'; '.join(missing)}" if missing else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SecurityError(f"cannot read {file}: {_cause(error)}") from error


def _check_usable(certificate: Path, key: Path, authority: Path | None) -> None:
    """gRPC says of a file that it cannot use only that the port cannot be had, and of one that was renewed, nothing.

    Raises:
        SecurityError: there is no certificate or key in a file, or the key is another's or locked by a password.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Which keys are too short is for gRPC to say.
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
    cause = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return cause.lower().replace("_", " ") if cause else "it is not a PEM file"


def _version(file: Path) -> tuple[int, int, int] | None:
    """Changes whenever the file does; None if there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
