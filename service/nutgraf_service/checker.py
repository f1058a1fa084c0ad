"""Checks of summaries by any author. They run beside the model, in threads and with a queue of their own."""

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
from nutgraf_service.errors import ServiceError, empty_summary, empty_text
from nutgraf_service.metrics import Metrics
from nutgraf_service.threads import in_thread

# Separate from the threads that prepare and finish summaries, which would otherwise wait for checks. Two, so that a
# short check does not wait for a long one.
_THREADS = 2
_TOKENS_PER_SECOND = 50_000.0


@dataclass(frozen=True)
class CheckRequest:
    """A summary to check against its article. `deadline` is in `time.monotonic()` seconds."""

    article: Article
    summary: str
    threshold: float
    deadline: float | None


@dataclass(frozen=True)
class CheckOutcome:
    """A checked summary, and the seconds spent on it."""

    checked: CheckedSummary
    queue_seconds: float
    total_seconds: float


class _Abandoned(Exception):
    """No caller waits for this check."""


class Checker:
    """Checks the summaries that admission accepts."""

    def __init__(self, metrics: Metrics, *, max_queued: int, max_queued_tokens: int) -> None:
        self._metrics = metrics
        self._admission = Admission(
            max_queued=max_queued, max_tokens=max_queued_tokens, max_running=_THREADS, first_guess=_TOKENS_PER_SECOND
        )
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="nutgraf-check")

    async def check(self, request: CheckRequest, count_tokens: Callable[[Sequence[str]], list[int]]) -> CheckOutcome:
        """Checks a summary. An abandoned check ends before its next sentence.

        Raises:
            ServiceError: EMPTY_TEXT, EMPTY_SUMMARY, QUEUE_FULL or DEADLINE_EXCEEDED.
        """
        started = time.monotonic()
        tokens = estimate_tokens(request.article.text, request.summary)
        is_over = threading.Event()

        def raise_if_abandoned() -> None:
            if is_over.is_set() or (request.deadline is not None and time.monotonic() >= request.deadline):
                self._metrics.abandoned("check")
                raise _Abandoned

        has_begun = False

        def work() -> tuple[float, CheckedSummary]:
            nonlocal has_begun
            has_begun = True
            began = time.monotonic()
            raise_if_abandoned()
            checked = check_summary(
                request.article.text,
                request.article.title,
                request.summary,
                threshold=request.threshold,
                count_tokens=count_tokens,
                between_steps=raise_if_abandoned,
            )
            return began, checked

        async with self._admission.enter(tokens, request.deadline, is_stream=False):
            try:
                began, checked = await in_thread(self._pool, work)
            except EmptyArticle:
                raise empty_text() from None
            except EmptySummary:
                raise empty_summary() from None
            except _Abandoned:
                raise ServiceError("DEADLINE_EXCEEDED", "the deadline passed before the summary was checked") from None
            finally:
                is_over.set()
                if not has_begun:
                    self._metrics.abandoned("check")
            self._admission.finish(tokens)
        self._metrics.checked(checked)
        return CheckOutcome(checked, began - started, time.monotonic() - started)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
