"""What every call has: a request id, an entry in the log, and errors as the table in `refusals` has them."""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError

from nutgraf.v1.summarizer_pb2 import DESCRIPTOR
from nutgraf_service.logs import frames
from nutgraf_service.metrics import Metrics
from nutgraf_service.refusals import Refusal
from nutgraf_service.threads import Panic

SERVICE = DESCRIPTOR.services_by_name["SummarizerService"].full_name
REQUEST_ID = "x-request-id"
DETAILS = "grpc-status-details-bin"
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_CODES = {code.value[0]: code for code in grpc.StatusCode}
# A caller hangs up by its own clock, which is off the server's by the time that a message takes.
_CLOCKS_DIFFER_SECONDS = 0.1

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")


class Malformed:
    """Stands for a message that could not be parsed."""


class MalformedMessages(grpc.aio.ServerInterceptor):
    """Has a message that does not parse refused as such. Left alone, grpc.aio answers UNKNOWN, with the text of a
    Python exception."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler: Any = await continuation(handler_call_details)
        if handler is None:
            return None
        handler = handler._replace(request_deserializer=marking(handler.request_deserializer))
        # Our own servicer answers for itself. Others' (health, reflection, channelz) know of no such messages.
        return handler if handler_call_details.method.startswith(f"/{SERVICE}/") else _refusing(handler)


def _refusing(handler: Any) -> Any:
    """The handler, but a message that does not parse is refused before it gets there."""

    async def check(request: object, context: Any) -> None:
        try:
            check_parsed(request)
        except Refusal as refusal:
            await context.abort(*on_wire(refusal))

    async def one(request: Any, context: Any) -> Any:
        await check(request, context)
        return await (handler.unary_unary or handler.unary_stream)(request, context)

    async def several(requests: Any, context: Any) -> Any:
        async def parsed() -> AsyncIterator[Any]:
            async for request in requests:
                await check(request, context)
                yield request

        async for response in handler.stream_stream(parsed(), context):
            yield response

    kinds = {"unary_unary": one, "unary_stream": one, "stream_stream": several}
    return handler._replace(**{kind: by for kind, by in kinds.items() if getattr(handler, kind) is not None})


def marking(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """`deserialize`, but a message that does not parse becomes `Malformed`."""

    def deserialize_or_mark(data: bytes) -> object:
        try:
            return deserialize(data)
        except DecodeError:
            return Malformed()

    return deserialize_or_mark


def check_parsed(request: object) -> None:
    if isinstance(request, Malformed):
        message = "the message does not parse: it is no message of this type, or a string in it is not valid UTF-8"
        raise Refusal("MALFORMED_MESSAGE", message)


def internal_error(error: BaseException, request_id: str) -> Refusal:
    """A refusal for something of ours that broke. The log has where, and never what: messages may quote the article."""
    error_id = uuid.uuid4().hex
    log.error(
        "internal error",
        error_id=error_id,
        request_id=request_id,
        error=str(error) if isinstance(error, Panic) else type(error).__name__,
        frames=frames(error),
    )
    message = f"something broke in the server; its log has more under error id {error_id}"
    return Refusal("INTERNAL", message, metadata={"error_id": error_id})


def on_wire(refusal: Refusal) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """A refusal as a call's code, message and trailing metadata."""
    return _CODES[refusal.code], refusal.message, ((DETAILS, refusal.status().SerializeToString()),)


class Calls:
    """The calls under way."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def wait_until_idle(self) -> None:
        await self._idle.wait()

    @contextlib.asynccontextmanager
    async def call(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[dict[str, Any]]:
        """Wraps the work of one call. What the body puts into the yielded dictionary goes into its log entry."""
        self._count += 1
        self._idle.clear()
        started = time.monotonic()
        request_id = request_id_of(context)
        deadline = deadline_of(context)
        facts: dict[str, Any] = {"method": method, "request_id": request_id}
        code = "OK"
        try:
            await context.send_initial_metadata(((REQUEST_ID, request_id),))
            yield facts
        except (asyncio.CancelledError, GeneratorExit, grpc.aio.InternalError) as error:
            code = "CANCELLED"
            if is_late(deadline):
                # gRPC was faster to end it than we were to refuse it.
                code = facts["reason"] = "DEADLINE_EXCEEDED"
                self._metrics.refused(code)
            if isinstance(error, grpc.aio.InternalError):
                # The wire is gone: the caller hung up, which grpc.aio is about to say. Nothing of ours broke.
                raise asyncio.CancelledError from None
            raise
        except BaseException as error:  # what is written in other languages panics by others than Exception
            refusal = error if isinstance(error, Refusal) else internal_error(error, request_id)
            code = _CODES[refusal.code].name
            facts["reason"] = refusal.reason
            self._metrics.refused(refusal.reason)
            await context.abort(*on_wire(refusal))
        finally:
            seconds = time.monotonic() - started
            self._metrics.call_ended(method, code, seconds)
            log.info("call", code=code, seconds=round(seconds, 4), **facts)
            self._count -= 1
            if self._count == 0:
                self._idle.set()


def deadline_of(context: Any) -> float | None:
    """When the time of a call is over, in `time.monotonic()` seconds; None if it has no end."""
    remaining = context.time_remaining()
    return None if remaining is None else time.monotonic() + remaining


def is_late(deadline: float | None) -> bool:
    """Whether a call that was cancelled just now was so because its time is over."""
    return deadline is not None and time.monotonic() >= deadline - _CLOCKS_DIFFER_SECONDS


def request_id_of(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """The caller's, if it is one that a header and a log can carry, else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return uuid.uuid4().hex
