"""Runs in Ray Serve's gRPC proxy: the contract, as a thin layer around Serve's own routing.

Serve's routing drops the deadline and the initial metadata of a call, and answers its own failures with stack traces.
The layer corrects this. `ray_replica` is the other end.
"""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import grpc
from grpc_health.v1 import health, health_pb2

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_service.calls import DETAILS, REQUEST_ID, SERVICE, on_wire, request_id_of
from nutgraf_service.errors import ServiceError
from nutgraf_service.malformed import marking

# Metadata for the replica: the seconds until the deadline when the call arrived here; empty without a deadline. It does
# not account for the time until a replica is free, but a deadline that passes meanwhile cancels the call anyway.
REMAINING = "nutgraf-time-remaining"
_RETRY_SECONDS = 1.0
_SERVE_FAILURES = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: ("QUEUE_FULL", "all replicas are busy, and the queue is full"),
    grpc.StatusCode.NOT_FOUND: (
        "LOADING",
        "the application is not deployed yet (or there are several: choose one with the metadata `application`)",
    ),
}
_GONE = ("DRAINING", "the replica that handled the call is gone; retry to reach another")


def add_servicers(_: object, server: Any) -> None:
    """Adds the contract and the health service to Serve's proxy; for `grpc_servicer_functions`."""
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
    read_health = health_pb2.HealthCheckRequest.FromString
    # Answered here, because in a replica each watching client would occupy a slot for as long as it is connected.
    watch = grpc.unary_stream_rpc_method_handler(_watch, read_health, health_pb2.HealthCheckResponse.SerializeToString)
    services: dict[str, dict[str, Any]] = {
        SERVICE: {
            "Summarize": unary(_routed, marking(pb.SummarizeRequest.FromString)),
            "SummarizeMany": stream(_routed, marking(pb.SummarizeManyRequest.FromString)),
            "CheckSummary": unary(_routed, marking(pb.CheckSummaryRequest.FromString)),
            "GetServerInfo": unary(_routed, marking(pb.GetServerInfoRequest.FromString)),
        },
        health.SERVICE_NAME: {"Check": unary(_routed, read_health)},
    }
    for name, methods in services.items():
        handlers: Any = grpc.method_handlers_generic_handler(name, methods)
        server.add_generic_rpc_handlers((handlers,))
        # Serve has replaced `_routed` by its routing, and looks up nothing before the first call.
        routed = handlers._method_handlers
        handlers._method_handlers = {path: _layered(handler) for path, handler in routed.items()}
        if name == health.SERVICE_NAME:
            handlers._method_handlers[f"/{name}/Watch"] = watch


def _routed(*_: object) -> NoReturn:
    raise NotImplementedError


async def _watch(request: object, context: object) -> AsyncIterator[health_pb2.HealthCheckResponse]:
    """Reports SERVING while this proxy runs, for the health checks of channels. `Check` asks a replica."""
    yield health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
    await asyncio.Event().wait()


def _layered(handler: Any) -> Any:
    """Wraps Serve's handler with the request id, the deadline, and the errors of the contract."""

    async def unary(request: object, context: Any) -> object:
        response = await handler.unary_unary(request, await _Caller.of(context))
        _translate_failure(context)
        return response

    async def stream(requests: object, context: Any) -> AsyncIterator[object]:
        async for response in handler.stream_stream(requests, await _Caller.of(context)):
            # A replica can send a status with details only along with a message. This one carries no answer.
            if not _has_failed(context):
                yield response
        _translate_failure(context)

    return handler._replace(unary_unary=unary, stream_stream=stream)


class _Caller:
    """The proxy's context of a call, with additional metadata."""

    def __init__(self, context: Any, *more: tuple[str, str]) -> None:
        self._context = context
        self._more = more

    @classmethod
    async def of(cls, context: Any) -> _Caller:
        request_id, remaining = request_id_of(context), context.time_remaining()
        await context.send_initial_metadata(((REQUEST_ID, request_id),))
        return cls(context, (REQUEST_ID, request_id), (REMAINING, "" if remaining is None else str(remaining)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def invocation_metadata(self) -> tuple[Any, ...]:
        return (*self._context.invocation_metadata(), *self._more)


def _has_failed(context: Any) -> bool:
    # 0 or None until it is set.
    return (context.code() or grpc.StatusCode.OK) is not grpc.StatusCode.OK


def _translate_failure(context: Any) -> None:
    """Replaces a failure of Serve itself, which is a stack trace, by an error of the contract."""
    trailing = tuple(context.trailing_metadata() or ())
    if not _has_failed(context) or any(key == DETAILS for key, _ in trailing):
        return
    if context.code() is grpc.StatusCode.DEADLINE_EXCEEDED:  # `request_timeout_s` of the config
        failure = ServiceError("DEADLINE_EXCEEDED", "the call took longer than this server allows")
    else:
        reason, message = _SERVE_FAILURES.get(context.code(), _GONE)
        failure = ServiceError(reason, message, retry_after=_RETRY_SECONDS)
    code, details, more = on_wire(failure)
    context.set_code(code)
    context.set_details(details)
    context.set_trailing_metadata((*trailing, *more))
