"""From gRPC's errors to ours: by the reason that a nutgraf server gives, else by the status code."""

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

# By reason first: gRPC and proxies use some of the same codes for other things.
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
    # Not by us (a caller's own cancel never comes here), so the connection was cut by a proxy or by the server.
    code_pb2.CANCELLED: Unavailable,
    code_pb2.DEADLINE_EXCEEDED: DeadlineExceeded,
    code_pb2.UNAUTHENTICATED: Unauthenticated,
    code_pb2.PERMISSION_DENIED: Unauthenticated,
    code_pb2.UNIMPLEMENTED: ProtocolMismatch,
}
# By gRPC of a request (its C core and Go). Of a response it says CLIENT, and the caller can do nothing about it.
_TOO_LARGE = re.compile(r"(CLIENT: )?received message larger than max \((\d+) vs\. (\d+)\)", re.IGNORECASE)
_TOO_MANY_REQUESTS = "Received http2 header with status: 429"


class _FailedCall(Protocol):
    """What grpc.RpcError (which is a grpc.Call, too) and grpc.aio.AioRpcError have in common."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def initial_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def from_rpc_error(error: grpc.RpcError, *, server: str) -> NutgrafError:
    """The error that a failed call stands for.

    Args:
        error: what grpc or grpc.aio raised.
        server: the server's address, for the message.
    """
    call = cast("_FailedCall", error)
    try:
        status = rpc_status.from_call(cast("grpc.Call", call))
    except (ValueError, DecodeError):  # details that contradict the status, made by something in between
        status = None
    if status is None:
        status = Status(code=call.code().value[0], message=call.details() or "")
    sent_back = request_id(call.initial_metadata()) or request_id(call.trailing_metadata())
    return from_status(status, server=server, request_id=sent_back)


def from_status(status: Status, *, server: str, request_id: str | None = None) -> NutgrafError:
    """The error that a `google.rpc.Status` stands for.

    Args:
        status: of a failed call, or of one item of a stream.
        server: the server's address, for the message.
        request_id: what the server echoed.
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
    """The request id in a call's metadata, if there is one."""
    for key, value in metadata or ():
        if key == REQUEST_ID:
            return value if isinstance(value, str) else value.decode("ascii", "replace")
    return None


def _message(
    kind: type[NutgrafError], status: Status, server: str, reason: str | None, fields: tuple[tuple[str, str], ...]
) -> str:
    said = status.message or "; ".join(f"{field}: {what}" for field, what in fields)
    if kind is Unavailable and reason is None:
        return explain(server, said)
    if kind is Overloaded and reason is None:
        return f"{server}, or a proxy in front of it, takes no more calls for now" + (f" ({said})" if said else "")
    if kind is DeadlineExceeded:
        said = said if reason else ""  # gRPC's own words repeat the name of the code and nothing else
        return f"no answer from {server} within the time allowed; allow more with timeout" + (
            f" ({said})" if said else ""
        )
    if kind is Unauthenticated:
        return f"{server} refused the call ({said or 'no token'}); give a valid one with token or NUTGRAF_TOKEN"
    if kind is ProtocolMismatch:
        return f"what answers at {server} is no nutgraf server of a version that knows this call ({said})"
    if kind is ServerError and reason is None:
        return f"the call to {server} failed with {_code_name(status.code)}" + (f": {said}" if said else "")
    return said or f"{server} answered {reason or _code_name(status.code)}"


def _code_name(code: int) -> str:
    # .values() rather than .Name(): a number that nobody knows must not raise
    return str(code_pb2.Code.Name(code)) if code in code_pb2.Code.values() else f"code {code}"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
