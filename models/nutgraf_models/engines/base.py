"""The interface between an engine and its scheduler."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

from nutgraf_models.checkpoints.card import Decoding
from nutgraf_models.lengths import Length
from nutgraf_models.results import FinishReason

Handle = NewType("Handle", int)


@dataclass(frozen=True)
class Row:
    """One summary to generate. At `max_sentences` or `max_words`, generation may stop: the rest would be discarded."""

    length: Length
    decoding: Decoding
    max_sentences: int
    max_words: int | None = None


@dataclass(frozen=True)
class GenerationRequest:
    """An article of at most `Engine.max_input_tokens`, and the summaries to generate.

    The article is read once for all rows.
    """

    article: str
    rows: tuple[Row, ...]


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
    """The end of a request: its candidates, or an error."""

    handle: Handle
    rows: RowCandidates = ()
    error: Exception | None = None


class Engine(Protocol):
    """Runs requests in parallel, step by step. Not thread-safe, except for `count_tokens`."""

    name: str
    precision: str
    max_input_tokens: int
    # Number of parallel requests that still increases throughput.
    parallel_requests: int

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens in each text, without a prompt."""
        ...

    def submit(self, request: GenerationRequest) -> Handle:
        """Adds a request. Returns at once; `step` does the work."""
        ...

    def step(self) -> list[Completion]:
        """Advances each running request by about one token; returns the completions.

        An error that concerns one request ends that request only, as its `Completion.error`.
        """
        ...

    def cancel(self, handle: Handle) -> None:
        """Drops a request, which then has no completion. Ignores an unknown handle."""
        ...
