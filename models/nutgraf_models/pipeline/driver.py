"""The work on one article as a pipeline, and a driver for several.

A pipeline is a generator. It yields the requests that may run together; the owner of the engine runs them and sends
their rows back. Only the pipeline decides what the model is asked, and it knows neither threads nor an event loop.
"""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

from nutgraf_models.engines.base import Engine, GenerationRequest, Handle, RowCandidates
from nutgraf_models.results import ArticleSummary

# Yields the requests of a phase; takes the rows of each, in their order.
Pipeline = Generator[tuple[GenerationRequest, ...], tuple[RowCandidates, ...], ArticleSummary]


def advance(
    pipeline: Pipeline, rows: tuple[RowCandidates, ...] | None = None
) -> tuple[GenerationRequest, ...] | ArticleSummary:
    """The requests of the next phase, or the summary where there is none. `rows` are those of the phase before."""
    try:
        return next(pipeline) if rows is None else pipeline.send(rows)
    except StopIteration as end:
        summary: ArticleSummary = end.value
        return summary


@dataclass
class _Work:
    """An article under way: the requests of its phase, and the rows that are there already, by their places."""

    index: int
    pipeline: Pipeline
    requests: tuple[GenerationRequest, ...] = ()
    rows: dict[int, RowCandidates] = field(default_factory=dict)


def run(engine: Engine, articles: Iterable[Pipeline]) -> list[ArticleSummary]:
    """The summaries of the articles, in their order; as many requests at once as the engine runs with a gain.

    Nothing else may use the engine meanwhile.

    Raises:
        Exception: whatever the engine raised for a request.
    """
    fresh = enumerate(articles)
    waiting: deque[tuple[_Work, int]] = deque()
    running: dict[Handle, tuple[_Work, int]] = {}
    done: dict[int, ArticleSummary] = {}

    def go_on(work: _Work, rows: tuple[RowCandidates, ...] | None = None) -> None:
        step = advance(work.pipeline, rows)
        if isinstance(step, ArticleSummary):
            done[work.index] = step
            return
        work.requests, work.rows = step, {}
        waiting.extend((work, place) for place in range(len(step)))

    while True:
        while len(running) < engine.parallel_requests:
            if waiting:
                work, place = waiting.popleft()
                running[engine.submit(work.requests[place])] = work, place
            elif (new := next(fresh, None)) is not None:
                go_on(_Work(*new))
            else:
                break
        if not running:
            return [done[index] for index in range(len(done))]
        for completion in engine.step():
            if completion.error is not None:
                raise completion.error
            work, place = running.pop(completion.handle)
            work.rows[place] = completion.rows
            if len(work.rows) == len(work.requests):
                go_on(work, tuple(work.rows[place] for place in range(len(work.requests))))
