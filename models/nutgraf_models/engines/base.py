"""The interface between an engine and its scheduler."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NewType

from nutgraf_models.checkpoints.card import Decoding
from nutgraf_models.lengths import Length
from nutgraf_models.results import FinishReason

Handle = NewType("Handle", int)


@dataclass(frozen=True)
class Row:
    """One summary to generate.

    Generation stops at `max_sentences` or `max_words`, but a candidate may have more. `prefix`: the text that every
    candidate begins with; the model continues it.
    """

    length: Length
    decoding: Decoding
    max_sentences: int
    max_words: int | None = None
    prefix: str = ""


@dataclass(frozen=True)
class GenerationRequest:
    """An article of at most `Engine.max_input_tokens`, and the summaries to generate.

    The article is read once for all rows. `sentences`: the article's sentences whose main point is wanted, too; empty
    if it is not.
    """

    article: str
    rows: tuple[Row, ...]
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A text that the model generated for a row, unprocessed."""

    text: str
    token_count: int
    finish: FinishReason


# The candidates of each row of a request, in descending order of likelihood.
RowCandidates = tuple[tuple[Candidate, ...], ...]


@dataclass(frozen=True)
class Completion:
    """The end of a request: its candidates, or an error.

    `main_points`: log odds of the request's first sentences to be the main point, up to a constant, for as many of them
    as the engine has read; empty if it has no ranker or none were wanted.
    """

    handle: Handle
    rows: RowCandidates = ()
    main_points: tuple[float, ...] = ()
    error: Exception | None = None


@dataclass(frozen=True)
class Death:
    """Describes how an engine's own process ended, and the number of requests it was running."""

    how: str
    requests: int


class Engine(ABC):
    """Runs requests in parallel, step by step.

    Not thread-safe, except for the attributes, `count_tokens`, `wake`, `kill` and `close`.
    """

    name: str
    precision: str
    max_input_tokens: int
    # Number of parallel requests that still increases throughput.
    parallel_requests: int
    # Whether a process of the engine runs the steps. `step` then waits for a completion or for `wake`.
    has_own_process = False
    # Whether that process has died too often and is not restarted.
    has_given_up = False

    @abstractmethod
    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens in each text, without a prompt."""

    @abstractmethod
    def submit(self, request: GenerationRequest) -> Handle:
        """Adds a request. Returns at once; `step` does the work."""

    @abstractmethod
    def step(self) -> list[Completion]:
        """Advances each running request by about one token; returns the completions.

        An error that concerns one request ends that request only, as its `Completion.error`.
        """

    @abstractmethod
    def cancel(self, handle: Handle) -> None:
        """Drops a request, which then has no completion. Ignores an unknown handle."""

    # The rest concerns engines with their own process.

    @property
    def step_seconds(self) -> float:
        """Seconds since the busy process last reported; 0 while it is idle or loading."""
        return 0.0

    def watch(self, *, on_step: Callable[[float], None], on_death: Callable[[Death], None]) -> None:  # noqa: B027
        """Calls `on_step` with the seconds of each step, and `on_death` after each death, both in another thread."""

    def wake(self) -> None:  # noqa: B027
        """Makes `step` return, so that its caller can submit or cancel requests."""

    def kill(self) -> None:  # noqa: B027
        """Kills the process, which is then restarted."""

    def close(self) -> None:  # noqa: B027
        """Ends the process; it is not restarted."""
