"""The state of `summarize_many`: the items sent, answered, and ready for the caller. This module does no I/O.

The ids on the wire are numbers, so that the caller's ids may be empty or repeat. An item stays unanswered until its
answer arrives, over as many connections as that takes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2

from nutgraf._convert import result
from nutgraf._error_mapping import from_status
from nutgraf._errors import InvalidArticle, NutgrafError, Overloaded, ServerError, Unavailable
from nutgraf._outage import Link, Outage
from nutgraf._requests import Article, Wanted, check_text, check_timeout, request_builder
from nutgraf._results import ManyResult
from nutgraf.v1 import summarizer_pb2 as pb

# In ordered mode, a slow article delays the answers after it. At most this many times `max_in_flight` of them wait.
_HELD_BACK_FACTOR = 4


@dataclass(slots=True)
class Answer:
    """The outcome of one article, as a message of the contract."""

    index: int
    article: Article
    request_id: str | None = None
    response: pb.SummarizeResponse | None = None
    error: NutgrafError | None = None

    def convert(self) -> ManyResult:
        """Converts the answer to the result for callers."""
        return ManyResult(
            index=self.index,
            article=self.article,
            result=None if self.response is None else result(self.response, self.article.text, self.request_id),
            error=self.error,
        )


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """The options of `summarize_many`; see `Client.summarize_many`."""

    summaries: Wanted = None
    show_doubted: bool = False
    ordered: bool = True
    max_in_flight: int = 16
    item_timeout: float | None = None
    request_id: str | None = None


class Ledger:
    """The state of one `summarize_many`.

    Args:
        options: what the caller asked for.
        link: to the server.

    Raises:
        TypeError, ValueError: the options name no summaries that exist, `max_in_flight` is not positive, or
            `item_timeout` is out of range.
    """

    def __init__(self, options: StreamOptions, link: Link) -> None:
        self._build = request_builder(options.summaries, options.show_doubted)
        if options.max_in_flight < 1:
            raise ValueError(f"max_in_flight must be 1 or more, not {options.max_in_flight}")
        timeout = options.item_timeout
        self._timeout = None if timeout is None else _duration(check_timeout(timeout, "item_timeout"))
        self._ordered = options.ordered
        self._max_in_flight = options.max_in_flight
        self._server = link.server
        # A stream waits for a full queue, as the articles in it would.
        self._outage = Outage(link, retry_on=(Unavailable, Overloaded))
        self._count = 0  # items admitted, and the number of the next one
        self._unanswered: dict[int, tuple[Article, pb.SummarizeManyRequest]] = {}
        self._refused: set[int] = set()  # answered with UNAVAILABLE: to be resent to another server
        self._next_out = 0
        self._held: dict[int, Answer] = {}  # ordered: answers that wait for an earlier one
        self._ready: deque[Answer] = deque()

    @property
    def has_room(self) -> bool:
        """Whether another item may be admitted now."""
        return (
            len(self._unanswered) < self._max_in_flight
            and len(self._held) < self._max_in_flight * _HELD_BACK_FACTOR
            and not self._refused
        )

    @property
    def waiting(self) -> bool:
        """Whether an answer is outstanding."""
        return bool(self._unanswered)

    @property
    def all_refused(self) -> bool:
        """Whether every item on the connection was refused, so it will give no more answers."""
        return bool(self._refused) and len(self._refused) == len(self._unanswered)

    def admit(self, item: str | Article) -> pb.SummarizeManyRequest | None:
        """Takes the next item of the input. Returns the request, or None if the item is invalid and already answered.

        Raises:
            TypeError: the item is neither a str nor an Article.
        """
        if isinstance(item, str):
            item = Article(item)
        elif not isinstance(item, Article):
            raise TypeError(f"an item must be a str or a nutgraf.Article, not {type(item).__name__}")
        index, self._count = self._count, self._count + 1
        try:
            check_text("id", item.id)
            request = pb.SummarizeManyRequest(id=str(index), request=self._build(item), item_timeout=self._timeout)
        except InvalidArticle as error:
            self._finish(Answer(index, item, error=error))
            return None
        self._unanswered[index] = (item, request)
        return request

    def receive(self, response: pb.SummarizeManyResponse, request_id: str | None) -> None:
        """Records an answer. An item that is refused with UNAVAILABLE stays unanswered."""
        index = int(response.id) if response.id.isdecimal() else -1
        if index not in self._unanswered:
            return  # an answer that was not asked for is no reason to fail
        if response.HasField("error") and response.error.code == code_pb2.UNAVAILABLE:
            self._refused.add(index)
            return
        self._outage.over()
        self._refused.discard(index)
        article, _ = self._unanswered.pop(index)
        answer = Answer(index, article, request_id)
        if response.HasField("response"):
            answer.response = response.response
        elif response.HasField("error"):
            answer.error = from_status(response.error, server=self._server, request_id=request_id)
        else:
            answer.error = ServerError(
                f"{self._server} sent an answer that this client does not support", request_id=request_id
            )
        self._finish(answer)

    def take(self) -> Answer | None:
        """The next answer for the caller; None if there is none yet."""
        return self._ready.popleft() if self._ready else None

    def resend(self) -> list[pb.SummarizeManyRequest]:
        """All unanswered requests, in order, for a new connection."""
        self._refused.clear()
        return [request for _, request in self._unanswered.values()]

    def stream_failed(self, error: NutgrafError) -> float:
        """Handles the end of a stream. Returns the seconds to wait before the next one.

        Raises:
            NutgrafError: `error`, if another stream cannot help or would come too late.
        """
        if isinstance(error, InvalidArticle) and error.reason is None and error.size is not None:
            self._fail_oversize(error)
            return 0.0
        return self._outage.delay_or_raise(error)

    def _fail_oversize(self, error: InvalidArticle) -> None:
        """Answers the unanswered item of `error.size` bytes with `error`.

        A message over the server's limit ends the whole stream. The error tells its size, but not which one it was. If
        no size matches, because something on the way has changed the messages, the largest item is to blame.
        """
        if not self._unanswered:
            raise error
        sizes = {index: request.ByteSize() for index, (_, request) in self._unanswered.items()}
        index = max(sizes, key=lambda index: (sizes[index] == error.size, sizes[index]))
        article, _ = self._unanswered.pop(index)
        self._finish(Answer(index, article, error.request_id, error=error))

    def _finish(self, answer: Answer) -> None:
        if not self._ordered:
            self._ready.append(answer)
            return
        self._held[answer.index] = answer
        while (held := self._held.pop(self._next_out, None)) is not None:
            self._ready.append(held)
            self._next_out += 1


def broken(server: str) -> Unavailable:
    """The error for a stream that the server ended before it answered all items."""
    return Unavailable(f"the server at {server} ended the stream before it answered all articles")


def _duration(seconds: float) -> Duration:
    whole, nanos = divmod(max(round(seconds * 1e9), 1), 1_000_000_000)
    return Duration(seconds=whole, nanos=nanos)
