"""What every call has: a request id, a log entry, metrics, and an error from the table in `errors.py` if it fails."""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import structlog

from nutgraf.v1.summarizer_pb2 import DESCRIPTOR
from nutgraf_models.errors import EngineFault, frames
from nutgraf_service.errors import ServiceError
from nutgraf_service.metrics import Metrics
from nutgraf_service.threads import Panic

SERVICE = DESCRIPTOR.services_by_name["SummarizerService"].full_name
REQUEST_ID = "x-request-id"
DETAILS = "grpc-status-details-bin"
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_CODES = {code.value[0]: code for code in grpc.StatusCode}
# The caller measures its deadline from when it sent the request, the server from when the request arrived.
_CLOCK_DIFFERENCE_SECONDS = 0.1

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")


class Calls:
    """The calls in progress."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def wait_until_idle(self) -> None:
        await self._idle.wait()

    @contextlib.asynccontextmanager
    async def call(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[dict[str, Any]]:
        """Wraps the work of one call. The body may add fields to the yielded dictionary, which the log entry shows."""
        self._count += 1
        self._idle.clear()
        started = time.monotonic()
        request_id = request_id_of(context)
        deadline = deadline_of(context)
        log_fields: dict[str, Any] = {"method": method, "request_id": request_id}
        code = "OK"
        try:
            await context.send_initial_metadata(((REQUEST_ID, request_id),))
            yield log_fields
        except (asyncio.CancelledError, GeneratorExit, grpc.aio.InternalError) as error:
            code = "CANCELLED"
            if is_late(deadline):
                # gRPC ended the call before the server could answer it with this error.
                code = log_fields["reason"] = "DEADLINE_EXCEEDED"
                self._metrics.refused(code)
            if isinstance(error, grpc.aio.InternalError):
                # The connection is gone: the caller hung up, and grpc.aio is about to cancel the call.
                raise asyncio.CancelledError from None
            raise
        except BaseException as error:  # extensions in other languages raise panics that are not an Exception
            failure = error if isinstance(error, ServiceError) else internal_error(error, request_id)
            code = _CODES[failure.code].name
            log_fields["reason"] = failure.reason
            self._metrics.refused(failure.reason)
            await context.abort(*on_wire(failure))
        finally:
            seconds = time.monotonic() - started
            self._metrics.call_ended(method, code, seconds)
            log.info("call", code=code, seconds=round(seconds, 4), **log_fields)
            self._count -= 1
            if self._count == 0:
                self._idle.set()


def deadline_of(context: Any) -> float | None:
    """The deadline of a call, in `time.monotonic()` seconds; None without one."""
    remaining = context.time_remaining()
    return None if remaining is None else time.monotonic() + remaining


def is_late(deadline: float | None) -> bool:
    """Whether a call that has just been cancelled was cancelled because of its deadline."""
    return deadline is not None and time.monotonic() >= deadline - _CLOCK_DIFFERENCE_SECONDS


def internal_error(error: BaseException, request_id: str) -> ServiceError:
    """Logs an unexpected error and returns the INTERNAL error for the caller.

    The log entry has the stack's frames but not the message, which may quote the article.
    """
    error_id = uuid.uuid4().hex
    log.error(
        "internal error",
        error_id=error_id,
        request_id=request_id,
        error=str(error) if isinstance(error, Panic | EngineFault) else type(error).__name__,
        frames=frames(error),
    )
    message = f"internal error; the server's log has details under error id {error_id}"
    return ServiceError("INTERNAL", message, metadata={"error_id": error_id})


def on_wire(error: ServiceError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """An error as a call's code, message and trailing metadata."""
    return _CODES[error.code], error.message, ((DETAILS, error.status().SerializeToString()),)


def request_id_of(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """The caller's request id if it is fit for headers and logs (printable ASCII), else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return uuid.uuid4().hex
