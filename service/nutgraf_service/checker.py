"""Checking summaries that others wrote: beside the model's work, in threads and with an admission of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nutgraf_models.article import Article
from nutgraf_models.checks.summary_check import check_summary
from nutgraf_models.errors import EmptyArticle, EmptySummary
from nutgraf_models.results import CheckedSummary
from nutgraf_service.admission import Admission, estimate_tokens
from nutgraf_service.metrics import Metrics
from nutgraf_service.refusals import Refusal, empty_summary, empty_text
from nutgraf_service.threads import in_thread

# Not the threads that prepare and finish summaries: these would wait there for every check that came before. Two, so
# that a short check does not wait for a long one.
_THREADS = 2
_TOKENS_PER_SECOND = 50_000.0


@dataclass(frozen=True)
class CheckJob:
    """A summary to be held against its article. `deadline` is in `time.monotonic()` seconds."""

    article: Article
    summary: str
    threshold: float
    deadline: float | None


@dataclass(frozen=True)
class CheckOutcome:
    """A checked summary, and the seconds that went into it."""

    checked: CheckedSummary
    queue_seconds: float
    total_seconds: float


class _Abandoned(Exception):
    """Nobody waits for this check any more."""


class Checker:
    """Checks summaries, as many as its admission lets in, and answers or refuses each."""

    def __init__(self, metrics: Metrics, *, max_queued: int, max_queued_tokens: int) -> None:
        self._metrics = metrics
        self._admission = Admission(
            max_queued=max_queued, max_tokens=max_queued_tokens, max_running=_THREADS, first_guess=_TOKENS_PER_SECOND
        )
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="nutgraf-check")

    async def check(self, job: CheckJob, count_tokens: Callable[[Sequence[str]], list[int]]) -> CheckOutcome:
        """Checks a summary. An abandoned check ends before its next sentence.

        Raises:
            Refusal: EMPTY_TEXT, EMPTY_SUMMARY, QUEUE_FULL or DEADLINE_EXCEEDED.
        """
        started = time.monotonic()
        tokens = estimate_tokens(job.article.text, job.summary)
        is_over = threading.Event()

        def raise_if_abandoned() -> None:
            if is_over.is_set() or (job.deadline is not None and time.monotonic() >= job.deadline):
                self._metrics.abandoned("check")
                raise _Abandoned

        has_begun = False

        def work() -> tuple[float, CheckedSummary]:
            nonlocal has_begun
            has_begun = True
            began = time.monotonic()
            raise_if_abandoned()
            checked = check_summary(
                job.article.text,
                job.article.title,
                job.summary,
                threshold=job.threshold,
                count_tokens=count_tokens,
                between_steps=raise_if_abandoned,
            )
            return began, checked

        async with self._admission.enter(tokens, job.deadline, is_bulk=False):
            try:
                began, checked = await in_thread(self._pool, work)
            except EmptyArticle:
                raise empty_text() from None
            except EmptySummary:
                raise empty_summary() from None
            except _Abandoned:
                raise Refusal("DEADLINE_EXCEEDED", "the deadline passed before the summary was checked") from None
            finally:
                is_over.set()
                if not has_begun:
                    self._metrics.abandoned("check")
            self._admission.finish(tokens)
        self._metrics.checked(checked)
        return CheckOutcome(checked, began - started, time.monotonic() - started)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
