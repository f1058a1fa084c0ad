"""Article pipelines, and a driver that runs several on one engine.

A pipeline is a generator. It yields requests that may run in parallel; the owner of the engine runs them and sends the
completions back. Pipelines alone decide about prompts and parameters; they know neither threads nor an event loop.
"""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

from nutgraf_models.engines.base import Completion, Engine, GenerationRequest, Handle
from nutgraf_models.results import ArticleSummary

# Yields the requests of a phase; receives the completion of each request, in the same order.
Pipeline = Generator[tuple[GenerationRequest, ...], tuple[Completion, ...], ArticleSummary]


def advance(
    pipeline: Pipeline, done: tuple[Completion, ...] | None = None
) -> tuple[GenerationRequest, ...] | ArticleSummary:
    """The requests of the next phase, or the finished summary. `done`: the completions of the previous phase."""
    try:
        return next(pipeline) if done is None else pipeline.send(done)
    except StopIteration as end:
        summary: ArticleSummary = end.value
        return summary


@dataclass
class _Work:
    """An article in progress: the requests of the current phase, and their completions by index."""

    index: int
    pipeline: Pipeline
    requests: tuple[GenerationRequest, ...] = ()
    completions: dict[int, Completion] = field(default_factory=dict)


def run(engine: Engine, articles: Iterable[Pipeline]) -> list[ArticleSummary]:
    """The summaries of several articles, in order, with up to `engine.parallel_requests` requests in flight.

    Nothing else may use the engine meanwhile.

    Raises:
        Exception: an engine error for a request, unchanged.
    """
    pending = enumerate(articles)
    waiting: deque[tuple[_Work, int]] = deque()
    running: dict[Handle, tuple[_Work, int]] = {}
    done: dict[int, ArticleSummary] = {}

    def advance_work(work: _Work, completions: tuple[Completion, ...] | None = None) -> None:
        step = advance(work.pipeline, completions)
        if isinstance(step, ArticleSummary):
            done[work.index] = step
            return
        work.requests, work.completions = step, {}
        waiting.extend((work, position) for position in range(len(step)))

    while True:
        while len(running) < engine.parallel_requests:
            if waiting:
                work, position = waiting.popleft()
                running[engine.submit(work.requests[position])] = work, position
            elif (new := next(pending, None)) is not None:
                advance_work(_Work(*new))
            else:
                break
        if not running:
            return [done[index] for index in range(len(done))]
        for completion in engine.step():
            if completion.error is not None:
                raise completion.error
            work, position = running.pop(completion.handle)
            work.completions[position] = completion
            if len(work.completions) == len(work.requests):
                advance_work(work, tuple(work.completions[position] for position in range(len(work.requests))))
