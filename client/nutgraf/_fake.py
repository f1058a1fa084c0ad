"""What the clients of `nutgraf.testing` have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from nutgraf._errors import NutgrafError
from nutgraf._fake_answers import FAKE_INFO, lead_result, refuse_article, refuse_check, word_check
from nutgraf._ledger import Ledger
from nutgraf._requests import Article, Wanted, builder, check_request, check_text, check_timeout, summarize_request
from nutgraf._results import CheckResult, ManyResult, Result, ServerInfo


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """What a fake was asked."""

    method: str
    """"summarize", "summarize_many" (once for each article), "check", "server_info" or "check_health"."""
    article: Article | None = None
    summaries: Wanted = None
    request_id: str | None = None
    summary: str | None = None
    """What "check" was to check."""


class Fake:
    """The calls that were made, what they are answered by, and what is refused as the clients and servers do."""

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
        refuse_article(request, self.info, request_id)
        return self._answer(article) if self._answer is not None else lead_result(request, request_id=request_id)

    def _check(
        self, article: Article, summary: str, threshold: float | None, request_id: str | None, timeout: float | None
    ) -> CheckResult:
        request = check_request(article.text, summary, title=article.title, support_threshold=threshold)
        self._record(Call("check", article, request_id=request_id, summary=summary), timeout)
        refuse_check(request, self.info, request_id)
        return word_check(request, self.info.check_support_threshold, request_id)

    def _item(self, index: int, item: str | Article, wanted: Wanted, request_id: str | None) -> ManyResult:
        if not isinstance(item, (str, Article)):
            raise TypeError(f"an item must be a str or a nutgraf.Article, not {type(item).__name__}")
        article = Article(item) if isinstance(item, str) else item
        try:
            return ManyResult(index, article, self._one("summarize_many", article, wanted, request_id), None)
        except NutgrafError as error:
            return ManyResult(index, article, None, error)
