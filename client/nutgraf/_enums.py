"""The contract's enums as string enums.

Each has a member UNKNOWN for unset values and for values of newer servers. The other members have the contract's names
without their prefix; their values are these names in lower case.
"""

from __future__ import annotations

import enum

__all__ = ["CheckKind", "FinishReason", "Length", "Origin", "ServerState", "TermKind", "Verdict", "WarningCode"]


class Length(enum.StrEnum):
    """The length of a summary."""

    UNKNOWN = "unknown"
    SHORT = "short"
    """One sentence."""
    LONG = "long"
    """Two to four sentences."""


class TermKind(enum.StrEnum):
    """A kind of term that is looked up in the article."""

    UNKNOWN = "unknown"
    NUMBER = "number"
    """A number, amount, percentage or date."""
    NAME = "name"
    """The name of a person, place, organisation or work."""
    QUOTATION = "quotation"
    """Words in quotation marks."""


class CheckKind(enum.StrEnum):
    """A check that is run on a summary."""

    UNKNOWN = "unknown"
    EVIDENCE = "evidence"
    """Each sentence was aligned with the article's sentences."""
    NUMBERS = "numbers"
    """Each number was looked up in the article."""
    NAMES = "names"
    """Each name was looked up in the article."""
    QUOTATIONS = "quotations"
    """Each quotation was looked up in the article."""
    STATEMENTS = "statements"
    """The support of each sentence was estimated."""


class Verdict(enum.StrEnum):
    """The result of checking a sentence."""

    UNKNOWN = "unknown"
    """It was not checked."""
    SUPPORTED = "supported"
    """The article says this, according to the check."""
    DOUBTED = "doubted"
    """The article may not say this."""
    NO_CLAIM = "no_claim"
    """The sentence makes no claim that could be false, such as a greeting or a plain question."""


class FinishReason(enum.StrEnum):
    """Why a summary ends where it does."""

    UNKNOWN = "unknown"
    STOP = "stop"
    """The model ended the summary."""
    CAP = "cap"
    """The summary reached `max_sentences` or `max_words`."""
    TOKEN_LIMIT = "token_limit"
    """The model reached its token limit; an unfinished last sentence was dropped."""
    EXTRACTIVE = "extractive"
    """The summary consists of sentences from the article."""


class WarningCode(enum.StrEnum):
    """The kind of a warning."""

    UNKNOWN = "unknown"
    ARTICLE_TOO_SHORT = "article_too_short"
    """The article is about as short as its summary would be, so the summary consists of its sentences."""
    UNSUPPORTED_TERMS = "unsupported_terms"
    """The summary has terms that are not in the article."""
    EXTRACTIVE_FALLBACK = "extractive_fallback"
    """Nothing that the model wrote could be shown, so the summary consists of sentences from the article."""
    LANGUAGE_NOT_SUPPORTED = "language_not_supported"
    """The article does not seem to be in a language that the model (or the check) supports."""
    FEWER_SENTENCES = "fewer_sentences"
    """The summary has fewer sentences than its length requires."""
    WORD_CAP_EXCEEDED = "word_cap_exceeded"
    """The summary exceeds `max_words`, because not even one sentence fits."""
    NO_PROSE = "no_prose"
    """The text contains no sentences: it looks like a table, a list or code."""
    INCOMPLETE_SENTENCE = "incomplete_sentence"
    """The model finished no sentence within its token limit; the last one is incomplete and ends with an ellipsis."""
    DOUBTED_SENTENCES = "doubted_sentences"
    """The summary has a doubted sentence."""
    NO_STORY = "no_story"
    """The text is a page without a story, such as a paywall; the summary consists of its sentences."""


class Origin(enum.StrEnum):
    """Where the summaries come from. Their content is the same in all cases."""

    UNKNOWN = "unknown"
    RUN = "run"
    """The model ran for this call."""
    SHARED_RUN = "shared_run"
    """The model was already running for an identical call."""
    CACHE = "cache"
    """The model had recently finished an identical call."""


class ServerState(enum.StrEnum):
    """The state of the server."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    """The model is loading; calls fail with `Unavailable`."""
    SERVING = "serving"
    """Ready."""
    DRAINING = "draining"
    """Shutting down; new calls fail with `Unavailable`."""
