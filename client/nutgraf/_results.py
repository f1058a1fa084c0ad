"""The results of calls. Positions (`start`, `end`) are half-open and count code points: `text[start:end]`."""

from __future__ import annotations

from dataclasses import dataclass

from nutgraf._enums import CheckKind, FinishReason, Length, Origin, ServerState, TermKind, Verdict, WarningCode
from nutgraf._errors import NutgrafError
from nutgraf._requests import Article

__all__ = [
    "ArticleInfo",
    "CheckResult",
    "Limits",
    "ManyResult",
    "Result",
    "Sentence",
    "ServerInfo",
    "Source",
    "Summary",
    "Timings",
    "UnsupportedTerm",
    "Warning",
]


@dataclass(frozen=True, slots=True)
class Warning:
    """A notice about a successful call. `detail` describes it."""

    code: WarningCode
    detail: str


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of the article that supports a sentence of a summary."""

    text: str
    """The passage, cut from the article as sent."""
    start: int
    """Its start in the article's text."""
    end: int
    """Its end in the article's text."""
    score: float
    """The weighted share of the sentence's content that this passage alone contains, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a summary, and its sources in the article."""

    text: str
    start: int
    """Its start in `Summary.text`, or in `CheckResult.summary`."""
    end: int
    """Its end there."""
    sources: tuple[Source, ...]
    """The passages that support it, best first; may be empty."""
    support: float | None
    """Estimated probability, 0 to 1, that the article says this; 1 if nothing is claimed, None if not checked."""
    verdict: Verdict
    from_article: bool
    """The sentence is from the article, perhaps shortened, and replaces one by the model that the check doubted."""

    @property
    def is_supported(self) -> bool:
        """True if the sentence is supported or makes no claim. False if it is doubted or was not checked."""
        return self.verdict in (Verdict.SUPPORTED, Verdict.NO_CLAIM)


@dataclass(frozen=True, slots=True)
class UnsupportedTerm:
    """A name, number or quotation in a summary that is not in the article."""

    text: str
    start: int
    """Its start in `Summary.text`, or in `CheckResult.summary`."""
    end: int
    """Its end there."""
    kind: TermKind


@dataclass(frozen=True, slots=True)
class Summary:
    """One summary."""

    length: Length
    text: str
    """Whole sentences, separated by spaces."""
    sentences: tuple[Sentence, ...]
    unsupported_terms: tuple[UnsupportedTerm, ...]
    """An empty tuple is meaningful only for the checks in `checks_run`."""
    checks_run: tuple[CheckKind, ...]
    output_token_count: int
    """Tokens that the model generated, including those that were dropped later."""
    finish_reason: FinishReason
    warnings: tuple[Warning, ...]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ArticleInfo:
    """Measurements of the article."""

    character_count: int
    """Code points of the text as sent."""
    input_token_count: int
    """Tokens of the article, as counted by the model. The model reads all of them."""
    chunk_count: int
    """Chunks that the article was split into."""
    language: str
    """BCP 47 code ("en"); "und" if the text is too short to tell."""


@dataclass(frozen=True, slots=True)
class Timings:
    """How the time was spent on the server. Excludes work done for another call, if `origin` is not RUN."""

    queue_seconds: float
    """Waiting for other calls."""
    tokenize_seconds: float
    """Cleaning, splitting and tokenising the article and, for a check, the summary."""
    generate_seconds: float
    """Running the model; 0 for a check."""
    check_seconds: float
    """Finishing and checking the summaries, or checking the summary in the request."""
    total_seconds: float
    """From the arrival of the request to the response."""


@dataclass(frozen=True, slots=True)
class Result:
    """The summaries of one article."""

    summaries: tuple[Summary, ...]
    """In the order of the request."""
    article: ArticleInfo
    timings: Timings
    model: str
    """The id of the model that wrote the summaries."""
    origin: Origin
    warnings: tuple[Warning, ...]
    """About the article as a whole; each summary has its own warnings, too."""
    request_id: str | None
    """The id of the call, as in the server's log."""

    @property
    def short(self) -> Summary | None:
        """The short summary; None if it was not requested."""
        return self._of(Length.SHORT)

    @property
    def long(self) -> Summary | None:
        """The long summary; None if it was not requested."""
        return self._of(Length.LONG)

    def _of(self, length: Length) -> Summary | None:
        return next((summary for summary in self.summaries if summary.length is length), None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of checking a summary."""

    summary: str
    """The summary as sent."""
    support: float
    """The lowest support of the sentences that make a claim; 1 if none does."""
    verdict: Verdict
    """DOUBTED if any sentence is; else SUPPORTED, or NO_CLAIM if no sentence makes a claim."""
    sentences: tuple[Sentence, ...]
    unsupported_terms: tuple[UnsupportedTerm, ...]
    """An empty tuple is meaningful only for the checks in `checks_run`."""
    checks_run: tuple[CheckKind, ...]
    support_threshold: float
    """The threshold used for the verdicts."""
    article: ArticleInfo
    timings: Timings
    warnings: tuple[Warning, ...]
    request_id: str | None
    """The id of the call, as in the server's log."""

    @property
    def is_supported(self) -> bool:
        """True if no sentence is doubted."""
        return self.verdict in (Verdict.SUPPORTED, Verdict.NO_CLAIM)


@dataclass(frozen=True, slots=True)
class ManyResult:
    """The outcome of one article of `summarize_many`: either `result` or `error` is None."""

    index: int
    """The index of the article in the input."""
    article: Article
    result: Result | None
    error: NutgrafError | None

    @property
    def id(self) -> str:
        """The id that the caller gave the article."""
        return self.article.id

    def unwrap(self) -> Result:
        """The result.

        Raises:
            NutgrafError: the error, if there is no result.
        """
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server that can make a call fail. 0 means unknown."""

    max_text_characters: int
    max_title_characters: int
    max_message_bytes: int
    max_input_tokens: int
    """Tokens of an article that the model reads at once, without chunks; 0 while loading."""
    max_queued_requests: int
    max_summary_sentences: int
    min_summary_words: int
    max_summary_words: int
    max_id_characters: int
    default_item_timeout_seconds: float
    """The timeout of an item of `summarize_many` that sets none."""
    max_item_timeout_seconds: float
    max_stream_items_in_flight: int
    """Items of one stream that the server works on at the same time."""
    max_queued_tokens: int
    max_summary_characters: int
    """Maximum length of a summary to check."""
    max_calls: int
    """Calls with articles at the same time, over all connections. A stream counts as one."""
    max_held_bytes: int
    """Bytes of articles, titles and summaries in the server's memory at the same time. Streams may use half of it."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A server's model, state and limits."""

    state: ServerState
    model: str
    family: str
    """"seq2seq", "causal" or "lead"."""
    engine: str
    """The engine that runs the model ("torch"); empty while loading."""
    precision: str
    """The number format of the weights ("bfloat16"); empty while loading."""
    languages: tuple[str, ...]
    """BCP 47 codes of the languages that the model supports."""
    version: str
    """The version of the server's software."""
    support_threshold: float
    """Minimum `Sentence.support` of a supported sentence in the server's own summaries."""
    check_support_threshold: float
    """The same for `check`, unless the call sets another. Support is estimated differently there."""
    summaries_unchecked: bool
    """The server does not check its own summaries, and returns them as the model wrote them."""
    limits: Limits
