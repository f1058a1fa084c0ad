"""Exceptions of this package, for callers to translate.

SummarizerError
├── EmptyArticle        the article is empty or blank
├── EmptySummary        the summary is empty or blank
├── ModelError          a model is unavailable or unusable; the message says why and how to fix it
└── EngineFault         a failure in an engine's own process
"""


class SummarizerError(Exception):
    """Base class of this package's exceptions."""


class EmptyArticle(SummarizerError):
    """The article has no letters, digits or symbols."""


class EmptySummary(SummarizerError):
    """The summary has no letters, digits or symbols."""


class ModelError(SummarizerError):
    """A model cannot be found, fetched, verified or loaded."""


class EngineFault(SummarizerError):
    """An engine in a process of its own failed. The message contains no article text."""
