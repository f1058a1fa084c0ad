"""What can go wrong in this room, for those above to translate.

SummarizerError
├── EmptyArticle        nothing to read
├── EmptySummary        nothing to check
└── ModelError          a model that cannot be had or used; the message says why and what to do
"""


class SummarizerError(Exception):
    """Base of this room's own errors."""


class EmptyArticle(SummarizerError):
    """The text has nothing in it to read: no letters, digits or signs."""


class EmptySummary(SummarizerError):
    """The summary has nothing in it to check: no letters, digits or signs."""


class ModelError(SummarizerError):
    """A model cannot be found, fetched, verified or loaded."""
