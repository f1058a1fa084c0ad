"""The service without gRPC: admission, the pipeline around the scheduler, and the server's state."""

import asyncio
import enum
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import structlog

from nutgraf_models.article import Article
from nutgraf_models.engines.base import Death, GenerationRequest
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.pipeline.driver import advance
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_models.results import ArticleSummary
from nutgraf_service.admission import Admission, estimate_tokens
from nutgraf_service.checker import Checker, CheckOutcome, CheckRequest
from nutgraf_service.errors import ServiceError, empty_text
from nutgraf_service.metrics import Metrics
from nutgraf_service.scheduler import Scheduler, Stopped
from nutgraf_service.sharing import Cache, DeadlinePassed, Outcome, Sharing
from nutgraf_service.threads import in_thread
from nutgraf_service.waiting import Generated, Priority

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")

# About how long loading a model takes: the retry delay for callers.
_LOADING_SECONDS = 5.0
_WARM_UP = Article(
    "The town council voted on Tuesday to rebuild the bridge that the flood of last spring carried away. Work is to "
    "begin in May and to end before winter. The mayor said that the ferry would run until then, free of charge."
)


class State(enum.Enum):
    LOADING = "loading"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(frozen=True)
class ArticleRequest:
    """An article to summarise. `deadline` is in `time.monotonic()` seconds."""

    article: Article
    specs: tuple[Spec, ...]
    show_doubted: bool
    deadline: float | None
    # An item of a stream: it waits for room instead of failing, and unary calls go first.
    is_stream: bool = False


class Core:
    """Summarises and checks the articles that admission accepts."""

    def __init__(
        self, metrics: Metrics, *, max_queued: int, max_queued_tokens: int, cache_bytes: int, cache_seconds: float
    ) -> None:
        self._metrics = metrics
        self._admission = Admission(max_queued=max_queued, max_tokens=max_queued_tokens)
        self._sharing = Sharing(Cache(max_bytes=cache_bytes, max_seconds=cache_seconds))
        self._checker = Checker(metrics, max_queued=max_queued, max_queued_tokens=max_queued_tokens)
        self.draining = asyncio.Event()
        self._is_warm = False
        self._max_running = 1
        self._summarizer: Summarizer | None = None
        self._scheduler: Scheduler | None = None
        # Preparing and finishing summaries is CPU work in Python. Two threads keep it off the event loop and leave the
        # other cores to the model.
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="nutgraf-text")

    @property
    def state(self) -> State:
        if self.draining.is_set():
            return State.DRAINING
        return State.SERVING if self._is_warm else State.LOADING

    @property
    def summarizer(self) -> Summarizer | None:
        """The model, once it is loaded."""
        return self._summarizer

    async def serve_with(self, summarizer: Summarizer) -> None:
        """Starts serving with a loaded model, after a short warm-up summary."""
        self._summarizer = summarizer
        engine = summarizer.engine
        engine.watch(on_step=self._metrics.step_seconds.observe, on_death=self._engine_died)
        self._max_running = self._admission.max_running = engine.parallel_requests
        self._scheduler = scheduler = Scheduler(engine, self._metrics, max_running=self._max_running)
        self._metrics.watch(
            queued=lambda: scheduler.queued,
            running=lambda: scheduler.running,
            serving=lambda: self.state is State.SERVING,
        )
        self._scheduler.start()
        await self._warm_up(summarizer, self._scheduler)
        self._is_warm = True

    def drain(self) -> None:
        """Rejects new requests from now on. Accepted requests continue."""
        self.draining.set()

    def failure(self, max_step_seconds: float) -> str | None:
        """Says why the engine is unusable: a step exceeds the limit, or its thread has ended. None if it works.

        If the engine runs in its own process, a step that exceeds the limit kills that process, which is restarted.
        """
        if self._scheduler is None or self._summarizer is None:
            return None
        engine = self._summarizer.engine
        if engine.has_given_up:
            return "the engine's process dies again and again"
        if self._scheduler.has_crashed:
            return "the engine's thread has ended by an error"
        if self._scheduler.step_seconds > max_step_seconds:
            if engine.has_own_process:
                log.error("the engine hangs and is killed", step_seconds=round(self._scheduler.step_seconds, 1))
                engine.kill()
                return None
            return f"the engine has been in one step for more than {max_step_seconds:g} s"
        return None

    def give_up(self) -> None:
        """Fails every request, after the engine has become unusable."""
        self.drain()
        if self._scheduler is not None:
            self._scheduler.abandon()
            # `close` must not wait for its thread, which will not end.
            self._scheduler = None

    def close(self) -> None:
        if self._scheduler is not None:
            self._scheduler.stop(timeout=5.0)
        if self._summarizer is not None:
            self._summarizer.engine.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._checker.close()

    async def summarize(self, request: ArticleRequest) -> Outcome:
        """Summarises an article.

        Raises:
            ServiceError: EMPTY_TEXT, QUEUE_FULL, LOADING, DRAINING or DEADLINE_EXCEEDED.
        """
        started = time.monotonic()
        summarizer, scheduler = self._ready(is_accepted=request.is_stream)
        tokens = estimate_tokens(request.article.text)

        async def run(priority: Priority) -> Outcome:
            outcome = await self._run(request, summarizer, scheduler, started, priority)
            self._admission.finish(tokens)
            return outcome

        try:
            outcome = await self._sharing.answer(
                # Everything in the request that determines the answer, including fields added later.
                self._sharing.key(summarizer.card.id, replace(request, deadline=None, is_stream=False)),
                lambda: self._admission.enter(tokens, request.deadline, is_stream=request.is_stream),
                run,
                deadline=request.deadline,
                is_stream=request.is_stream,
            )
        except EmptyArticle:
            raise empty_text() from None
        except DeadlinePassed:
            raise ServiceError("DEADLINE_EXCEEDED", "the deadline passed before the summary was written") from None
        except Stopped:
            raise draining() from None
        self._metrics.answered(outcome.origin.value)
        return outcome

    async def check(self, request: CheckRequest) -> CheckOutcome:
        """Checks a summary by any author.

        Raises:
            ServiceError: EMPTY_TEXT, EMPTY_SUMMARY, QUEUE_FULL, LOADING, DRAINING or DEADLINE_EXCEEDED.
        """
        summarizer, _ = self._ready(is_accepted=False)
        return await self._checker.check(request, summarizer.engine.count_tokens)

    async def _run(
        self, request: ArticleRequest, summarizer: Summarizer, scheduler: Scheduler, started: float, priority: Priority
    ) -> Outcome:
        pipeline = summarizer.pipeline(request.article, request.specs, show_doubted=request.show_doubted)
        step = await in_thread(self._pool, partial(advance, pipeline))
        queue_seconds = generate_seconds = 0.0
        is_first = True
        while not isinstance(step, ArticleSummary):
            phase_started = time.monotonic()
            generated = await self._generate(scheduler, step, priority, is_next=not is_first)
            # Requests are queued in order, so the article is in the engine once the first one runs.
            queue_seconds += generated[0].queue_seconds
            generate_seconds += time.monotonic() - phase_started - generated[0].queue_seconds
            is_first = False
            step = await in_thread(
                self._pool, partial(advance, pipeline, tuple(result.completion for result in generated))
            )
        outcome = Outcome(step, queue_seconds, generate_seconds, time.monotonic() - started)
        self._metrics.summarized(step, outcome.queue_seconds, outcome.generate_seconds, outcome.total_seconds)
        return outcome

    async def _generate(
        self, scheduler: Scheduler, requests: Sequence[GenerationRequest], priority: Priority, *, is_next: bool
    ) -> list[Generated]:
        """Runs the requests of a phase. If one fails, or the run is cancelled, all end.

        At most as many requests as the engine runs in parallel are queued at a time, so that other articles get their
        turns between the chunks of a long one.
        """
        left = iter(enumerate(requests))
        generated: dict[int, Generated] = {}

        async def take_turns() -> None:
            for index, request in left:
                generated[index] = await scheduler.generate(request, is_next=is_next, priority=priority)

        turns = [asyncio.create_task(take_turns()) for _ in requests[: self._max_running]]
        try:
            await asyncio.gather(*turns)
        finally:
            for turn in turns:
                turn.cancel()
        return [generated[index] for index in range(len(requests))]

    def _ready(self, *, is_accepted: bool) -> tuple[Summarizer, Scheduler]:
        """The model and its scheduler. Items of a stream count as accepted once read, even while draining."""
        if self.state is State.DRAINING and not is_accepted:
            raise draining()
        if self.state is State.LOADING or self._summarizer is None or self._scheduler is None:
            raise loading()
        return self._summarizer, self._scheduler

    def _engine_died(self, death: Death) -> None:
        self._metrics.engine_deaths.inc()
        log.error("the engine's process has died", how=death.how, requests=death.requests)

    async def _warm_up(self, summarizer: Summarizer, scheduler: Scheduler) -> None:
        """Generates a few tokens, which loads what is loaded lazily and sets up the kernels."""
        pipeline = summarizer.pipeline(_WARM_UP, (Spec(Length.SHORT, max_words=5),))
        step = await in_thread(self._pool, partial(advance, pipeline))
        assert not isinstance(step, ArticleSummary)
        (request,) = step
        rows = tuple(
            replace(row, decoding=row.decoding.model_copy(update={"max_new_tokens": 3, "min_new_tokens": 0}))
            for row in request.rows
        )
        generated = await scheduler.generate(replace(request, rows=rows))
        # The result is discarded.
        await in_thread(self._pool, partial(advance, pipeline, (generated.completion,)))


def loading() -> ServiceError:
    message = f"the model is still loading; try again in {_LOADING_SECONDS:.0f} s"
    return ServiceError("LOADING", message, retry_after=_LOADING_SECONDS)


def draining() -> ServiceError:
    message = "this server is shutting down; reconnect to reach another server or its successor"
    return ServiceError("DRAINING", message, retry_after=1.0)
