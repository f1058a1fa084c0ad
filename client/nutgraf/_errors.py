"""The errors of calls.

    NutgrafError
    ├── InvalidArticle      the request is invalid; a retry cannot help
    ├── Overloaded          the server's queue is full, or a proxy limits the rate; `retry_after` if known
    ├── DeadlineExceeded    no answer within the timeout
    ├── Unavailable         no server answers, or it is loading or shutting down; `retry_after` if known
    ├── Unauthenticated     the token is missing or invalid
    ├── ServerError         internal error of the server; its log has details under `error_id`
    └── ProtocolMismatch    the server does not support the call

Misuse of the library itself (a text that is not a string, an unknown length, a closed client) raises TypeError,
ValueError or RuntimeError.
"""

from __future__ import annotations

__all__ = [
    "DeadlineExceeded",
    "InvalidArticle",
    "NutgrafError",
    "Overloaded",
    "ProtocolMismatch",
    "ServerError",
    "Unauthenticated",
    "Unavailable",
]


# Attributes are keyword arguments with defaults, so that pickling an Exception (class, args, __dict__) works.
class NutgrafError(Exception):
    """A call to a nutgraf server failed.

    Attributes:
        reason: the server's `ErrorInfo.reason` ("TEXT_TOO_LONG"); None if the error is not from a nutgraf server.
        request_id: the id of the call in the server's log; None if no server returned one.
        details: (field, description) for each invalid field of the request; empty for most errors.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        request_id: str | None = None,
        details: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.request_id = request_id
        self.details = details


class InvalidArticle(NutgrafError):
    """The article, the summary to check, or an option is invalid.

    Attributes:
        limit: the maximum size, if something was too large; the message tells the unit.
        size: the actual size, if something was too large.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        request_id: str | None = None,
        details: tuple[tuple[str, str], ...] = (),
        limit: int | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(message, reason=reason, request_id=request_id, details=details)
        self.limit = limit
        self.size = size


class _Retryable(NutgrafError):
    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        request_id: str | None = None,
        details: tuple[tuple[str, str], ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, reason=reason, request_id=request_id, details=details)
        self.retry_after = retry_after


class Overloaded(_Retryable):
    """The server's queue is full, or a proxy in front of it limits the rate.

    Attributes:
        retry_after: seconds after which the server suggests a retry; None if unknown.
    """


class Unavailable(_Retryable):
    """No server could be reached, or it is loading its model or shutting down.

    Attributes:
        retry_after: seconds after which the server suggests a retry; None if no server answered.
    """


class DeadlineExceeded(NutgrafError):
    """The answer did not arrive within the timeout."""


class Unauthenticated(NutgrafError):
    """The server requires a token, or rejects the given one."""


class ServerError(NutgrafError):
    """An internal error of the server.

    Attributes:
        error_id: identifies the error in the server's log; None if the error does not come from a nutgraf server.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        request_id: str | None = None,
        details: tuple[tuple[str, str], ...] = (),
        error_id: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason, request_id=request_id, details=details)
        self.error_id = error_id


class ProtocolMismatch(NutgrafError):
    """The server at the address does not support the call: it is not a nutgraf server, or has another version."""
