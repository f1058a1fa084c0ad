"""What runs in the process of Ray Serve's gRPC proxy: the contract, in a thin layer around Serve's own routing.

Serve's routing drops the deadline and the initial metadata of a call, and tells callers of its own failures by stack
traces. The layer mends that; `ray_serve` is the other end, in the replicas.
"""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import grpc
from grpc_health.v1 import health, health_pb2

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_service.calls import DETAILS, REQUEST_ID, SERVICE, marking, on_wire, request_id_of
from nutgraf_service.refusals import Refusal

# Seconds that the caller had left when its call came here, for a replica; empty for a caller without a deadline. What
# a call then waits for a replica is not taken off: a deadline that passes there reaches the replica as a cancellation.
REMAINING = "nutgraf-time-remaining"
_RETRY_SECONDS = 1.0
_SERVES_OWN = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: ("QUEUE_FULL", "all replicas are busy, and no more calls may wait"),
    grpc.StatusCode.NOT_FOUND: (
        "LOADING",
        "the application is not deployed yet (or there are several; the metadata `application` names one)",
    ),
}
_GONE = ("DRAINING", "the replica that had the call is gone; call again to reach another")


def add_servicers(_: object, server: Any) -> None:
    """Adds the contract and the health service to Serve's proxy; for `grpc_servicer_functions`."""
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
    read_health = health_pb2.HealthCheckRequest.FromString
    # Answered here: in a replica, each client that watches would occupy a place for as long as it is connected.
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
        # Serve has put its routing in the place of `_routed`, and looks nothing up before a call comes.
        routed = handlers._method_handlers
        handlers._method_handlers = {path: _layered(handler) for path, handler in routed.items()}
        if name == health.SERVICE_NAME:
            handlers._method_handlers[f"/{name}/Watch"] = watch


def _routed(*_: object) -> NoReturn:
    raise NotImplementedError


async def _watch(request: object, context: object) -> AsyncIterator[health_pb2.HealthCheckResponse]:
    """What a channel asks before it sends calls here: that this proxy is there. `Check` asks a replica."""
    yield health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
    await asyncio.Event().wait()


def _layered(handler: Any) -> Any:
    """Serve's handler, and around it the request id, the deadline, and errors as the contract has them."""

    async def unary(request: object, context: Any) -> object:
        response = await handler.unary_unary(request, await _Caller.of(context))
        _put_into_table(context)
        return response

    async def stream(requests: object, context: Any) -> AsyncIterator[object]:
        async for response in handler.stream_stream(requests, await _Caller.of(context)):
            # A status with details leaves a replica only on a message. This one is for the status, and has no answer.
            if not _has_failed(context):
                yield response
        _put_into_table(context)

    return handler._replace(unary_unary=unary, stream_stream=stream)


class _Caller:
    """The proxy's context of a call, with more metadata."""

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
    # 0 or None until somebody sets it.
    return (context.code() or grpc.StatusCode.OK) is not grpc.StatusCode.OK


def _put_into_table(context: Any) -> None:
    """Says what Serve itself failed with as `refusals` has it, and not by a stack trace."""
    trailing = tuple(context.trailing_metadata() or ())
    if not _has_failed(context) or any(key == DETAILS for key, _ in trailing):
        return
    if context.code() is grpc.StatusCode.DEADLINE_EXCEEDED:  # `request_timeout_s` of the config
        refusal = Refusal("DEADLINE_EXCEEDED", "the time that this server allows a call was over")
    else:
        reason, message = _SERVES_OWN.get(context.code(), _GONE)
        refusal = Refusal(reason, message, retry_after=_RETRY_SECONDS)
    code, details, more = on_wire(refusal)
    context.set_code(code)
    context.set_details(details)
    context.set_trailing_metadata((*trailing, *more))
