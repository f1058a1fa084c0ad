"""Clients without a server, for tests of programs that use nutgraf.

    from nutgraf.testing import FakeClient

    def test_digest():
        client = FakeClient()
        assert digest(client, ["Rain fell. It was wet."]) == ["Rain fell."]
        assert client.calls[0].article.text.startswith("Rain")

They have the methods of `Client` and `AsyncClient` and reject the same arguments. A summary is the first sentence of
the article (short) or its first three (long). The check counts words: the support of a sentence is the share of its
words that are in the article.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
from types import TracebackType
from typing import Any, Self

from nutgraf._async import AsyncClient
from nutgraf._async_many import each
from nutgraf._enums import ServerState
from nutgraf._fake import Call, Fake, same_signature
from nutgraf._fake_answers import lead_result
from nutgraf._ledger import StreamOptions
from nutgraf._requests import Article, Wanted
from nutgraf._results import CheckResult, ManyResult, Result, ServerInfo
from nutgraf._sync import Client

__all__ = ["Call", "FakeAsyncClient", "FakeClient", "lead_result"]


class FakeClient(Fake):
    """A `Client` without a server.

    Args:
        answer: returns the result for an article; by default, its first sentences. `lead_result` helps to build one.
        errors: the errors of successive calls, where each article of `summarize_many` counts as a call. None means that
            the call succeeds, as do all calls after the last error.
        info: the result of `server_info`. `check_health` is True if its state is SERVING.

    Attributes:
        calls: the calls made, in order.
        info: may be replaced during a test.
    """

    def summarize(
        self,
        text: str,
        *,
        title: str = "",
        summaries: Wanted = None,
        show_doubted: bool = False,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> Result:
        """Like `Client.summarize`."""
        return self._summarize("summarize", Article(text, title), summaries, request_id, timeout)

    @same_signature(Client.summarize_many)
    def summarize_many(self, items: Iterable[str | Article], **arguments: Any) -> Generator[ManyResult, None, None]:
        """Like `Client.summarize_many`, one article at a time."""
        options = StreamOptions(**arguments)
        self._check_options(options)
        return (self._item(index, item, options) for index, item in enumerate(items))

    def check(
        self,
        text: str,
        summary: str,
        *,
        title: str = "",
        support_threshold: float | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> CheckResult:
        """Like `Client.check`, with the simple check described above."""
        return self._check(Article(text, title), summary, support_threshold, request_id, timeout)

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """Like `Client.server_info`."""
        self._record(Call("server_info"), timeout)
        return self.info

    def check_health(self, *, timeout: float | None = None) -> bool:
        """Like `Client.check_health`."""
        self._record(Call("check_health"), timeout)
        return self.info.state is ServerState.SERVING

    def close(self) -> None:
        """Like `Client.close`."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class FakeAsyncClient(Fake):
    """An `AsyncClient` without a server; arguments and attributes as for `FakeClient`."""

    async def summarize(
        self,
        text: str,
        *,
        title: str = "",
        summaries: Wanted = None,
        show_doubted: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of AsyncClient
        request_id: str | None = None,
    ) -> Result:
        """Like `AsyncClient.summarize`."""
        return self._summarize("summarize", Article(text, title), summaries, request_id, timeout)

    @same_signature(AsyncClient.summarize_many)
    def summarize_many(
        self, items: Iterable[str | Article] | AsyncIterable[str | Article], **arguments: Any
    ) -> AsyncGenerator[ManyResult, None]:
        """Like `AsyncClient.summarize_many`, one article at a time."""
        options = StreamOptions(**arguments)
        self._check_options(options)

        async def results() -> AsyncGenerator[ManyResult, None]:
            index = 0
            async for item in items if isinstance(items, AsyncIterable) else each(items):
                yield self._item(index, item, options)
                index += 1

        return results()

    async def check(
        self,
        text: str,
        summary: str,
        *,
        title: str = "",
        support_threshold: float | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
        request_id: str | None = None,
    ) -> CheckResult:
        """Like `AsyncClient.check`, with the simple check described above."""
        return self._check(Article(text, title), summary, support_threshold, request_id, timeout)

    async def server_info(self, *, timeout: float | None = None) -> ServerInfo:  # noqa: ASYNC109
        """Like `AsyncClient.server_info`."""
        self._record(Call("server_info"), timeout)
        return self.info

    async def check_health(self, *, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Like `AsyncClient.check_health`."""
        self._record(Call("check_health"), timeout)
        return self.info.state is ServerState.SERVING

    async def close(self) -> None:
        """Like `AsyncClient.close`."""
        self._closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
