"""Faulty engines: every call is answered, whatever the engine does."""

import asyncio
import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_models.engines.base import Completion, GenerationRequest, Handle
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_service.metrics import Metrics
from nutgraf_service.scheduler import Crashed, Scheduler, Stalled
from support.articles import ARTICLE, OTHER
from support.failures import failure
from support.process import entry, serve_engine
from support.server import TIMEOUT, GatedEngine, running_server, summarizer_with


class Panics(BaseException):
    """Like errors from libraries in other languages."""


class Raising(LeadEngine):
    """Raises the errors that a test sets, in `step` or `submit`."""

    in_step: BaseException | None = None
    in_submit: BaseException | None = None

    def step(self) -> list[Completion]:
        error, self.in_step = self.in_step, None
        if error is not None:
            raise error
        return super().step()

    def submit(self, request: GenerationRequest) -> Handle:
        error, self.in_submit = self.in_submit, None
        if error is not None:
            raise error
        return super().submit(request)


# Some of these end an event loop; asyncio does not pass others on to the waiting task.
ERRORS = [Panics(), SystemExit(3), KeyboardInterrupt(), StopIteration(), asyncio.CancelledError(), MemoryError()]


@pytest.mark.parametrize("place", ["in_step", "in_submit"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda one: type(one).__name__)
def test_any_error_in_the_engine_is_internal_and_the_next_call_is_answered(error, place):
    engine = Raising()
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        setattr(engine, place, error)
        failed = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT))
        assert failed.info.reason == "INTERNAL"
        setattr(engine, place, error)
        items = [pb.SummarizeManyRequest(id=name, request=pb.SummarizeRequest(text=ARTICLE)) for name in "ab"]
        answers = list(stub.SummarizeMany(iter(items), timeout=TIMEOUT))
        assert sorted(answer.WhichOneof(answer.DESCRIPTOR.oneofs[0].name) or "" for answer in answers) == [
            "error",
            "response",
        ]
        assert stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).summaries


class Forgetful(GatedEngine):
    """Fails to cancel requests, and completes them."""

    def cancel(self, handle: Handle) -> None:
        waiting = dict(self._waiting)
        super().cancel(handle)
        self._waiting = waiting
        raise RuntimeError(ARTICLE)


def test_a_failed_cancellation_does_not_affect_other_callers(capfd):
    engine = Forgetful()
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        cancelled = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        cancelled.cancel()
        engine.wait_until(lambda one: one.cancelled)
        engine.open()
        for _ in range(3):
            assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
    logged = "".join(capfd.readouterr())
    assert "failed to cancel" in logged
    assert "Marlow" not in logged


class Stuck(LeadEngine):
    """Blocks in `step` until `may_go_on` is set, then completes its requests."""

    def __init__(self) -> None:
        super().__init__()
        self.is_in_step, self.may_go_on = threading.Event(), threading.Event()

    def step(self) -> list[Completion]:
        self.is_in_step.set()
        assert self.may_go_on.wait(TIMEOUT)
        return super().step()


async def test_a_step_that_returns_after_abandon_answers_no_call_twice(capfd):
    engine = Stuck()
    scheduler = Scheduler(engine, Metrics(), max_running=2)
    scheduler.start()
    request = GenerationRequest(ARTICLE, ())
    calls = [asyncio.create_task(scheduler.generate(request)) for _ in range(4)]
    await asyncio.to_thread(engine.is_in_step.wait, TIMEOUT)
    scheduler.abandon()
    for call in calls:
        with pytest.raises(Stalled):
            await call
    engine.may_go_on.set()
    await asyncio.to_thread(scheduler.stop, TIMEOUT)
    assert not scheduler.has_crashed
    assert "InvalidState" not in "".join(capfd.readouterr())
    with pytest.raises(Stalled):
        await scheduler.generate(request)


class Nonsense(Stuck):
    def step(self) -> list[Completion]:
        super().step()
        return [None]  # type: ignore[list-item]


async def test_an_unexpected_error_in_the_schedulers_thread_fails_all_calls():
    engine = Nonsense()
    scheduler = Scheduler(engine, Metrics())
    scheduler.start()
    request = GenerationRequest(ARTICLE, ())
    calls = [asyncio.create_task(scheduler.generate(request)) for _ in range(3)]
    await asyncio.to_thread(engine.is_in_step.wait, TIMEOUT)
    engine.may_go_on.set()
    for call in calls:
        with pytest.raises(Crashed):
            await asyncio.wait_for(call, TIMEOUT)
    assert scheduler.has_crashed
    with pytest.raises(Crashed):
        await scheduler.generate(request)


# An engine that returns an invalid result for articles with WORD.
NONSENSE = """
class Engine(LeadEngine):
    def step(self):
        article = next(iter(self._waiting.values())).article
        return [None] if WORD in article else super().step()
"""


def test_a_crash_of_the_schedulers_thread_ends_the_process_with_status_1():
    with serve_engine(NONSENSE, WORD="Marlow") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with grpc.insecure_channel(address) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            stub = SummarizerServiceStub(channel)
            assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
            # This call has no deadline.
            failed = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=ARTICLE)))
            assert failed.info.reason == "INTERNAL"
            assert failed.info.metadata["error_id"]
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert process.wait(TIMEOUT) == 1
        rest = process.stderr.read()
        assert "the engine's thread has ended by an error; the process ends" in rest
        assert "Traceback" not in rest


def test_a_crash_during_the_warm_up_ends_the_process_with_status_1():
    with serve_engine(NONSENSE, WORD="council") as process:
        assert process.wait(TIMEOUT) == 1
        rest = process.stderr.read()
        assert "the engine's thread has ended by an error; the process ends" in rest
        assert "Traceback" not in rest
