"""The RPCs: validate, translate, call the core, translate back."""

# grpc's types take parameters in their stubs only.
from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceServicer
from nutgraf_service.calls import Calls, deadline_of, internal_error, is_late
from nutgraf_service.core import Core, State, draining, loading
from nutgraf_service.errors import ServiceError
from nutgraf_service.holding import Holding
from nutgraf_service.malformed import check_parsed
from nutgraf_service.metrics import Metrics
from nutgraf_service.requests import article_request_from, check_request_from, item_deadline
from nutgraf_service.responses import check_response_from, response_from, server_info
from nutgraf_service.settings import Settings
from nutgraf_service.tracing import Tracing


class Servicer(SummarizerServiceServicer):
    def __init__(self, core: Core, settings: Settings, metrics: Metrics, tracing: Tracing | None, version: str) -> None:
        self.calls = Calls(metrics)
        self._metrics = metrics
        self._tracing = tracing
        self._core = core
        self._settings = settings
        self._version = version
        self.holding = Holding(max_bytes=settings.max_held_bytes, max_calls=settings.max_calls)
        metrics.held_bytes.set_function(lambda: self.holding.bytes)

    async def Summarize(self, request: pb.SummarizeRequest, context: Any) -> pb.SummarizeResponse:
        async with self.calls.call("Summarize", context) as log_fields:
            call = _Call.of(log_fields, context)
            response = await self._summarize(request, deadline_of(context), call)
            log_fields["characters"] = response.article.character_count
        return response

    async def CheckSummary(self, request: pb.CheckSummaryRequest, context: Any) -> pb.CheckSummaryResponse:
        async with self.calls.call("CheckSummary", context) as log_fields:
            call, deadline = _Call.of(log_fields, context), deadline_of(context)
            with self._hold(call, request, deadline):
                outcome = await self._core.check(check_request_from(request, self._settings, deadline))
            if self._tracing is not None:
                self._tracing.checked(call.headers, call.method, call.request_id, outcome)
            log_fields["characters"] = outcome.checked.character_count
            log_fields["sentences"] = len(outcome.checked.sentences)
            log_fields["verdict"] = outcome.checked.verdict.value
        return check_response_from(outcome)

    async def SummarizeMany(self, request_iterator: Any, context: Any) -> None:  # type: ignore[override]
        async with self.calls.call("SummarizeMany", context) as log_fields:
            if self._core.state is State.LOADING:
                raise loading()
            call = _Call.of(log_fields, context)
            stream = _Stream(self, context, self._settings.max_stream_items, call)
            try:
                with self.holding.call():
                    async with asyncio.TaskGroup() as group:
                        await stream.read(request_iterator, self._core.draining, group)
            except* Exception as errors:
                # Errors of items are answered per item. An error here ends the stream.
                raise errors.exceptions[0] from None
            finally:
                log_fields["items"] = stream.count
            if self._core.draining.is_set():
                raise draining()

    async def GetServerInfo(self, request: pb.GetServerInfoRequest, context: Any) -> pb.GetServerInfoResponse:
        async with self.calls.call("GetServerInfo", context):
            check_parsed(request)
            return server_info(self._core, self._settings, self._version)

    async def answer(self, request: pb.SummarizeManyRequest, call: _Call) -> pb.SummarizeManyResponse:
        """Answers one item of a stream, with an error if it fails."""
        try:
            deadline = item_deadline(request, self._settings)
            response = await self._summarize(request.request, deadline, call, is_stream=True)
            return pb.SummarizeManyResponse(id=request.id, response=response)
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:
            failure = error if isinstance(error, ServiceError) else internal_error(error, call.request_id)
            self._metrics.refused(failure.reason)
            return pb.SummarizeManyResponse(id=request.id, error=failure.status())

    async def _summarize(
        self, request: pb.SummarizeRequest, deadline: float | None, call: _Call, *, is_stream: bool = False
    ) -> pb.SummarizeResponse:
        with self._hold(call, request, deadline, is_stream=is_stream):
            outcome = await self._core.summarize(
                article_request_from(request, self._settings, deadline, is_stream=is_stream)
            )
        if self._tracing is not None:
            self._tracing.summarized(call.headers, call.method, call.request_id, outcome)
        assert self._core.summarizer is not None
        return response_from(outcome, self._core.summarizer.card.id)

    @contextlib.contextmanager
    def _hold(self, call: _Call, request: Any, deadline: float | None, *, is_stream: bool = False) -> Iterator[None]:
        """Counts an article while the context lasts. If it fails, sends a trace span with the reason."""
        started = time.monotonic()
        try:
            check_parsed(request)
            # A stream is counted once, not per item.
            call_counted = contextlib.nullcontext() if is_stream else self.holding.call()
            with call_counted, self.holding.text(request.ByteSize(), is_stream=is_stream):
                yield
        except BaseException as error:
            if self._tracing is not None:
                self._tracing.failed(
                    call.headers,
                    call.method,
                    call.request_id,
                    _reason(error, deadline),
                    seconds=time.monotonic() - started,
                    characters=len(getattr(request, "text", "")),
                )
            raise


def _reason(error: BaseException, deadline: float | None) -> str:
    if isinstance(error, ServiceError):
        return error.reason
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        # gRPC cancels a call whose deadline has passed.
        return "DEADLINE_EXCEEDED" if is_late(deadline) else "CANCELLED"
    return "INTERNAL"


@dataclass(frozen=True)
class _Call:
    """The call that an article came with, for log entries and trace spans."""

    method: str
    request_id: str
    headers: Sequence[tuple[str, str | bytes]]

    @classmethod
    def of(cls, log_fields: Mapping[str, Any], context: Any) -> _Call:
        return cls(log_fields["method"], log_fields["request_id"], context.invocation_metadata() or ())


class _Stream:
    """The items of one stream. Works on at most `max_items` at a time, and reads no more until one is answered."""

    def __init__(
        self, servicer: Servicer, context: grpc.aio.ServicerContext[Any, Any], max_items: int, call: _Call
    ) -> None:
        self._servicer = servicer
        self._context = context
        self._slots = asyncio.Semaphore(max_items)
        self._writing = asyncio.Lock()
        self._call = call
        self.count = 0

    async def read(self, requests: AsyncIterator[Any], stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        """Reads items until the caller ends the stream or `stop` is set, and starts a task in `group` for each."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while True:
                if not await _unless(stopping, self._slots.acquire()):
                    return
                if not await _unless(stopping, self._servicer.holding.wait_until_streams_may_read()):
                    return
                request = await _unless(stopping, self._next(requests))
                if request is None:
                    return
                check_parsed(request)
                self.count += 1
                group.create_task(self._answer(request))
                del request  # the next one may take long to arrive
        finally:
            stopping.cancel()

    async def _next(self, requests: AsyncIterator[Any]) -> Any:
        """The next request; None at the end of the stream."""
        read = getattr(self._context, "read", None)
        if read is None:  # on Ray Serve
            return await anext(requests, None)
        # Not by grpc.aio's iterator, which keeps each request in memory until the next one arrives.
        request = await read()
        return None if request is grpc.aio.EOF else request

    async def _answer(self, request: pb.SummarizeManyRequest) -> None:
        response = await self._servicer.answer(request, self._call)
        del request  # the caller may read slowly
        async with self._writing:
            await self._context.write(response)
        self._slots.release()


async def _unless(stopping: asyncio.Task[Any], work: Any) -> Any:
    """The result of `work`; None if `stopping` is done first."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
