"""The interface between a model and whoever schedules its work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

from nutgraf_models.checkpoints.card import Decoding
from nutgraf_models.lengths import Length
from nutgraf_models.results import FinishReason

Handle = NewType("Handle", int)


@dataclass(frozen=True)
class Row:
    """One summary to be generated.

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
    """An article, which must fit `Engine.max_input_tokens`, and the summaries wanted of it.

    The article is read once, whatever the number of rows.
    """

    article: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Candidate:
    """A text that the model wrote for a row, as it wrote it."""

    text: str
    token_count: int
    finish: FinishReason


# For each row of a request its candidates, the likeliest first.
RowCandidates = tuple[tuple[Candidate, ...], ...]


@dataclass(frozen=True)
class Completion:
    """The end of a request: what was written, or what went wrong."""

    handle: Handle
    rows: RowCandidates = ()
    error: Exception | None = None


class Engine(Protocol):
    """Runs many requests by iterations. Only one thread may use it, but for `count_tokens`, which any may call."""

    name: str
    precision: str
    max_input_tokens: int
    # Requests that it runs side by side with a gain; more would only share what one has.
    parallel_requests: int

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens in each text, without those that a prompt adds."""
        ...

    def submit(self, request: GenerationRequest) -> Handle:
        """Takes a request in. Costs little: the work is done by `step`."""
        ...

    def step(self) -> list[Completion]:
        """Moves every running request on by about one token each; returns those that ended by it.

        A failure that concerns one request ends that request alone, as its `Completion.error`.
        """
        ...

    def cancel(self, handle: Handle) -> None:
        """Forgets a request: it costs nothing more and has no completion. An unknown handle is ignored."""
        ...
