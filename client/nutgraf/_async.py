"""The client for asyncio."""

# Timeouts here are deadlines that travel to the server with the call, which asyncio.timeout would not.
# ruff: noqa: ASYNC109

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from types import TracebackType
from typing import Any, Self

import grpc

from nutgraf import _async_many, _convert
from nutgraf._async_connection import AsyncConnection
from nutgraf._channel import endpoint
from nutgraf._ledger import Answer, Ledger, StreamOptions
from nutgraf._outage import DEFAULT_RETRY_SECONDS
from nutgraf._requests import Article, Wanted, check_request, summarize_request
from nutgraf._results import CheckResult, ManyResult, Result, ServerInfo
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1 import summarizer_pb2_grpc as pb_grpc

__all__ = ["AsyncClient"]


class AsyncClient:
    """`Client` for asyncio, with the same arguments, methods and errors.

    A client belongs to the event loop of its first call. Cancelling a call also cancels it on the server.

    Args:
        server, timeout, tls, token, retry_seconds: as for `Client`.

    Raises:
        ValueError: the address, the token or a number of seconds cannot be one.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        timeout: float = 60.0,
        tls: bool | grpc.ChannelCredentials = False,
        token: str | None = None,
        retry_seconds: float = DEFAULT_RETRY_SECONDS,
    ) -> None:
        self._connection = AsyncConnection(endpoint(server, tls=tls, token=token), timeout, retry_seconds)

    @property
    def server(self) -> str:
        """The address that calls go to."""
        return self._connection.endpoint.target

    async def summarize(
        self,
        text: str,
        *,
        title: str = "",
        summaries: Wanted = None,
        show_doubted: bool = False,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> Result:
        """Summarises one article; see `Client.summarize`."""
        request = summarize_request(text, title=title, summaries=summaries, show_doubted=show_doubted)
        response, sent_back = await self._summarize(request, timeout=timeout, request_id=request_id)
        return _convert.result(response, text, sent_back)

    def summarize_many(
        self,
        items: Iterable[str | Article] | AsyncIterable[str | Article],
        *,
        summaries: Wanted = None,
        show_doubted: bool = False,
        ordered: bool = True,
        max_in_flight: int = 16,
        item_timeout: float | None = None,
        request_id: str | None = None,
    ) -> AsyncGenerator[ManyResult, None]:
        """Summarises many articles over one stream; see `Client.summarize_many`.

        `items` may also be an async iterable, which does not delay answers while it waits. Leaving the loop cancels
        articles in progress when the event loop finalises the generator; use `contextlib.aclosing` to cancel at once.
        """
        options = StreamOptions(
            summaries=summaries,
            show_doubted=show_doubted,
            ordered=ordered,
            max_in_flight=max_in_flight,
            item_timeout=item_timeout,
            request_id=request_id,
        )
        return _converted(self._summarize_many(items, options))

    async def check(
        self,
        text: str,
        summary: str,
        *,
        title: str = "",
        support_threshold: float | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> CheckResult:
        """Checks a summary by any author; see `Client.check`."""
        request = check_request(text, summary, title=title, support_threshold=support_threshold)
        response, sent_back = await self._check(request, timeout=timeout, request_id=request_id)
        return _convert.check_result(response, text, summary, sent_back)

    async def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """Describes the server; see `Client.server_info`."""
        return _convert.server_info(await self._server_info(timeout=timeout))

    async def check_health(self, *, timeout: float | None = None) -> bool:
        """Whether the server can summarise and check now; see `Client.check_health`."""
        return await self._connection.check_health(timeout)

    async def close(self) -> None:
        """Cancels all calls and closes the connection. The client cannot be used afterwards."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _summarize(
        self, request: pb.SummarizeRequest, *, timeout: float | None = None, request_id: str | None = None
    ) -> tuple[pb.SummarizeResponse, str | None]:
        stub: Any = pb_grpc.SummarizerServiceStub(self._connection.channel())
        return await self._connection.call(stub.Summarize, request, timeout, request_id)

    def _summarize_many(
        self, items: Iterable[str | Article] | AsyncIterable[str | Article], options: StreamOptions
    ) -> AsyncGenerator[Answer, None]:
        ledger = Ledger(options, self._connection.link)
        metadata = self._connection.endpoint.metadata(options.request_id)
        self._connection.raise_if_closed()

        return _async_many.Run(ledger, items, metadata, self._connection).answers()

    async def _check(
        self, request: pb.CheckSummaryRequest, *, timeout: float | None = None, request_id: str | None = None
    ) -> tuple[pb.CheckSummaryResponse, str | None]:
        stub: Any = pb_grpc.SummarizerServiceStub(self._connection.channel())
        return await self._connection.call(stub.CheckSummary, request, timeout, request_id)

    async def _server_info(self, *, timeout: float | None = None) -> pb.GetServerInfoResponse:
        stub: Any = pb_grpc.SummarizerServiceStub(self._connection.channel(control=True))
        response: pb.GetServerInfoResponse
        response, _ = await self._connection.call(stub.GetServerInfo, pb.GetServerInfoRequest(), timeout, None)
        return response


async def _converted(answers: AsyncGenerator[Answer, None]) -> AsyncGenerator[ManyResult, None]:
    try:
        async for answer in answers:
            yield answer.convert()
    finally:
        await answers.aclose()
