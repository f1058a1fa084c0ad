"""What `summarize_many` has sent, what has been answered, and what may be handed out: no input or output in here.

Items go over the wire under the ledger's own numbers, so that the caller's ids may be empty or repeat. An item is
unanswered until its answer has arrived, over however many connections that takes.
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

# In order, a slow article holds back the answers of those after it. This many times `max_in_flight` of them may wait.
_HELD_BACK_FACTOR = 4


@dataclass(slots=True)
class Answer:
    """What became of one article, in the contract's own form."""

    index: int
    article: Article
    request_id: str | None = None
    response: pb.SummarizeResponse | None = None
    error: NutgrafError | None = None

    def convert(self) -> ManyResult:
        """The same for callers."""
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
        self._count = 0  # items admitted; the next item's number
        self._unanswered: dict[int, tuple[Article, pb.SummarizeManyRequest]] = {}
        self._refused: set[int] = set()  # answered by UNAVAILABLE, which is no answer: to be sent again elsewhere
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
        """Whether the connection has nothing more to give: every item on it was refused."""
        return bool(self._refused) and len(self._refused) == len(self._unanswered)

    def admit(self, item: str | Article) -> pb.SummarizeManyRequest | None:
        """Takes the next item of the input and returns what to send, None if it is refused here and already answered.

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
                f"{self._server} sent an answer of a kind that this client does not know", request_id=request_id
            )
        self._finish(answer)

    def take(self) -> Answer | None:
        """The next answer to hand out, if there is one."""
        return self._ready.popleft() if self._ready else None

    def resend(self) -> list[pb.SummarizeManyRequest]:
        """Everything that has no answer, in order, for a new connection."""
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
    """The error for a stream that a server has ended without having answered everything."""
    return Unavailable(f"the server at {server} ended the stream before it had answered everything")


def _duration(seconds: float) -> Duration:
    whole, nanos = divmod(max(round(seconds * 1e9), 1), 1_000_000_000)
    return Duration(seconds=whole, nanos=nanos)
