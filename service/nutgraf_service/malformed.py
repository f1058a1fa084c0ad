"""Requests that do not parse fail with MALFORMED_MESSAGE.

Left alone, grpc.aio answers UNKNOWN, with the text of a Python exception. So deserializers return a marker instead of
raising, and handlers check for it.
"""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from nutgraf_service.calls import SERVICE, on_wire
from nutgraf_service.errors import ServiceError


class Malformed:
    """Stands for a message that did not parse."""


class MalformedMessages(grpc.aio.ServerInterceptor):
    """Makes every method fail with MALFORMED_MESSAGE for a request that does not parse."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler: Any = await continuation(handler_call_details)
        if handler is None:
            return None
        handler = handler._replace(request_deserializer=marking(handler.request_deserializer))
        # Our servicer calls `check_parsed` itself. The others (health, reflection, channelz) know nothing of markers.
        return handler if handler_call_details.method.startswith(f"/{SERVICE}/") else _checking(handler)


def marking(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Wraps a deserializer so that it returns `Malformed` for a message that does not parse."""

    def deserialize_or_mark(data: bytes) -> object:
        try:
            return deserialize(data)
        except DecodeError:
            return Malformed()

    return deserialize_or_mark


def check_parsed(request: object) -> None:
    """
    Raises:
        ServiceError: MALFORMED_MESSAGE, if the request is the marker.
    """
    if isinstance(request, Malformed):
        message = "the message does not parse: it has another type, or a string in it is not valid UTF-8"
        raise ServiceError("MALFORMED_MESSAGE", message)


def _checking(handler: Any) -> Any:
    """Wraps a handler so that it never sees the marker."""

    async def check(request: object, context: Any) -> None:
        try:
            check_parsed(request)
        except ServiceError as error:
            await context.abort(*on_wire(error))

    async def unary_unary(request: Any, context: Any) -> Any:
        await check(request, context)
        return await handler.unary_unary(request, context)

    async def unary_stream(request: Any, context: Any) -> Any:
        await check(request, context)
        return await handler.unary_stream(request, context)

    async def stream_stream(requests: Any, context: Any) -> Any:
        async def parsed() -> AsyncIterator[Any]:
            async for request in requests:
                await check(request, context)
                yield request

        async for response in handler.stream_stream(parsed(), context):
            yield response

    wrapped = (unary_unary, unary_stream, stream_stream)
    return handler._replace(**{by.__name__: by for by in wrapped if getattr(handler, by.__name__) is not None})
