"""The connection under `AsyncClient`: channels, deadlines, retries."""

# Timeouts here are deadlines that travel to the server with the call, which asyncio.timeout would not.
# ruff: noqa: ASYNC109

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nutgraf._channel import SERVICE, Endpoint, open_async_channel
from nutgraf._error_mapping import from_rpc_error
from nutgraf._error_mapping import request_id as id_in
from nutgraf._errors import NutgrafError, Unavailable
from nutgraf._outage import Link, Outage, not_ready
from nutgraf._requests import check_timeout
from nutgraf._unreachable import says_more

_PROBE_SECONDS = 1.0


class AsyncConnection:
    """The channels to one server, for one event loop.

    Args:
        endpoint: the server.
        timeout: default timeout of calls in seconds.
        retry_seconds: how long to retry when a server that was reached before is unavailable.

    Raises:
        ValueError: `timeout` or `retry_seconds` is invalid.
    """

    def __init__(self, endpoint: Endpoint, timeout: float, retry_seconds: float) -> None:
        self.endpoint = endpoint
        self.timeout = check_timeout(timeout)
        self.link = Link(endpoint.target, retry_seconds)
        self.closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channels: dict[bool, grpc.aio.Channel] = {}
        self._running: set[Any] = set()

    async def close(self) -> None:
        """Cancels all calls. The connection cannot be used afterwards."""
        self.closed = True
        # A channel's close() looks for running calls in the stacks of all tasks, and misses some.
        for call in list(self._running):
            call.cancel()
        channels = list(self._channels.values())
        self._channels.clear()
        for channel in channels:
            await channel.close()

    def track(self, call: Any) -> Any:
        """Registers a call for close() to cancel, and returns it."""
        self._running.add(call)
        call.add_done_callback(self._running.discard)
        return call

    async def call(
        self, method: Callable[..., Any], request: object, timeout: float | None, request_id: str | None
    ) -> tuple[Any, str | None]:
        deadline = time.monotonic() + (self.timeout if timeout is None else check_timeout(timeout))
        metadata = self.endpoint.metadata(request_id)
        outage = Outage(self.link)
        while True:
            left = max(deadline - time.monotonic(), 0.001)
            call = self.track(method(request, timeout=left, metadata=metadata))
            try:
                response = await call
                outage.over()
                return response, id_in(await call.initial_metadata())
            except grpc.RpcError as error:
                failure: NutgrafError = from_rpc_error(error, server=self.link.server)
            except asyncio.CancelledError:
                # If close() caused this rather than the task's owner, the error says so.
                task = asyncio.current_task()
                if self.closed and not (task and task.cancelling()):
                    self.raise_if_closed()
                raise
            self.raise_if_closed()
            await asyncio.sleep(outage.delay_or_raise(await self.diagnose(failure), deadline=deadline))
            self.raise_if_closed()

    async def diagnose(self, error: NutgrafError) -> NutgrafError:
        """Finds a better error for `Unavailable` without a reason, by asking the health service."""
        if not isinstance(error, Unavailable) or error.reason is not None:
            return error
        try:
            health = await self.health(health_pb2.HealthCheckRequest(service=SERVICE), _PROBE_SECONDS)
        except grpc.RpcError as probe:
            return says_more(from_rpc_error(probe, server=self.link.server), error)
        self.link.reached = True
        return not_ready(error, self.link.server, health)

    async def health(self, request: health_pb2.HealthCheckRequest, timeout: float) -> health_pb2.HealthCheckResponse:
        stub: Any = health_pb2_grpc.HealthStub(self.channel(control=True))
        response: health_pb2.HealthCheckResponse = await stub.Check(
            request, timeout=timeout, metadata=self.endpoint.metadata()
        )
        return response

    def channel(self, *, control: bool = False) -> grpc.aio.Channel:
        self.raise_if_closed()
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise RuntimeError("an AsyncClient belongs to the event loop of its first call; make one per loop")
        self._loop = loop
        if control not in self._channels:
            self._channels[control] = open_async_channel(self.endpoint, control=control)
        return self._channels[control]

    def raise_if_closed(self) -> None:
        if self.closed:
            raise RuntimeError("this nutgraf client is closed")

    async def check_health(self, timeout: float | None) -> bool:
        """Whether the server's health service says SERVING."""
        limit = self.timeout if timeout is None else check_timeout(timeout)
        try:
            response = await self.health(health_pb2.HealthCheckRequest(service=SERVICE), limit)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:  # the server does not (yet) have the service
                return False
            raise from_rpc_error(error, server=self.link.server) from None
        self.link.reached = True
        return bool(response.status == health_pb2.HealthCheckResponse.SERVING)
