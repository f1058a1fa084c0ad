"""The common base of the clients in `nutgraf.testing`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from nutgraf._errors import NutgrafError
from nutgraf._fake_answers import FAKE_INFO, lead_result, refuse_article, refuse_check, word_check
from nutgraf._ledger import Ledger, StreamOptions
from nutgraf._outage import Link
from nutgraf._requests import Article, Wanted, check_request, check_text, check_timeout, summarize_request
from nutgraf._results import CheckResult, ManyResult, Result, ServerInfo

P = ParamSpec("P")
R = TypeVar("R")


def same_signature(
    method: Callable[Concatenate[Any, P], R],
) -> Callable[[Callable[..., R]], Callable[Concatenate[Any, P], R]]:
    """Decorates a fake's method that takes the same arguments as `method`, for type checkers and for `help()`."""

    def decorate(fake: Callable[..., R]) -> Callable[Concatenate[Any, P], R]:
        cast("Any", fake).__signature__ = inspect.signature(method)
        return fake

    return decorate


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A call of a fake client."""

    method: str
    """"summarize", "summarize_many" (once per article), "check", "server_info" or "check_health"."""
    article: Article | None = None
    summaries: Wanted = None
    request_id: str | None = None
    summary: str | None = None
    """The summary that "check" was called with."""


class Fake:
    """Records calls, makes answers, and rejects the same arguments as clients and servers."""

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
        """The address that a real client would connect to."""
        return "fake:50051"

    def _record(self, call: Call, timeout: float | None = None) -> None:
        if timeout is not None:
            check_timeout(timeout)
        self._raise_if_closed()
        self.calls.append(call)
        error = next(self._errors, None)
        if error is not None:
            raise error

    def _check_options(self, options: StreamOptions) -> None:
        """Raises what a real client raises for these options."""
        Ledger(options, Link(self.server))
        self._raise_if_closed()

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise RuntimeError("this nutgraf client is closed")

    def _summarize(
        self, method: str, article: Article, wanted: Wanted, request_id: str | None, timeout: float | None = None
    ) -> Result:
        check_text("id", article.id)
        request = summarize_request(article.text, title=article.title, summaries=wanted)
        self._record(Call(method, article, wanted, request_id), timeout)
        refuse_article(request, self.info, request_id)
        return self._answer(article) if self._answer is not None else lead_result(request, request_id=request_id)

    def _check(
        self, article: Article, summary: str, threshold: float | None, request_id: str | None, timeout: float | None
    ) -> CheckResult:
        request = check_request(article.text, summary, title=article.title, support_threshold=threshold)
        self._record(Call("check", article, request_id=request_id, summary=summary), timeout)
        refuse_check(request, self.info, request_id)
        return word_check(request, self.info.check_support_threshold, request_id)

    def _item(self, index: int, item: str | Article, options: StreamOptions) -> ManyResult:
        if not isinstance(item, (str, Article)):
            raise TypeError(f"an item must be a str or a nutgraf.Article, not {type(item).__name__}")
        article = Article(item) if isinstance(item, str) else item
        try:
            result = self._summarize("summarize_many", article, options.summaries, options.request_id)
            return ManyResult(index, article, result, None)
        except NutgrafError as error:
            return ManyResult(index, article, None, error)
