"""Every way in which a call can fail, in one table, and its form on the wire.

Callers tell failures apart by `ErrorInfo.reason`; the codes are shared with gRPC itself.
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
class Refusal(Exception):
    """A call, or an item of a stream, that fails.

    Args:
        reason: a key of `CODES`.
        message: what was wrong and what would be right, without any of the article.
        field_path: the request's field at fault.
        metadata: for `ErrorInfo.metadata`.
        retry_after: seconds after which trying again may help.
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


def empty_text() -> Refusal:
    message = "the text is empty or has nothing in it to read; send the text of an article"
    return Refusal("EMPTY_TEXT", message, field_path="text")


def empty_summary() -> Refusal:
    message = "the summary is empty or has nothing in it to check; send the summary of the article"
    return Refusal("EMPTY_SUMMARY", message, field_path="summary")


def to_duration(seconds: float) -> duration_pb2.Duration:
    whole = math.floor(seconds)
    return duration_pb2.Duration(seconds=whole, nanos=min(int((seconds - whole) * 1e9), 999_999_999))


def _packed(details: Sequence[Message]) -> list[any_pb2.Any]:
    packed = []
    for detail in details:
        box = any_pb2.Any()
        box.Pack(detail)
        packed.append(box)
    return packed
