"""Results as plain data. Positions are in code points of the text as sent."""

import enum
from dataclasses import dataclass

from nutgraf_models.lengths import Length


class TermKind(enum.Enum):
    NUMBER = "number"
    NAME = "name"
    QUOTATION = "quotation"


class Check(enum.Enum):
    EVIDENCE = "evidence"
    NUMBERS = "numbers"
    NAMES = "names"
    QUOTATIONS = "quotations"
    STATEMENTS = "statements"


class Verdict(enum.Enum):
    SUPPORTED = "supported"
    DOUBTED = "doubted"
    NO_CLAIM = "no_claim"


class FinishReason(enum.Enum):
    STOP = "stop"
    CAP = "cap"
    TOKEN_LIMIT = "token_limit"
    EXTRACTIVE = "extractive"


class WarningKind(enum.Enum):
    ARTICLE_TOO_SHORT = "article_too_short"
    UNSUPPORTED_TERMS = "unsupported_terms"
    DOUBTED_SENTENCES = "doubted_sentences"
    EXTRACTIVE_FALLBACK = "extractive_fallback"
    LANGUAGE_NOT_SUPPORTED = "language_not_supported"
    FEWER_SENTENCES = "fewer_sentences"
    WORD_CAP_EXCEEDED = "word_cap_exceeded"
    NO_PROSE = "no_prose"
    INCOMPLETE_SENTENCE = "incomplete_sentence"
    NO_STORY = "no_story"


@dataclass(frozen=True)
class Warning:
    """A warning for the caller. `detail` is for people, and never contains article text."""

    kind: WarningKind
    detail: str


@dataclass(frozen=True)
class Span:
    start: int
    end: int


@dataclass(frozen=True)
class Evidence:
    """A passage of the article. `score`: the weighted share, 0 to 1, of the summary sentence's content in it."""

    span: Span
    score: float


@dataclass(frozen=True)
class SummarySentence:
    """A sentence of a summary. `span` is in the summary's text, `evidence` in the article as sent.

    `support`: the probability, 0 to 1, that the article says this; 1 for a sentence that claims nothing. Support and
    verdict are None for an unchecked sentence. `from_article`: the article's own sentence, inserted by rule.
    """

    span: Span
    evidence: tuple[Evidence, ...]
    support: float | None
    verdict: Verdict | None
    from_article: bool = False

    @property
    def is_supported(self) -> bool:
        return self.verdict is Verdict.SUPPORTED


@dataclass(frozen=True)
class UnsupportedTerm:
    """A term that the article lacks, at `span` of the summary's text."""

    span: Span
    kind: TermKind


@dataclass(frozen=True)
class Summary:
    length: Length
    text: str
    sentences: tuple[SummarySentence, ...]
    unsupported_terms: tuple[UnsupportedTerm, ...]
    checks_run: tuple[Check, ...]
    output_tokens: int
    finish_reason: FinishReason
    warnings: tuple[Warning, ...]


@dataclass(frozen=True)
class ArticleSummary:
    """The summaries of one article, in the order of the specs. Times in seconds."""

    summaries: tuple[Summary, ...]
    character_count: int
    input_tokens: int
    chunks: int
    language: str
    warnings: tuple[Warning, ...]
    tokenize_seconds: float
    check_seconds: float


@dataclass(frozen=True)
class CheckedSummary:
    """A summary checked against its article. Spans of sentences and terms are in the summary as sent.

    `support`: the minimum over the sentences that claim something; 1 if none does. `threshold`: the minimum support of
    a supported sentence. Times in seconds.
    """

    support: float
    verdict: Verdict
    sentences: tuple[SummarySentence, ...]
    unsupported_terms: tuple[UnsupportedTerm, ...]
    checks_run: tuple[Check, ...]
    threshold: float
    character_count: int
    input_tokens: int
    language: str
    warnings: tuple[Warning, ...]
    tokenize_seconds: float
    check_seconds: float
