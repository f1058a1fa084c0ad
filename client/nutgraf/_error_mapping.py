"""Translates gRPC's errors: by the reason from a nutgraf server, else by the status code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from nutgraf._convert import seconds
from nutgraf._errors import (
    DeadlineExceeded,
    InvalidArticle,
    NutgrafError,
    Overloaded,
    ProtocolMismatch,
    ServerError,
    Unauthenticated,
    Unavailable,
)
from nutgraf._unreachable import explain

if TYPE_CHECKING:
    from collections.abc import Iterable

DOMAIN = "nutgraf"
REQUEST_ID = "x-request-id"

# The reason comes first, because gRPC and proxies use some of the same codes for other errors.
_BY_REASON: dict[str, type[NutgrafError]] = {
    "EMPTY_TEXT": InvalidArticle,
    "TEXT_TOO_LONG": InvalidArticle,
    "TITLE_TOO_LONG": InvalidArticle,
    "UNKNOWN_LENGTH": InvalidArticle,
    "REPEATED_LENGTH": InvalidArticle,
    "BAD_CAP": InvalidArticle,
    "BAD_TIMEOUT": InvalidArticle,
    "BAD_ID": InvalidArticle,
    "EMPTY_SUMMARY": InvalidArticle,
    "SUMMARY_TOO_LONG": InvalidArticle,
    "BAD_THRESHOLD": InvalidArticle,
    "MALFORMED_MESSAGE": InvalidArticle,
    "QUEUE_FULL": Overloaded,
    "LOADING": Unavailable,
    "DRAINING": Unavailable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "INTERNAL": ServerError,
}
_BY_CODE: dict[int, type[NutgrafError]] = {
    code_pb2.INVALID_ARGUMENT: InvalidArticle,
    code_pb2.RESOURCE_EXHAUSTED: Overloaded,
    code_pb2.UNAVAILABLE: Unavailable,
    # Cut by a proxy or by the server: the caller's own cancellation never arrives here.
    code_pb2.CANCELLED: Unavailable,
    code_pb2.DEADLINE_EXCEEDED: DeadlineExceeded,
    code_pb2.UNAUTHENTICATED: Unauthenticated,
    code_pb2.PERMISSION_DENIED: Unauthenticated,
    code_pb2.UNIMPLEMENTED: ProtocolMismatch,
}
# From gRPC's C core and from Go, about a request. With CLIENT, it is about a response, and the caller cannot help it.
_TOO_LARGE = re.compile(r"(CLIENT: )?received message larger than max \((\d+) vs\. (\d+)\)", re.IGNORECASE)
_TOO_MANY_REQUESTS = "Received http2 header with status: 429"
# A server that dies in the middle of an answer, as nginx and HAProxy pass it on.
_CUT = re.compile(r"RST_STREAM with error code 2\b|Data frame with END_STREAM flag received|^Stream removed$")


class _FailedCall(Protocol):
    """The common interface of grpc.RpcError (which is also a grpc.Call) and grpc.aio.AioRpcError."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def initial_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def from_rpc_error(error: grpc.RpcError, *, server: str) -> NutgrafError:
    """Translates the error of a failed call.

    Args:
        error: as raised by grpc or grpc.aio.
        server: the server's address, for the message.
    """
    call = cast("_FailedCall", error)
    try:
        status = rpc_status.from_call(cast("grpc.Call", call))
    except (ValueError, DecodeError):  # something in between has changed the status but not its details
        status = None
    if status is None:
        status = Status(code=call.code().value[0], message=call.details() or "")
    sent_back = request_id(call.initial_metadata()) or request_id(call.trailing_metadata())
    return from_status(status, server=server, request_id=sent_back)


def from_status(status: Status, *, server: str, request_id: str | None = None) -> NutgrafError:
    """Translates a `google.rpc.Status`.

    Args:
        status: of a failed call, or of one item of a stream.
        server: the server's address, for the message.
        request_id: as returned by the server.
    """
    info, violations, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), None
    for detail in status.details:
        candidate = error_details_pb2.ErrorInfo()
        retry_info = error_details_pb2.RetryInfo()
        if detail.Is(candidate.DESCRIPTOR):
            detail.Unpack(candidate)
            if candidate.domain == DOMAIN:
                info = candidate
        elif detail.Is(violations.DESCRIPTOR):
            detail.Unpack(violations)
        elif detail.Is(retry_info.DESCRIPTOR):
            detail.Unpack(retry_info)
            retry = max(seconds(retry_info.retry_delay), 0.0)

    reason = info.reason or None
    fields = tuple((violation.field, violation.description) for violation in violations.field_violations)
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(status.code, ServerError)
    too_large = _TOO_LARGE.search(status.message) if kind is Overloaded and reason is None else None
    if too_large is not None and not too_large[1]:
        return InvalidArticle(
            f"the message is too large for {server} ({status.message}); send a shorter article",
            request_id=request_id,
            size=int(too_large[2]),
            limit=int(too_large[3]),
        )
    if too_large is not None:
        kind = ServerError
    elif kind is Unavailable and reason is None and _TOO_MANY_REQUESTS in status.message:
        kind = Overloaded
    elif kind is ServerError and reason is None and _CUT.search(status.message):
        kind = Unavailable
    message = _message(kind, status, server, reason, fields)
    if kind is InvalidArticle:
        return InvalidArticle(
            message,
            reason=reason,
            request_id=request_id,
            details=fields,
            limit=_number(info.metadata.get("limit")),
            size=_number(info.metadata.get("size")),
        )
    if issubclass(kind, (Overloaded, Unavailable)):
        return kind(message, reason=reason, request_id=request_id, details=fields, retry_after=retry)
    if kind is ServerError:
        error_id = info.metadata.get("error_id")
        return ServerError(message, reason=reason, request_id=request_id, details=fields, error_id=error_id)
    return kind(message, reason=reason, request_id=request_id, details=fields)


def request_id(metadata: Iterable[tuple[str, str | bytes]] | None) -> str | None:
    """The request id in a call's metadata; None if there is none."""
    for key, value in metadata or ():
        if key == REQUEST_ID:
            return value if isinstance(value, str) else value.decode("ascii", "replace")
    return None


def _message(
    kind: type[NutgrafError], status: Status, server: str, reason: str | None, fields: tuple[tuple[str, str], ...]
) -> str:
    said = status.message or "; ".join(f"{field}: {description}" for field, description in fields)
    if kind is Unavailable and reason is None:
        return explain(server, said)
    if kind is Overloaded and reason is None:
        return f"{server}, or a proxy in front of it, accepts no more calls for now" + (f" ({said})" if said else "")
    if kind is DeadlineExceeded:
        said = said if reason else ""  # gRPC's own message only repeats the name of the code
        return f"no answer from {server} within the timeout; a longer timeout may help" + (f" ({said})" if said else "")
    if kind is Unauthenticated:
        return f"{server} rejected the call ({said or 'no token'}); pass a valid token or set NUTGRAF_TOKEN"
    if kind is ProtocolMismatch:
        return f"{server} does not support this call: it is not a nutgraf server, or has another version ({said})"
    if kind is ServerError and reason is None:
        return f"the call to {server} failed with {_code_name(status.code)}" + (f": {said}" if said else "")
    return said or f"{server} answered {reason or _code_name(status.code)}"


def _code_name(code: int) -> str:
    # .Name() alone would raise for an unknown number.
    return str(code_pb2.Code.Name(code)) if code in code_pb2.Code.values() else f"code {code}"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
