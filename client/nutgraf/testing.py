"""Clients without a server, for tests of programs that use nutgraf.

    from nutgraf.testing import FakeClient

    def test_digest():
        client = FakeClient()
        assert digest(client, ["Rain fell. It was wet."]) == ["Rain fell."]
        assert client.calls[0].article.text.startswith("Rain")

They have the methods of `Client` and `AsyncClient`, refuse the same arguments, and answer with the article's own first
sentences: one for a short summary, up to three for a long one, always the same ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from types import TracebackType
from typing import Self

from nutgraf._async_many import each
from nutgraf._enums import ServerState
from nutgraf._errors import InvalidArticle, NutgrafError
from nutgraf._fake import FAKE_INFO, lead_result
from nutgraf._ledger import Ledger
from nutgraf._requests import Article, Wanted, builder, check_text, check_timeout, summarize_request
from nutgraf._results import ManyResult, Result, ServerInfo

__all__ = ["Call", "FakeAsyncClient", "FakeClient", "lead_result"]


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """What a fake was asked."""

    method: str
    """"summarize", "summarize_many" (once for each article), "server_info" or "check_health"."""
    article: Article | None = None
    summaries: Wanted = None
    request_id: str | None = None


class _Fake:
    def __init__(
        self,
        answer: Callable[[Article], Result] | None = None,
        *,
        errors: Iterable[NutgrafError | None] = (),
        info: ServerInfo = FAKE_INFO,
    ) -> None:
        self.calls: list[Call] = []
        self.info = info
        self._answer = answer
        self._errors = iter(errors)
        self._closed = False

    @property
    def server(self) -> str:
        """Where a real client would connect to."""
        return "fake:50051"

    def _record(self, call: Call, timeout: float | None = None) -> None:
        if timeout is not None:
            check_timeout(timeout)
        self._raise_if_closed()
        self.calls.append(call)
        error = next(self._errors, None)
        if error is not None:
            raise error

    def _check_many(
        self,
        summaries: Wanted,
        show_doubted: bool,
        ordered: bool,
        max_in_flight: int,
        item_timeout: float | None,
    ) -> None:
        # Only for what it raises: the same for the same arguments as in the clients.
        Ledger(
            builder(summaries, show_doubted),
            ordered=ordered,
            max_in_flight=max_in_flight,
            item_timeout=item_timeout,
            server=self.server,
        )
        self._raise_if_closed()

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise RuntimeError("this nutgraf client is closed")

    def _one(
        self, method: str, article: Article, wanted: Wanted, request_id: str | None, timeout: float | None = None
    ) -> Result:
        check_text("id", article.id)
        request = summarize_request(article.text, title=article.title, summaries=wanted)
        self._record(Call(method, article, wanted, request_id), timeout)
        if not article.text.strip():
            raise InvalidArticle(
                "the text is empty", reason="EMPTY_TEXT", request_id=request_id, details=(("text", "is empty"),)
            )
        return self._answer(article) if self._answer is not None else lead_result(request, request_id=request_id)

    def _item(self, index: int, item: str | Article, wanted: Wanted, request_id: str | None) -> ManyResult:
        if not isinstance(item, (str, Article)):
            raise TypeError(f"an item must be a str or a nutgraf.Article, not {type(item).__name__}")
        article = Article(item) if isinstance(item, str) else item
        try:
            return ManyResult(index, article, self._one("summarize_many", article, wanted, request_id), None)
        except NutgrafError as error:
            return ManyResult(index, article, None, error)


class FakeClient(_Fake):
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
        return self._one("summarize", Article(text, title), summaries, request_id, timeout)

    def summarize_many(
        self,
        items: Iterable[str | Article],
        *,
        summaries: Wanted = None,
        show_doubted: bool = False,
        ordered: bool = True,
        max_in_flight: int = 16,
        item_timeout: float | None = None,
        request_id: str | None = None,
    ) -> Generator[ManyResult, None, None]:
        """As `Client.summarize_many`, one article after the other."""
        self._check_many(summaries, show_doubted, ordered, max_in_flight, item_timeout)
        return (self._item(index, item, summaries, request_id) for index, item in enumerate(items))

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


class FakeAsyncClient(_Fake):
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
        return self._one("summarize", Article(text, title), summaries, request_id, timeout)

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
        """As `AsyncClient.summarize_many`, one article after the other."""
        self._check_many(summaries, show_doubted, ordered, max_in_flight, item_timeout)

        async def results() -> AsyncGenerator[ManyResult, None]:
            index = 0
            async for item in items if isinstance(items, AsyncIterable) else each(items):
                yield self._item(index, item, summaries, request_id)
                index += 1

        return results()

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
