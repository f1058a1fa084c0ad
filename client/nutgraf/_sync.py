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
    """A connection to a nutgraf server, safe to share between threads.

    Nothing is connected before the first call. Where no server is, a call fails with `Unavailable` within seconds;
    over a restart of a server that was there, calls wait for it, up to `retry_seconds` and never past their timeout.

    Args:
        server: an address such as "localhost:50051", "summaries.internal" (port 50051) or "unix:/path". Where it stands
            for several servers, calls are spread over those that serve: a name ("dns:///host:port" in its long form)
            with several addresses, or a list of IP addresses, "10.0.0.1:50051,10.0.0.2:50051", without TLS. A stream
            stays with one of them while that lasts. None for `NUTGRAF_SERVER`, else localhost:50051.
        timeout: seconds that a call may take unless it says otherwise; a year at most.
        tls: True to connect by TLS, checking the server against the system's certificates, or
            `grpc.ssl_channel_credentials(...)` for certificates of one's own.
        token: a bearer token for servers that want one. Use it with TLS, or anybody on the way can read it; a warning
            says so.
        retry_seconds: how long to go on trying when a server that was there is gone; 0 for not at all. A server that
            says when to come back is not asked before, and not waited for where that is later.

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
            text: the article; plain text with line breaks between paragraphs is best.
            title: its headline, if there is one.
            summaries: what to write: "short", "long", a `Spec`, or several of these; None for a short and a long one.
            show_doubted: return what the model wrote even where the check doubts it, marked by `Sentence.is_supported`.
            timeout: seconds for the whole call, retries included; None for the client's.
            request_id: a name for the call in the server's log; the server makes one where it is missing.

        Raises:
            NutgrafError: one of its subclasses says what went wrong.
            TypeError, ValueError: an argument cannot be sent.
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

        One bad article does not end it: its `ManyResult` has an `error`. Over a lost connection or a restart, what has
        no answer is sent again; no article is answered twice. Leaving the loop, or `close()` on what this returns,
        cancels what is still running.

        `items` is read in the calling thread, and only as far ahead as `max_in_flight` allows, so it may be endless. An
        input that keeps its reader waiting keeps finished answers waiting too: for one of that sort, use AsyncClient.

        Args:
            items: the articles: texts, or `Article`s where there is a title or an id.
            summaries: as in `summarize`, for all of them.
            show_doubted: as in `summarize`, for all of them.
            ordered: answer in the order of `items`; else as they are finished, which holds nothing back.
            max_in_flight: articles sent and not yet answered, at most.
            item_timeout: seconds that the server may take per article; None for the server's default.
            request_id: a name for the stream in the server's log.

        Raises:
            NutgrafError: what ends the stream as a whole, such as `Unavailable` when the server stays away for longer
                than `retry_seconds`.
            TypeError, ValueError: an argument, or an item, cannot be sent.
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
        """Checks a summary that anybody wrote, by hand or by any model, sentence by sentence against its article.

        Args:
            text: the article, as for `summarize`.
            summary: the summary to be checked.
            title: the article's headline, if there is one.
            support_threshold: the least support, 0 to 1, of a sentence that counts as supported; None for the server's.
            timeout: seconds for the whole call, retries included; None for the client's.
            request_id: a name for the call in the server's log; the server makes one where it is missing.

        Raises:
            NutgrafError: one of its subclasses says what went wrong.
            TypeError, ValueError: an argument cannot be sent.
        """
        request = check_request(text, summary, title=title, support_threshold=support_threshold)
        response, sent_back = self._check(request, timeout=timeout, request_id=request_id)
        return _convert.check_result(response, text, summary, sent_back)

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the server is, its state, and every limit that a caller can run into. Answers while it is loading, too.

        Raises:
            NutgrafError: no server, or one that does not answer.
        """
        return _convert.server_info(self._server_info(timeout=timeout))

    def check_health(self, *, timeout: float | None = None) -> bool:
        """Whether the server can summarise and check now: False while it is loading or shutting down.

        Raises:
            Unavailable: no server answers.
            NutgrafError: it answers something else than its health.
        """
        return self._connection.check_health(timeout)

    def close(self) -> None:
        """Closes the connection and ends what is running. The client cannot be used afterwards."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # The contract's own messages, for what prints them as they are (--json).

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
