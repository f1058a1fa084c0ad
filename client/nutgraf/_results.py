"""What calls return: frozen dataclasses.

Positions (`start`, `end`) are half-open and count code points, as Python's strings do: `text[start:end]`.
"""

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
    """Something that the caller should know although the call went well; `detail` says it in words."""

    code: WarningCode
    detail: str


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of the article that supports a sentence of a summary."""

    text: str
    """The passage, out of the article as it was sent."""
    start: int
    """Where it starts in the article's text."""
    end: int
    """One past its end in the article's text."""
    score: float
    """The weighted share of the sentence's content that this passage alone contains, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a summary and what the article says to support it."""

    text: str
    start: int
    """Where it starts in `Summary.text`, or in `CheckResult.summary`."""
    end: int
    """One past its end there."""
    sources: tuple[Source, ...]
    """The passages that support it, the best first; may be empty."""
    support: float | None
    """The estimated probability, 0 to 1, that the article says this; 1 where nothing is claimed, None if unchecked."""
    verdict: Verdict
    from_article: bool
    """The article's own sentence, perhaps shortened, put in by the server where the check doubted the model's."""

    @property
    def is_supported(self) -> bool:
        """Whether the check found nothing to doubt, as in a sentence without a claim. False where it was not made."""
        return self.verdict in (Verdict.SUPPORTED, Verdict.NO_CLAIM)


@dataclass(frozen=True, slots=True)
class UnsupportedTerm:
    """A name, number or quotation in a summary that the article does not say."""

    text: str
    start: int
    """Where it starts in `Summary.text`, or in `CheckResult.summary`."""
    end: int
    """One past its end there."""
    kind: TermKind


@dataclass(frozen=True, slots=True)
class Summary:
    """One summary."""

    length: Length
    text: str
    """Whole sentences with a space between them."""
    sentences: tuple[Sentence, ...]
    unsupported_terms: tuple[UnsupportedTerm, ...]
    """Empty means "nothing found" only for the checks in `checks_run`."""
    checks_run: tuple[CheckKind, ...]
    output_token_count: int
    """Tokens that the model generated, including any that were dropped afterwards."""
    finish_reason: FinishReason
    warnings: tuple[Warning, ...]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ArticleInfo:
    """What the server made of the article."""

    character_count: int
    """Code points of the text as it was sent."""
    input_token_count: int
    """Tokens of the article, as the model counts them. All of them are read."""
    chunk_count: int
    """Chunks that the article was read in."""
    language: str
    """BCP 47 code ("en"); "und" where there is too little to tell."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time went in the server. Of an answer with another `origin` than RUN, only waiting took any."""

    queue_seconds: float
    """Waiting for other calls."""
    tokenize_seconds: float
    """Cleaning, splitting and tokenising the article, and a summary to be checked."""
    generate_seconds: float
    """Running the model; 0 for a check."""
    check_seconds: float
    """Finishing and checking the summaries, or checking the one that was sent."""
    total_seconds: float
    """From the request's arrival to the response."""


@dataclass(frozen=True, slots=True)
class Result:
    """The summaries of one article."""

    summaries: tuple[Summary, ...]
    """In the order in which they were asked for."""
    article: ArticleInfo
    timings: Timings
    model: str
    """The id of the model that wrote the summaries."""
    origin: Origin
    warnings: tuple[Warning, ...]
    """About the article as a whole; each summary has its own as well."""
    request_id: str | None
    """The id of the call, as in the server's log."""

    @property
    def short(self) -> Summary | None:
        """The short summary, None if it was not asked for."""
        return self._of(Length.SHORT)

    @property
    def long(self) -> Summary | None:
        """The long summary, None if it was not asked for."""
        return self._of(Length.LONG)

    def _of(self, length: Length) -> Summary | None:
        return next((summary for summary in self.summaries if summary.length is length), None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the check makes of a summary that somebody else wrote."""

    summary: str
    """The summary as it was sent."""
    support: float
    """The lowest of the sentences that claim something (1 if none does): a summary is true only if all of it is."""
    verdict: Verdict
    """DOUBTED if any sentence is; else SUPPORTED, or NO_CLAIM if no sentence claims anything."""
    sentences: tuple[Sentence, ...]
    unsupported_terms: tuple[UnsupportedTerm, ...]
    """Empty means "nothing found" only for the checks in `checks_run`."""
    checks_run: tuple[CheckKind, ...]
    support_threshold: float
    """What the verdicts were made by."""
    article: ArticleInfo
    timings: Timings
    warnings: tuple[Warning, ...]
    request_id: str | None
    """The id of the call, as in the server's log."""

    @property
    def is_supported(self) -> bool:
        """Whether the check found nothing to doubt in any sentence."""
        return self.verdict in (Verdict.SUPPORTED, Verdict.NO_CLAIM)


@dataclass(frozen=True, slots=True)
class ManyResult:
    """What became of one article of `summarize_many`: either `result` or `error` is None."""

    index: int
    """The article's place in the input, from 0."""
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
            NutgrafError: the error, where there is no result.
        """
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of a server that a caller can run into. 0 stands for "not known yet"."""

    max_text_characters: int
    max_title_characters: int
    max_message_bytes: int
    max_input_tokens: int
    """Tokens of an article that the model reads; 0 while loading."""
    max_queued_requests: int
    max_summary_sentences: int
    min_summary_words: int
    max_summary_words: int
    max_id_characters: int
    default_item_timeout_seconds: float
    """What an item of `summarize_many` gets that names no timeout."""
    max_item_timeout_seconds: float
    max_stream_items_in_flight: int
    """Items of one stream that the server works on at once."""
    max_queued_tokens: int
    max_summary_characters: int
    """Longest summary that it checks."""
    max_calls: int
    """Calls with articles at the same time, over all connections. A stream counts as one."""
    max_held_bytes: int
    """Bytes of articles, titles and summaries in the server's memory at the same time. Streams may use half of it."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server is and what it accepts."""

    state: ServerState
    model: str
    family: str
    """"seq2seq", "causal" or "lead"."""
    engine: str
    """What runs the model ("torch"); empty while loading."""
    precision: str
    """What the weights are kept in ("bfloat16"); empty while loading."""
    languages: tuple[str, ...]
    """BCP 47 codes of the languages that the model was made for."""
    version: str
    """The version of the server's software."""
    support_threshold: float
    """The least `Sentence.support` of a sentence of the server's own that counts as supported."""
    check_support_threshold: float
    """The same in `check`, unless the call says otherwise. The support of what others write is estimated apart."""
    summaries_unchecked: bool
    """The server does not check the summaries that it writes, but shows them as they are."""
    limits: Limits
