"""What can go wrong in this room, for those above to translate.

SummarizerError
├── EmptyArticle        nothing to read
├── EmptySummary        nothing to check
├── ModelError          a model that cannot be had or used; the message says why and what to do
└── EngineFault         what broke in an engine's own process
"""


class SummarizerError(Exception):
    """Base of this room's own errors."""


class EmptyArticle(SummarizerError):
    """The text has nothing in it to read: no letters, digits or signs."""


class EmptySummary(SummarizerError):
    """The summary has nothing in it to check: no letters, digits or signs."""


class ModelError(SummarizerError):
    """A model cannot be found, fetched, verified or loaded."""


class EngineFault(SummarizerError):
    """Something broke in an engine that has a process of its own. The message quotes no article."""
