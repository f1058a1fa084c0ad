"""What a call can fail with.

    NutgrafError
    ├── InvalidArticle      the request is at fault: sending the same again cannot help
    ├── Overloaded          the server's queue is full, or a proxy's limit reached; `retry_after` where it said so
    ├── DeadlineExceeded    no answer within the time allowed
    ├── Unavailable         no server, or one that is loading or shutting down; `retry_after` where it said so
    ├── Unauthenticated     the token is missing or wrong
    ├── ServerError         something broke in the server; `error_id` finds it in the server's log
    └── ProtocolMismatch    whatever answers does not speak this version of the contract

Misuse of the library itself (a text that is no string, an unknown length, a closed client) is a TypeError, ValueError
or RuntimeError as anywhere in Python, not one of these.
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


# Attributes are keyword arguments with defaults, so that Exception's own way of pickling (class, args, __dict__) works.
class NutgrafError(Exception):
    """A call to a nutgraf server that failed.

    Attributes:
        reason: the server's `ErrorInfo.reason` ("TEXT_TOO_LONG"), None where the failure did not come from a nutgraf
            server.
        request_id: the id of the call, as in the server's log; None where no server gave one.
        details: (field, what is wrong with it) for each field of the request that is at fault; empty for most errors.
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
    """The article, the summary to be checked, or what was asked for them, cannot be used as sent.

    Attributes:
        limit: where something was too large, the largest that the server takes (its unit is in the message).
        size: where something was too large, how large it was.
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
    """The server has as many calls waiting as it accepts, or a proxy in front of it allows no more for now.

    Attributes:
        retry_after: seconds after which the server suggests to try again; None where it did not say.
    """


class Unavailable(_Retryable):
    """No server could be reached, or the one there is loading its model or shutting down.

    Attributes:
        retry_after: seconds after which the server suggests to try again; None where there is no server to say so.
    """


class DeadlineExceeded(NutgrafError):
    """The answer did not come within the time allowed."""


class Unauthenticated(NutgrafError):
    """The server wants a token, or another one."""


class ServerError(NutgrafError):
    """Something broke in the server.

    Attributes:
        error_id: finds the failure in the server's log; None where the failure did not come from a nutgraf server.
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
    """Something answers at the address, but not a nutgraf server of a version that knows this call."""
