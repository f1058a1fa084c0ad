"""A real server on a loopback port, in a thread of its own, with any model."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import grpc

from nutgraf.v1 import summarizer_pb2_grpc
from nutgraf_models.engines.base import Candidate, GenerationRequest, RowCandidates
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_models.lengths import Length
from nutgraf_models.loading import load_summarizer
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_models.results import FinishReason
from nutgraf_service.server import Server
from nutgraf_service.settings import Settings

TIMEOUT = 60.0


@dataclass
class Running:
    address: str
    server: Server
    loop: asyncio.AbstractEventLoop
    loaded: "threading.Event"

    @contextlib.contextmanager
    def stub(self) -> Iterator[summarizer_pb2_grpc.SummarizerServiceStub]:
        with grpc.insecure_channel(self.address) as channel:
            yield summarizer_pb2_grpc.SummarizerServiceStub(channel)

    def metric(self, name: str) -> float:
        """The value of a metric, summed over its labels."""
        metrics = self.server.metrics.registry.collect()
        return sum(sample.value for metric in metrics for sample in metric.samples if sample.name == name)

    def drain(self) -> "asyncio.Future[None]":
        """Starts the drain; the future completes when the server has stopped."""
        return asyncio.run_coroutine_threadsafe(self.server.drain(), self.loop)  # type: ignore[return-value]


@contextlib.contextmanager
def running_server(
    load: Callable[[], Summarizer] | None = None, *, wait: bool = True, **settings: object
) -> Iterator[Running]:
    """Runs a server until the block ends, with the model from `load` or the lead baseline.

    `wait`: until it is SERVING. The setting `cache_bytes` defaults to 0 here.
    """
    # Most tests count equal articles as separate ones.
    unshared = {"cache_bytes": 0}
    options = {"host": "127.0.0.1", "port": 0, "model": "lead", "drain_grace": 10.0, **unshared, **settings}
    started = threading.Event()
    loaded = threading.Event()
    running: list[Running] = []
    failures: list[BaseException] = []

    async def serve() -> None:
        server = Server(Settings(**options), load)
        await server.bind()
        running.append(Running(f"127.0.0.1:{server.port}", server, asyncio.get_running_loop(), loaded))
        started.set()
        await server.load()
        loaded.set()
        await server.core.draining.wait()
        await stopped.wait()

    stopped = asyncio.Event()

    def target() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failures.append(error)
        finally:
            started.set()
            loaded.set()

    thread = threading.Thread(target=target, name="test-server")
    thread.start()
    started.wait(TIMEOUT)
    if not running:
        raise failures[0]
    try:
        if wait:
            loaded.wait(TIMEOUT)
            if failures:
                raise failures[0]
        yield running[0]
    finally:
        if thread.is_alive():
            with contextlib.suppress(asyncio.CancelledError, RuntimeError):
                running[0].drain().result(TIMEOUT)  # type: ignore[call-arg]
            running[0].loop.call_soon_threadsafe(stopped.set)
        thread.join(TIMEOUT)
    if failures:
        raise failures[0]


def summarizer_with(
    engine: object, model: str = "lead", *, check: bool = True, family: Literal["lead", "causal"] = "lead"
) -> Summarizer:
    """The lead card with another engine under it. Sentences are written again only by a model of another `family`."""
    summarizer = load_summarizer(model, check=check)
    summarizer.engine = engine  # type: ignore[assignment]
    summarizer.card = summarizer.card.model_copy(update={"family": family})
    return summarizer


class ScriptedEngine(LeadEngine):
    """An engine with scripted output: texts by length and number of beams, likeliest first."""

    def __init__(self, script: dict[tuple[Length, int], tuple[str, ...]]) -> None:
        super().__init__()
        self.script = script
        self.asked: list[tuple[Length, int]] = []

    def step(self):  # type: ignore[no-untyped-def]
        requests = dict(self._waiting)
        return [replace(one, rows=self._write(requests[one.handle])) for one in super().step()]

    def _write(self, request: GenerationRequest) -> RowCandidates:
        asked = [(row.length, row.decoding.num_beams) for row in request.rows]
        self.asked += asked
        return tuple(
            tuple(Candidate(text, len(text.split()), FinishReason.STOP) for text in self.script.get(one, ()))
            for one in asked
        )


class ContinuingEngine(LeadEngine):
    """Writes `first` for every row; continues a row's prefix with the next of `then`, and keeps the prefixes."""

    tokens = 9

    def __init__(self, first: str, *then: str) -> None:
        super().__init__()
        self.first, self.then = first, list(then)
        self.prefixes: list[str] = []

    def step(self):  # type: ignore[no-untyped-def]
        requests = dict(self._waiting)
        return [replace(one, rows=self._write(requests[one.handle])) for one in super().step()]

    def _write(self, request: GenerationRequest) -> RowCandidates:
        return tuple((Candidate(self._text(row.prefix), self.tokens, FinishReason.STOP),) for row in request.rows)

    def _text(self, prefix: str) -> str:
        if not prefix:
            return self.first
        self.prefixes.append(prefix)
        return prefix + (self.then.pop(0) if self.then else " and so on.")


class SmallWindow(LeadEngine):
    """The lead engine with a window of this many words; longer articles are read in chunks."""

    def __init__(self, max_input_tokens: int, parallel_requests: int = 1) -> None:
        super().__init__()
        self.max_input_tokens = max_input_tokens
        self.parallel_requests = parallel_requests


class GatedEngine(LeadEngine):
    """The lead engine, with steps that wait for `allow`; records submissions and cancels.

    The first request, which is the server's warm-up, passes. `max_input_tokens`: the window in words.
    """

    def __init__(self, max_input_tokens: int = LeadEngine.max_input_tokens) -> None:
        super().__init__()
        self.max_input_tokens = max_input_tokens
        self.submitted: list[str] = []
        self.cancelled: list[int] = []
        self.fail_next: Exception | None = None
        self._permits = threading.Semaphore(1)
        self._is_open = False
        self._changed = threading.Condition()

    def allow(self, steps: int = 1) -> None:
        self._permits.release(steps)

    def open(self) -> None:
        """Lets all steps proceed."""
        self._is_open = True

    def shut(self) -> None:
        self._permits = threading.Semaphore(0)
        self._is_open = False

    def wait_until(self, condition: Callable[["GatedEngine"], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), TIMEOUT), "the engine never got there"

    def submit(self, request):  # type: ignore[no-untyped-def]
        handle = super().submit(request)
        with self._changed:
            self.submitted.append(request.article)
            self._changed.notify_all()
        return handle

    def step(self):  # type: ignore[no-untyped-def]
        # With a timeout, because the scheduler looks for abandoned calls between steps, even with a slow model.
        if not (self._is_open or self._permits.acquire(timeout=0.02)):
            with self._changed:
                self._changed.notify_all()
            return []
        if self.fail_next is not None:
            error, self.fail_next = self.fail_next, None
            raise error
        return super().step()

    def cancel(self, handle):  # type: ignore[no-untyped-def]
        super().cancel(handle)
        with self._changed:
            self.cancelled.append(handle)
            self._changed.notify_all()
