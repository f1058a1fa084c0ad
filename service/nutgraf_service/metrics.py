"""Metrics for Prometheus. Every metric is defined here and listed in the README."""

import threading
from collections.abc import Callable, Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from nutgraf_models.lengths import Length
from nutgraf_models.results import ArticleSummary, CheckedSummary, FinishReason, SummarySentence, Verdict
from nutgraf_service.errors import CODES
from nutgraf_service.sharing import Origin

# From a single summary on a fast machine to one at the end of a full queue.
_SECONDS = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0)
# One iteration of the engine: one token per row, or a piece of a prompt.
_STEP_SECONDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The metrics of one server, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

        def counter(name: str, help: str, *labels: str) -> Counter:
            return Counter(f"nutgraf_{name}", help, labels, registry=self.registry)

        def known(name: str, help: str, **labels: Iterable[str]) -> Counter:
            """A counter that has all its series from the start, because Prometheus misses the increase of a new one."""
            made = counter(name, help, *labels)
            for values in product(*labels.values()):
                made.labels(*values)
            return made

        def histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"nutgraf_{name}", help, labels, buckets=buckets, registry=self.registry)

        def gauge(name: str, help: str) -> Gauge:
            return Gauge(f"nutgraf_{name}", help, registry=self.registry)

        lengths = [length.value for length in Length]
        verdicts = [verdict.value for verdict in Verdict]
        self._calls = counter("calls_total", "Calls that ended.", "method", "code")
        self._call_seconds = histogram("call_seconds", "Time from a call's arrival to its answer.", _SECONDS, "method")
        self._refusals = known("refusals_total", "Calls and stream items that failed.", reason=CODES)
        self._answers = known("answers_total", "Articles answered.", origin=[origin.value for origin in Origin])
        self._articles = counter("articles_total", "Articles summarised.")
        self._summaries = known("summaries_total", "Summaries written.", length=lengths)
        self._unsupported = known(
            "unsupported_summaries_total",
            "Summaries with a name, number or quotation that is not in the article.",
            length=lengths,
        )
        self._extractive = known(
            "extractive_summaries_total", "Summaries made of the article's sentences.", length=lengths
        )
        self._sentences = known(
            "sentences_total",
            "Sentences shown.",
            length=lengths,
            verdict=["supported", "doubted", "unchecked"],
            source=["model", "article"],
        )
        self._checked = known("checked_sentences_total", "Sentences checked by CheckSummary.", verdict=verdicts)
        self._queue_seconds = histogram("queue_seconds", "Time an article waited for the engine.", _SECONDS)
        self._generate_seconds = histogram("generate_seconds", "Time an article spent in the engine.", _SECONDS)
        self._summary_seconds = histogram(
            "summary_seconds", "Time from an article's arrival to its summaries.", _SECONDS
        )
        self._input_tokens = counter("input_tokens_total", "Article tokens read by the model.")
        self._output_tokens = counter("output_tokens_total", "Summary tokens written by the model.")
        self._abandoned = known(
            "abandoned_total", "Requests dropped because their callers gave up.", where=["queue", "engine", "check"]
        )
        self.step_seconds = histogram("step_seconds", "Time of one iteration of the engine.", _STEP_SECONDS)
        self.engine_deaths = counter("engine_deaths_total", "Times that the engine's process died.")
        self._queued = gauge("queued_requests", "Requests waiting for the engine.")
        self._running = gauge("running_requests", "Requests in the engine.")
        self.held_bytes = gauge("held_bytes", "Bytes of article text in memory.")
        self._serving = gauge("serving", "1 while the server is SERVING, else 0.")

    def watch(self, *, queued: Callable[[], float], running: Callable[[], float], serving: Callable[[], float]) -> None:
        """Sets the functions that the gauges call, from any thread."""
        self._queued.set_function(queued)
        self._running.set_function(running)
        self._serving.set_function(serving)

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        self._calls.labels(method, code).inc()
        self._call_seconds.labels(method).observe(seconds)

    def refused(self, reason: str) -> None:
        self._refusals.labels(reason).inc()

    def answered(self, origin: str) -> None:
        """`origin` is "run", "shared_run" or "cache"."""
        self._answers.labels(origin).inc()

    def abandoned(self, where: str) -> None:
        """`where` is "queue", "engine" or "check"."""
        self._abandoned.labels(where).inc()

    def summarized(self, summary: ArticleSummary, queue: float, generate: float, total: float) -> None:
        self._articles.inc()
        self._queue_seconds.observe(queue)
        self._generate_seconds.observe(generate)
        self._summary_seconds.observe(total)
        self._input_tokens.inc(summary.input_tokens)
        for written in summary.summaries:
            length = written.length.value
            self._summaries.labels(length).inc()
            self._output_tokens.inc(written.output_tokens)
            for sentence in written.sentences:
                source = "article" if sentence.from_article else "model"
                self._sentences.labels(length, _verdict(sentence), source).inc()
            if written.unsupported_terms:
                self._unsupported.labels(length).inc()
            if written.finish_reason is FinishReason.EXTRACTIVE:
                self._extractive.labels(length).inc()

    def checked(self, summary: CheckedSummary) -> None:
        for sentence in summary.sentences:
            self._checked.labels(_verdict(sentence)).inc()


def _verdict(sentence: SummarySentence) -> str:
    return "unchecked" if sentence.verdict is None else sentence.verdict.value


class Endpoint:
    """Serves metrics over HTTP on their own port, in a thread.

    Raises:
        OSError: the address is not available.
    """

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        self._server, self._thread = start_http_server(port, addr=host, registry=metrics.registry)
        # By default, it prints a traceback for each client that hangs up early.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port: int = self._server.server_port

    def close(self) -> None:
        # `shutdown` takes up to half a second.
        threading.Thread(target=self._server.shutdown, daemon=True).start()
        self._server.server_close()
