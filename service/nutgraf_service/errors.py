"""The table of errors, and their form on the wire.

Callers tell errors apart by `ErrorInfo.reason`, because gRPC itself uses some of the status codes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

DOMAIN = "nutgraf"

CODES: dict[str, int] = {
    "EMPTY_TEXT": code_pb2.INVALID_ARGUMENT,
    "TEXT_TOO_LONG": code_pb2.INVALID_ARGUMENT,
    "TITLE_TOO_LONG": code_pb2.INVALID_ARGUMENT,
    "UNKNOWN_LENGTH": code_pb2.INVALID_ARGUMENT,
    "REPEATED_LENGTH": code_pb2.INVALID_ARGUMENT,
    "BAD_CAP": code_pb2.INVALID_ARGUMENT,
    "BAD_TIMEOUT": code_pb2.INVALID_ARGUMENT,
    "BAD_ID": code_pb2.INVALID_ARGUMENT,
    "EMPTY_SUMMARY": code_pb2.INVALID_ARGUMENT,
    "SUMMARY_TOO_LONG": code_pb2.INVALID_ARGUMENT,
    "BAD_THRESHOLD": code_pb2.INVALID_ARGUMENT,
    "MALFORMED_MESSAGE": code_pb2.INVALID_ARGUMENT,
    "UNAUTHENTICATED": code_pb2.UNAUTHENTICATED,
    "QUEUE_FULL": code_pb2.RESOURCE_EXHAUSTED,
    "LOADING": code_pb2.UNAVAILABLE,
    "DRAINING": code_pb2.UNAVAILABLE,
    "DEADLINE_EXCEEDED": code_pb2.DEADLINE_EXCEEDED,
    "INTERNAL": code_pb2.INTERNAL,
}


@dataclass(eq=False)
class ServiceError(Exception):
    """The error that a call or a stream item is answered with.

    Args:
        reason: a key of `CODES`.
        message: says what is wrong and how to fix it, without quoting the article.
        field_path: the request field at fault.
        metadata: for `ErrorInfo.metadata`.
        retry_after: seconds after which a retry may help.
    """

    reason: str
    message: str
    field_path: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None

    @property
    def code(self) -> int:
        return CODES[self.reason]

    def status(self) -> status_pb2.Status:
        details: list[Message] = [
            error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        ]
        if self.field_path is not None:
            violation = error_details_pb2.BadRequest.FieldViolation(field=self.field_path, description=self.message)
            details.append(error_details_pb2.BadRequest(field_violations=[violation]))
        if self.retry_after is not None:
            details.append(error_details_pb2.RetryInfo(retry_delay=to_duration(self.retry_after)))
        return status_pb2.Status(code=self.code, message=self.message, details=_packed(details))


def empty_text() -> ServiceError:
    message = "the text is empty or has no readable characters; send the text of an article"
    return ServiceError("EMPTY_TEXT", message, field_path="text")


def empty_summary() -> ServiceError:
    message = "the summary is empty or has no readable characters; send a summary of the article"
    return ServiceError("EMPTY_SUMMARY", message, field_path="summary")


def to_duration(seconds: float) -> duration_pb2.Duration:
    whole = math.floor(seconds)
    return duration_pb2.Duration(seconds=whole, nanos=min(int((seconds - whole) * 1e9), 999_999_999))


def _packed(details: Sequence[Message]) -> list[any_pb2.Any]:
    packed = []
    for detail in details:
        wrapper = any_pb2.Any()
        wrapper.Pack(detail)
        packed.append(wrapper)
    return packed
