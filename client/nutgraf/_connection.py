"""The connection under `Client`: channels, deadlines, retries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nutgraf._channel import SERVICE, Endpoint, open_channel
from nutgraf._error_mapping import from_rpc_error
from nutgraf._error_mapping import request_id as id_in
from nutgraf._errors import NutgrafError, Unavailable
from nutgraf._outage import Link, Outage, not_ready
from nutgraf._requests import check_timeout
from nutgraf._unreachable import says_more

_PROBE_SECONDS = 1.0


class Connection:
    """The channels to one server, thread-safe.

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
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._channels: dict[bool, grpc.Channel] = {}

    def close(self) -> None:
        """Cancels all calls. The connection cannot be used afterwards."""
        self.closed.set()
        with self._lock:
            channels = list(self._channels.values())
            self._channels.clear()
        for channel in channels:
            channel.close()

    def call(
        self,
        method: Callable[..., Any],
        request: object,
        timeout: float | None,
        request_id: str | None,
    ) -> tuple[Any, str | None]:
        deadline = time.monotonic() + (self.timeout if timeout is None else check_timeout(timeout))
        metadata = self.endpoint.metadata(request_id)
        outage = Outage(self.link)
        while True:
            try:
                left = max(deadline - time.monotonic(), 0.001)
                response, call = method.with_call(request, timeout=left, metadata=metadata)  # type: ignore[attr-defined]
            except grpc.RpcError as error:
                failure: NutgrafError = from_rpc_error(error, server=self.link.server)
            except ValueError:  # another thread has closed the channel
                self.raise_if_closed()
                raise
            else:
                outage.over()
                return response, id_in(call.initial_metadata())
            self.raise_if_closed()
            self.closed.wait(outage.delay_or_raise(self.diagnose(failure), deadline=deadline))
            self.raise_if_closed()

    def diagnose(self, error: NutgrafError) -> NutgrafError:
        """Finds a better error for `Unavailable` without a reason, by asking the health service."""
        if not isinstance(error, Unavailable) or error.reason is not None:
            return error
        try:
            health = self.health(health_pb2.HealthCheckRequest(service=SERVICE), _PROBE_SECONDS)
        except grpc.RpcError as probe:
            return says_more(from_rpc_error(probe, server=self.link.server), error)
        except (RuntimeError, ValueError):  # closed meanwhile
            return error
        self.link.reached = True
        return not_ready(error, self.link.server, health)

    def health(self, request: health_pb2.HealthCheckRequest, timeout: float) -> health_pb2.HealthCheckResponse:
        stub: Any = health_pb2_grpc.HealthStub(self.channel(control=True))
        response: health_pb2.HealthCheckResponse = stub.Check(
            request, timeout=timeout, metadata=self.endpoint.metadata()
        )
        return response

    def channel(self, *, control: bool = False) -> grpc.Channel:
        with self._lock:
            self.raise_if_closed()
            if control not in self._channels:
                self._channels[control] = open_channel(self.endpoint, control=control)
            return self._channels[control]

    def raise_if_closed(self) -> None:
        if self.closed.is_set():
            raise RuntimeError("this nutgraf client is closed")

    def check_health(self, timeout: float | None) -> bool:
        """Whether the server's health service says SERVING."""
        limit = self.timeout if timeout is None else check_timeout(timeout)
        try:
            response = self.health(health_pb2.HealthCheckRequest(service=SERVICE), limit)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:  # the server does not (yet) have the service
                return False
            raise from_rpc_error(error, server=self.link.server) from None
        self.link.reached = True
        return bool(response.status == health_pb2.HealthCheckResponse.SERVING)
