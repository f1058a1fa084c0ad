"""Exceptions of this package, for callers to translate.

SummarizerError
├── EmptyArticle        the article is empty or blank
├── EmptySummary        the summary is empty or blank
├── ModelError          a model is unavailable or unusable; the message says why and how to fix it
└── EngineFault         a failure in an engine's own process

`frames` describes any error for logs.
"""

import traceback
from pathlib import Path


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


def frames(error: BaseException) -> list[str]:
    """The stack frames of an error, innermost last. Leaves out its message, which may quote an article."""
    # The last two parts of a path identify the file without revealing where it is installed.
    return [
        f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
