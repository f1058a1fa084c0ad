"""Clients without a server, for tests of programs that use nutgraf.

    from nutgraf.testing import FakeClient

    def test_digest():
        client = FakeClient()
        assert digest(client, ["Rain fell. It was wet."]) == ["Rain fell."]
        assert client.calls[0].article.text.startswith("Rain")

They have the methods of `Client` and `AsyncClient`, refuse the same arguments, and answer with the article's own first
sentences: one for a short summary, up to three for a long one, always the same ones. A check goes by words alone:
the support of a sentence is the share of its words that the article has.
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
        answer: makes the result for an article; None for its first sentences. `lead_result` helps to make one.
        errors: what successive calls fail with, each article of `summarize_many` counting as one; None among them lets
            a call succeed, and when they are used up, all do.
        info: what `server_info` answers; `check_health` is True if its state is SERVING.

    Attributes:
        calls: what was asked, in order.
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
        """As `Client.summarize`."""
        return self._summarize("summarize", Article(text, title), summaries, request_id, timeout)

    @same_signature(Client.summarize_many)
    def summarize_many(self, items: Iterable[str | Article], **arguments: Any) -> Generator[ManyResult, None, None]:
        """As `Client.summarize_many`, one article after the other."""
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
        """As `Client.check`, with the simple rule that is said above."""
        return self._check(Article(text, title), summary, support_threshold, request_id, timeout)

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """As `Client.server_info`."""
        self._record(Call("server_info"), timeout)
        return self.info

    def check_health(self, *, timeout: float | None = None) -> bool:
        """As `Client.check_health`."""
        self._record(Call("check_health"), timeout)
        return self.info.state is ServerState.SERVING

    def close(self) -> None:
        """As `Client.close`."""
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
        """As `AsyncClient.summarize`."""
        return self._summarize("summarize", Article(text, title), summaries, request_id, timeout)

    @same_signature(AsyncClient.summarize_many)
    def summarize_many(
        self, items: Iterable[str | Article] | AsyncIterable[str | Article], **arguments: Any
    ) -> AsyncGenerator[ManyResult, None]:
        """As `AsyncClient.summarize_many`, one article after the other."""
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
        """As `AsyncClient.check`, with the simple rule that is said above."""
        return self._check(Article(text, title), summary, support_threshold, request_id, timeout)

    async def server_info(self, *, timeout: float | None = None) -> ServerInfo:  # noqa: ASYNC109
        """As `AsyncClient.server_info`."""
        self._record(Call("server_info"), timeout)
        return self.info

    async def check_health(self, *, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """As `AsyncClient.check_health`."""
        self._record(Call("check_health"), timeout)
        return self.info.state is ServerState.SERVING

    async def close(self) -> None:
        """As `AsyncClient.close`."""
        self._closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
