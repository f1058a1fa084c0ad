"""The contract's enums as string enums.

Each has a member UNKNOWN, which stands for "not said" and for values that only a newer server knows. The other members
bear the contract's names without their prefix; their values are those names in lower case.
"""

from __future__ import annotations

import enum

__all__ = ["CheckKind", "FinishReason", "Length", "Origin", "ServerState", "TermKind", "Verdict", "WarningCode"]


class Length(enum.StrEnum):
    """How long a summary should be."""

    UNKNOWN = "unknown"
    SHORT = "short"
    """One sentence."""
    LONG = "long"
    """Two to four sentences."""


class TermKind(enum.StrEnum):
    """The sort of a term that a check looks for."""

    UNKNOWN = "unknown"
    NUMBER = "number"
    """A number, amount, percentage or date."""
    NAME = "name"
    """A name of a person, place, organisation or work."""
    QUOTATION = "quotation"
    """Words in quotation marks."""


class CheckKind(enum.StrEnum):
    """A check made of a summary."""

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
    """What the check makes of a sentence."""

    UNKNOWN = "unknown"
    """It was not checked."""
    SUPPORTED = "supported"
    """The article says this, as far as the check can tell."""
    DOUBTED = "doubted"
    """The check doubts that the article says this."""
    NO_CLAIM = "no_claim"
    """It claims nothing that could be false, as a greeting or a plain question: there was nothing to check."""


class FinishReason(enum.StrEnum):
    """Why the model stopped writing."""

    UNKNOWN = "unknown"
    STOP = "stop"
    """The model ended the summary by itself."""
    CAP = "cap"
    """The summary had as many sentences or words as were asked for."""
    TOKEN_LIMIT = "token_limit"
    """The model used up its tokens; an unfinished last sentence was dropped."""
    EXTRACTIVE = "extractive"
    """The summary is made of the article's own sentences."""


class WarningCode(enum.StrEnum):
    """What a warning is about; its `detail` says the same in words."""

    UNKNOWN = "unknown"
    ARTICLE_TOO_SHORT = "article_too_short"
    """The article is about as short as the summary would be: its own sentences were returned."""
    UNSUPPORTED_TERMS = "unsupported_terms"
    """The summary has terms that the article does not support."""
    EXTRACTIVE_FALLBACK = "extractive_fallback"
    """Nothing that the model wrote could be shown: the summary is made of the article's own sentences."""
    LANGUAGE_NOT_SUPPORTED = "language_not_supported"
    """The article does not seem to be in a language of the model, or of the check."""
    FEWER_SENTENCES = "fewer_sentences"
    """The summary has fewer sentences than its length asks for."""
    WORD_CAP_EXCEEDED = "word_cap_exceeded"
    """Not even one sentence fits the `max_words` that was asked for."""
    NO_PROSE = "no_prose"
    """The text holds no sentence: it looks like a table, a list or code rather than an article."""
    INCOMPLETE_SENTENCE = "incomplete_sentence"
    """The model ended no sentence within its tokens: the last one is incomplete and marked by an ellipsis."""
    DOUBTED_SENTENCES = "doubted_sentences"
    """The summary has a sentence that the check doubts."""
    NO_STORY = "no_story"
    """The text is a page without a story, such as a paywall, a log-in or an error: its own sentences were returned."""


class Origin(enum.StrEnum):
    """Where the summaries of an answer come from; they are the same whatever it is."""

    UNKNOWN = "unknown"
    RUN = "run"
    """They were made for this call."""
    SHARED_RUN = "shared_run"
    """They were being made for another call that asked the same."""
    CACHE = "cache"
    """They had been made for another call that asked the same, not long before."""


class ServerState(enum.StrEnum):
    """Whether summaries can be had."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    """The model is being loaded; calls are refused with `Unavailable`."""
    SERVING = "serving"
    """Ready."""
    DRAINING = "draining"
    """Shutting down; new calls are refused with `Unavailable`."""
