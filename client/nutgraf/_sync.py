"""The client for programs without asyncio."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Self

import grpc

from nutgraf import _convert, _sync_many
from nutgraf._channel import endpoint
from nutgraf._connection import Connection
from nutgraf._ledger import Answer, Ledger, StreamOptions
from nutgraf._outage import DEFAULT_RETRY_SECONDS
from nutgraf._requests import Article, Wanted, check_request, summarize_request
from nutgraf._results import CheckResult, ManyResult, Result, ServerInfo
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1 import summarizer_pb2_grpc as pb_grpc

__all__ = ["Client"]


class Client:
    """A connection to a nutgraf server. Thread-safe.

    The client connects on the first call. If it has never reached a server, a call fails with `Unavailable` within
    seconds. If the server restarts later, calls wait for it, up to `retry_seconds` and within their timeout.

    Args:
        server: an address such as "localhost:50051", "summaries.internal" (port 50051) or "unix:/path". By default
            `NUTGRAF_SERVER`, else localhost:50051. Several servers may be given as a name with several addresses
            ("dns:///host:port" in its long form) or, without TLS, as a list of IP addresses
            ("10.0.0.1:50051,10.0.0.2:50051"). Calls are spread over those that are serving. A stream stays with one
            server while it lasts.
        timeout: default timeout of calls in seconds; at most a year.
        tls: True to use TLS with the system's certificates, or `grpc.ssl_channel_credentials(...)` for other ones.
        token: a bearer token, for servers that require one. Without TLS, anybody on the network can read it, and a
            warning says so.
        retry_seconds: how long to retry when a server that was reached before is unavailable; 0 disables retries. No
            retry comes sooner than the server asks for. If that is later than `retry_seconds`, the call fails.

    Raises:
        ValueError: the address, the token or a number of seconds is invalid.
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
        self._connection = Connection(endpoint(server, tls=tls, token=token), timeout, retry_seconds)

    @property
    def server(self) -> str:
        """The address that calls go to."""
        return self._connection.endpoint.target

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
        """Summarises one article.

        Args:
            text: the article. Plain text with line breaks between paragraphs works best.
            title: the headline.
            summaries: "short", "long", a `Spec`, or several of these. By default, a short and a long summary.
            show_doubted: return sentences that the check doubts, too. `Sentence.is_supported` tells which.
            timeout: in seconds for the whole call, including retries. By default, that of the client.
            request_id: identifies the call in the server's log. By default, the server creates an id.

        Raises:
            NutgrafError: the call failed; the subclass tells why.
            TypeError, ValueError: an argument is invalid.
        """
        request = summarize_request(text, title=title, summaries=summaries, show_doubted=show_doubted)
        response, sent_back = self._summarize(request, timeout=timeout, request_id=request_id)
        return _convert.result(response, text, sent_back)

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
        """Summarises many articles over one stream.

        If an article fails, its `ManyResult` has an `error`, and the stream continues. After a lost connection or a
        restart, unanswered articles are sent again; no article is answered twice. Leaving the loop, or calling
        `close()` on the returned generator, cancels articles in progress.

        `items` is read in the calling thread, and only as far ahead as `max_in_flight` allows, so it may be infinite.
        While `items` blocks, finished answers wait; use `AsyncClient` for such input.

        Args:
            items: the articles: strings, or `Article`s with a title or an id.
            summaries: as in `summarize`, for all articles.
            show_doubted: as in `summarize`, for all articles.
            ordered: yield results in the order of `items`; otherwise, as soon as they are finished.
            max_in_flight: maximum number of articles sent but not answered.
            item_timeout: in seconds per article. By default, that of the server.
            request_id: identifies the stream in the server's log.

        Raises:
            NutgrafError: the stream failed as a whole, for example with `Unavailable` because the server was away for
                longer than `retry_seconds`.
            TypeError, ValueError: an argument or an item is invalid.
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
        """Checks each sentence of a summary by any author, human or model, against the article.

        Args:
            text: the article, as for `summarize`.
            summary: the summary to check.
            title: the article's headline.
            support_threshold: minimum support, 0 to 1, of a supported sentence. By default, that of the server.
            timeout: in seconds for the whole call, including retries. By default, that of the client.
            request_id: identifies the call in the server's log. By default, the server creates an id.

        Raises:
            NutgrafError: the call failed; the subclass tells why.
            TypeError, ValueError: an argument is invalid.
        """
        request = check_request(text, summary, title=title, support_threshold=support_threshold)
        response, sent_back = self._check(request, timeout=timeout, request_id=request_id)
        return _convert.check_result(response, text, summary, sent_back)

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """Returns the server's model, state, and limits. Works while the model is loading, too.

        Raises:
            NutgrafError: no server answers.
        """
        return _convert.server_info(self._server_info(timeout=timeout))

    def check_health(self, *, timeout: float | None = None) -> bool:
        """Whether the server can summarise and check now: False while it is loading or shutting down.

        Raises:
            Unavailable: no server answers.
            NutgrafError: the health check fails in another way.
        """
        return self._connection.check_health(timeout)

    def close(self) -> None:
        """Cancels all calls and closes the connection. The client cannot be used afterwards."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # These return the contract's messages, which the commands print (--json).

    def _summarize(
        self, request: pb.SummarizeRequest, *, timeout: float | None = None, request_id: str | None = None
    ) -> tuple[pb.SummarizeResponse, str | None]:
        stub = pb_grpc.SummarizerServiceStub(self._connection.channel())
        return self._connection.call(stub.Summarize, request, timeout, request_id)

    def _summarize_many(self, items: Iterable[str | Article], options: StreamOptions) -> Generator[Answer, None, None]:
        ledger = Ledger(options, self._connection.link)
        metadata = self._connection.endpoint.metadata(options.request_id)
        stub = pb_grpc.SummarizerServiceStub(self._connection.channel())
        return _sync_many.run(ledger, iter(items), stub.SummarizeMany, metadata, self._connection)

    def _check(
        self, request: pb.CheckSummaryRequest, *, timeout: float | None = None, request_id: str | None = None
    ) -> tuple[pb.CheckSummaryResponse, str | None]:
        stub = pb_grpc.SummarizerServiceStub(self._connection.channel())
        return self._connection.call(stub.CheckSummary, request, timeout, request_id)

    def _server_info(self, *, timeout: float | None = None) -> pb.GetServerInfoResponse:
        stub = pb_grpc.SummarizerServiceStub(self._connection.channel(control=True))
        response: pb.GetServerInfoResponse
        response, _ = self._connection.call(stub.GetServerInfo, pb.GetServerInfoRequest(), timeout, None)
        return response


def _converted(answers: Generator[Answer, None, None]) -> Generator[ManyResult, None, None]:
    try:
        for answer in answers:
            yield answer.convert()
    finally:
        answers.close()
