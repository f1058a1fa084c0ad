"""The service without its wire: admission, the pipeline around the scheduler, and the state that callers see."""

import asyncio
import enum
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from nutgraf_models.article import Article
from nutgraf_models.engines.base import GenerationRequest
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.pipeline.driver import advance
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_models.results import ArticleSummary
from nutgraf_service.admission import Admission, estimate_tokens
from nutgraf_service.checker import Checker, CheckJob, CheckOutcome
from nutgraf_service.metrics import Metrics
from nutgraf_service.refusals import Refusal, empty_text
from nutgraf_service.scheduler import Scheduler, Stopped
from nutgraf_service.sharing import Cache, DeadlinePassed, Outcome, Sharing
from nutgraf_service.threads import in_thread
from nutgraf_service.waiting import Generated, Priority

# Seconds that loading a model takes, roughly; what a caller is told to wait.
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
class Job:
    """An article to be summarised. `deadline` is in `time.monotonic()` seconds."""

    article: Article
    specs: tuple[Spec, ...]
    show_doubted: bool
    deadline: float | None
    # One of a stream's: it waits for room rather than be refused, and single calls go first.
    is_bulk: bool = False


class Core:
    """Takes articles, as many as its admission lets in, and answers or refuses each."""

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
        # Preparing and finishing are Python; two threads keep them off the event loop without crowding the model.
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
        """Takes a loaded model, writes one short summary to warm it up, and is ready."""
        self._summarizer = summarizer
        self._max_running = self._admission.max_running = summarizer.engine.parallel_requests
        self._scheduler = scheduler = Scheduler(summarizer.engine, self._metrics, max_running=self._max_running)
        self._metrics.watch(
            queued=lambda: scheduler.queued,
            running=lambda: scheduler.running,
            serving=lambda: self.state is State.SERVING,
        )
        self._scheduler.start()
        await self._warm_up(summarizer, self._scheduler)
        self._is_warm = True

    def drain(self) -> None:
        """Refuses whatever comes from now on; what was accepted goes on."""
        self.draining.set()

    def failure(self, max_step_seconds: float) -> str | None:
        """Why the engine is of no more use: a step takes longer than that, or its thread has ended. None if it is."""
        if self._scheduler is None:
            return None
        if self._scheduler.has_crashed:
            return "the engine's thread has ended by an error"
        if self._scheduler.step_seconds > max_step_seconds:
            return f"the engine has been in one step for more than {max_step_seconds:g} s"
        return None

    def give_up(self) -> None:
        """Answers every call by an error: the engine is of no more use."""
        self.drain()
        if self._scheduler is not None:
            self._scheduler.abandon()
            # Its thread will not end; nothing is to wait for it.
            self._scheduler = None

    def close(self) -> None:
        if self._scheduler is not None:
            self._scheduler.stop(timeout=5.0)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._checker.close()

    async def summarize(self, job: Job) -> Outcome:
        """Summarises an article.

        Raises:
            Refusal: EMPTY_TEXT, QUEUE_FULL, LOADING, DRAINING or DEADLINE_EXCEEDED.
        """
        started = time.monotonic()
        summarizer, scheduler = self._ready(is_accepted=job.is_bulk)
        tokens = estimate_tokens(job.article.text)

        async def run(priority: Priority) -> Outcome:
            outcome = await self._run(job, summarizer, scheduler, started, priority)
            self._admission.finish(tokens)
            return outcome

        try:
            outcome = await self._sharing.answer(
                # All of the job that decides the answer, whatever else it may get.
                self._sharing.key(summarizer.card.id, replace(job, deadline=None, is_bulk=False)),
                lambda: self._admission.enter(tokens, job.deadline, is_bulk=job.is_bulk),
                run,
                deadline=job.deadline,
                is_bulk=job.is_bulk,
            )
        except EmptyArticle:
            raise empty_text() from None
        except DeadlinePassed:
            raise Refusal("DEADLINE_EXCEEDED", "the deadline passed before the summary was written") from None
        except Stopped:
            raise draining() from None
        self._metrics.answered(outcome.origin.value)
        return outcome

    async def check(self, job: CheckJob) -> CheckOutcome:
        """Checks a summary that somebody else wrote.

        Raises:
            Refusal: EMPTY_TEXT, EMPTY_SUMMARY, QUEUE_FULL, LOADING, DRAINING or DEADLINE_EXCEEDED.
        """
        summarizer, _ = self._ready(is_accepted=False)
        return await self._checker.check(job, summarizer.engine.count_tokens)

    async def _run(
        self, job: Job, summarizer: Summarizer, scheduler: Scheduler, started: float, priority: Priority
    ) -> Outcome:
        pipeline = summarizer.pipeline(job.article, job.specs, show_doubted=job.show_doubted)
        step = await in_thread(self._pool, partial(advance, pipeline))
        queue_seconds = generate_seconds = 0.0
        is_first = True
        while not isinstance(step, ArticleSummary):
            phase_started = time.monotonic()
            generated = await self._generate(scheduler, step, priority, is_next=not is_first)
            # They are queued in this order, so once the first one runs the article is in the engine.
            queue_seconds += generated[0].queue_seconds
            generate_seconds += time.monotonic() - phase_started - generated[0].queue_seconds
            is_first = False
            step = await in_thread(self._pool, partial(advance, pipeline, tuple(one.rows for one in generated)))
        outcome = Outcome(step, queue_seconds, generate_seconds, time.monotonic() - started)
        self._metrics.summarized(step, outcome.queue_seconds, outcome.generate_seconds, outcome.total_seconds)
        return outcome

    async def _generate(
        self, scheduler: Scheduler, requests: Sequence[GenerationRequest], priority: Priority, *, is_next: bool
    ) -> list[Generated]:
        """Runs the requests of a phase. If one fails, or the run is cancelled, all end.

        Only as many as the engine runs are handed over at a time, so that others get their turns between the chunks of
        a long article.
        """
        left = iter(enumerate(requests))
        generated: dict[int, Generated] = {}

        async def take_turns() -> None:
            for place, request in left:
                generated[place] = await scheduler.generate(request, is_next=is_next, priority=priority)

        turns = [asyncio.create_task(take_turns()) for _ in requests[: self._max_running]]
        try:
            await asyncio.gather(*turns)
        finally:
            for turn in turns:
                turn.cancel()
        return [generated[place] for place in range(len(requests))]

    def _ready(self, *, is_accepted: bool) -> tuple[Summarizer, Scheduler]:
        """The model and its scheduler. An item of a stream was accepted when it was read, draining or not."""
        if self.state is State.DRAINING and not is_accepted:
            raise draining()
        if self.state is State.LOADING or self._summarizer is None or self._scheduler is None:
            raise loading()
        return self._summarizer, self._scheduler

    async def _warm_up(self, summarizer: Summarizer, scheduler: Scheduler) -> None:
        """A few tokens are enough to load what is loaded lazily and to set up the kernels."""
        pipeline = summarizer.pipeline(_WARM_UP, (Spec(Length.SHORT, max_words=5),))
        step = await in_thread(self._pool, partial(advance, pipeline))
        assert not isinstance(step, ArticleSummary)
        (request,) = step
        rows = tuple(
            replace(row, decoding=row.decoding.model_copy(update={"max_new_tokens": 3, "min_new_tokens": 0}))
            for row in request.rows
        )
        generated = await scheduler.generate(replace(request, rows=rows))
        # What comes next, be it a summary or better candidates, is not wanted.
        await in_thread(self._pool, partial(advance, pipeline, (generated.rows,)))


def loading() -> Refusal:
    message = f"the model is still being loaded; try again in {_LOADING_SECONDS:.0f} s"
    return Refusal("LOADING", message, retry_after=_LOADING_SECONDS)


def draining() -> Refusal:
    message = "this server is shutting down; connect again to reach another or its successor"
    return Refusal("DRAINING", message, retry_after=1.0)
