"""The bound on the text that the server holds, and its release at the end of a call."""

import gc
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_models.article import Article
from nutgraf_models.engines.base import GenerationRequest
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_service import checker
from nutgraf_service.admission import estimate_tokens
from support.articles import ARTICLE, OTHER
from support.failures import Failure, failure
from support.server import TIMEOUT, GatedEngine, Running, running_server, summarizer_with
from support.silent_proxy import SilentProxy, behind_silent_proxy
from support.waiting import wait_for, wait_until

BORN: list[weakref.ref[object]] = []
# Distinguishes this test's articles from those of others.
MARKED = "The lighthouse of Quarn was painted on Friday. " + ARTICLE
REQUEST = pb.SummarizeRequest(text=MARKED)
CHECK = pb.CheckSummaryRequest(text=MARKED, summary="The lighthouse was painted.")


def item(text: str, **more: object) -> pb.SummarizeManyRequest:
    return pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=text), **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def born(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracks all articles and requests from now on. `gc.get_objects` would disturb other threads."""
    BORN.clear()
    for kind in (Article, GenerationRequest):
        initialise = kind.__init__

        def tracked(self: object, *args: object, initialise: Callable[..., None] = initialise, **more: object) -> None:
            initialise(self, *args, **more)
            BORN.append(weakref.ref(self))

        monkeypatch.setattr(kind, "__init__", tracked)


def living(kind: type) -> list[Any]:
    return [one for reference in list(BORN) if type(one := reference()) is kind]


def held_texts() -> list[str]:
    """The marked texts in living articles and engine requests."""
    gc.collect()
    texts = [*(one.text for one in living(Article)), *(one.article for one in living(GenerationRequest))]
    return [text for text in texts if "Quarn" in text]


@pytest.fixture
def gated() -> Iterator[tuple[Running, GatedEngine]]:
    """A server that may hold two and a half times the bytes of `REQUEST`."""
    engine = GatedEngine()
    max_bytes = int(2.5 * REQUEST.ByteSize())
    with running_server(lambda: summarizer_with(engine), max_held_bytes=max_bytes) as running:
        yield running, engine


def test_single_calls_and_checks_share_the_bound(gated):
    running, engine = gated
    with running.stub() as stub:
        limits = stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT).limits
        assert limits.max_held_bytes == int(2.5 * REQUEST.ByteSize())
        calls = [stub.Summarize.future(REQUEST, timeout=TIMEOUT) for _ in range(2)]
        wait_until(lambda: running.metric("nutgraf_held_bytes") == 2 * REQUEST.ByteSize())
        for call in (partial(stub.Summarize, REQUEST), partial(stub.CheckSummary, CHECK)):
            refused = failure(partial(call, timeout=TIMEOUT))
            assert (refused.info.reason, refused.retry_after) == ("QUEUE_FULL", 1.0)
            assert "bytes" in refused.message
        engine.open()
        assert all(call.result().summaries for call in calls)
        assert stub.CheckSummary(CHECK, timeout=TIMEOUT).sentences
        assert stub.Summarize(REQUEST, timeout=TIMEOUT).summaries
        assert running.metric("nutgraf_held_bytes") == 0


def test_a_text_beyond_the_bound_is_accepted_by_an_idle_server():
    with running_server(max_held_bytes=1) as running, running.stub() as stub:
        assert stub.Summarize(REQUEST, timeout=TIMEOUT).summaries
        (answer,) = stub.SummarizeMany(iter([item(MARKED)]), timeout=TIMEOUT)
        assert answer.response.summaries


def test_characters_of_several_bytes_count_as_more(gated):
    running, _ = gated
    chinese = "灯塔在星期五重新粉刷。" * (len(MARKED) // 11)
    with running.stub() as stub:
        call = stub.Summarize.future(REQUEST, timeout=TIMEOUT)
        wait_until(lambda: running.metric("nutgraf_held_bytes") > 0)
        refused = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=chinese), timeout=TIMEOUT))
        assert refused.info.reason == "QUEUE_FULL"
        call.cancel()
    assert estimate_tokens(chinese) > 4 * estimate_tokens("a" * len(chinese))


def test_chinese_articles_fill_the_queue_by_their_tokens():
    engine = GatedEngine()
    text = "灯塔在星期五重新粉刷。" * 50
    # At four characters per token, both would fit.
    with (
        running_server(lambda: summarizer_with(engine), max_queued_tokens=len(text)) as running,
        running.stub() as stub,
    ):
        call = stub.Summarize.future(pb.SummarizeRequest(text=text), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        refused = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT))
        assert "tokens" in refused.message
        call.cancel()


class Counting(LeadEngine):
    """Records the maximum number of living articles; its steps wait while `go_on` is cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.max_articles = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def step(self):  # type: ignore[no-untyped-def]
        assert self.go_on.wait(TIMEOUT)
        self.max_articles = max(self.max_articles, len(living(Article)))
        return super().step()


def test_many_streams_share_the_bound():
    streams, items, engine = 24, 4, Counting()
    text = (MARKED + " ") * 20
    max_bytes = 16 * len(text.encode())
    answers: list[pb.SummarizeManyResponse] = []

    def stream(stub: SummarizerServiceStub) -> None:
        answers.extend(stub.SummarizeMany((item(text) for _ in range(items)), timeout=TIMEOUT))

    with running_server(
        lambda: summarizer_with(engine), max_held_bytes=max_bytes, max_stream_items=items, max_queued_requests=1000
    ) as running:
        engine.go_on.clear()
        with running.stub() as stub:
            threads = [threading.Thread(target=stream, args=(stub,)) for _ in range(streams)]
            for thread in threads:
                thread.start()
            # Streams may use half of it, and stop reading at a quarter.
            wait_until(lambda: running.metric("nutgraf_held_bytes") > max_bytes / 4)
            with running.stub() as other:
                single = other.Summarize.future(REQUEST, timeout=TIMEOUT)
                wait_until(lambda: running.metric("nutgraf_running_requests") > 0)
                engine.go_on.set()
                assert single.result().summaries
            for thread in threads:
                thread.join(TIMEOUT)
        assert running.metric("nutgraf_held_bytes") == 0
    assert len(answers) == streams * items
    assert any(answer.HasField("response") for answer in answers)
    assert {Failure(one.error).info.reason for one in answers if one.HasField("error")} <= {"QUEUE_FULL"}
    # Eight of the streams, one of the single call, the warm-up's, and those just answered.
    assert engine.max_articles <= 8 + 1 + 1 + 2


def test_the_number_of_calls_with_articles_is_bounded():
    over = threading.Event()

    def nothing_yet():
        over.wait(TIMEOUT)
        yield from ()

    with running_server(max_calls=2) as running, running.stub() as stub:
        streams = [stub.SummarizeMany(nothing_yet(), timeout=TIMEOUT) for _ in range(2)]
        for stream in streams:
            stream.initial_metadata()
        for call in (
            lambda: stub.Summarize(REQUEST, timeout=TIMEOUT),
            lambda: stub.CheckSummary(CHECK, timeout=TIMEOUT),
            lambda: list(stub.SummarizeMany(iter(()), timeout=TIMEOUT)),
        ):
            refused = failure(call)
            assert (refused.info.reason, refused.retry_after) == ("QUEUE_FULL", 1.0)
        # GetServerInfo has no article, so it is answered.
        assert stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT).limits.max_calls == 2
        over.set()
        assert [list(stream) for stream in streams] == [[], []]
        assert stub.Summarize(REQUEST, timeout=TIMEOUT).summaries


def end_well(engine: GatedEngine, calls: list[grpc.Future], proxy: SilentProxy) -> None:
    engine.open()


def fail(engine: GatedEngine, calls: list[grpc.Future], proxy: SilentProxy) -> None:
    engine.fail_next = RuntimeError("broken")
    engine.open()


def cancel(engine: GatedEngine, calls: list[grpc.Future], proxy: SilentProxy) -> None:
    for call in calls:
        call.cancel()


def vanish(engine: GatedEngine, calls: list[grpc.Future], proxy: SilentProxy) -> None:
    proxy.fall_silent()


def run_out_of_time(engine: GatedEngine, calls: list[grpc.Future], proxy: SilentProxy) -> None:
    """Nothing to do: the calls have short deadlines."""


@pytest.mark.parametrize("method", ["Summarize", "SummarizeMany", "CheckSummary"])
@pytest.mark.parametrize("end", [end_well, fail, cancel, vanish, run_out_of_time], ids=lambda one: one.__name__)
def test_text_is_released_however_a_call_ends(method, end, monkeypatch):
    engine, go_on, over = GatedEngine(), threading.Event(), threading.Event()
    # Long enough that a busy machine has looked at what is held before the deadline passes.
    timeout = 5.0 if end is run_out_of_time else None

    def check_later(*arguments: object, between_steps: Callable[[], None], **more: object) -> object:
        while not go_on.wait(0.02):
            between_steps()
            if engine._is_open:
                go_on.set()
        if engine.fail_next is not None:
            raise RuntimeError("broken")
        return check(*arguments, between_steps=between_steps, **more)

    check = checker.check_summary
    monkeypatch.setattr(checker, "check_summary", check_later)
    # pytest keeps log records, and with them the frames of errors.
    monkeypatch.setattr(logging.getLogger("grpc._cython.cygrpc"), "disabled", True)

    def items() -> Iterator[pb.SummarizeManyRequest]:
        wait = {} if timeout is None else {"item_timeout": duration_pb2.Duration(seconds=int(timeout))}
        for _ in range(3):
            yield item(MARKED, **wait)
        over.wait(TIMEOUT)

    with behind_silent_proxy(engine) as (running, proxy, stub):
        calls: list[grpc.Future] = []
        if method == "SummarizeMany":
            calls.append(stub.SummarizeMany(items()))
        elif method == "Summarize":
            calls += [stub.Summarize.future(REQUEST, timeout=timeout) for _ in range(3)]
        else:
            calls += [stub.CheckSummary.future(CHECK, timeout=timeout) for _ in range(3)]
        wait_until(lambda: running.metric("nutgraf_held_bytes") >= 3 * REQUEST.ByteSize())
        assert held_texts()
        end(engine, calls, proxy)
        # This includes queued requests, although those before them have not moved.
        wait_until(lambda: running.metric("nutgraf_held_bytes") == 0)
        with running.stub() as other:
            # grpc.aio keeps the last call, and its error, until the next call.
            other.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
        wait_for([], held_texts)
        engine.fail_next = None
        go_on.set()
        engine.open()
        with running.stub() as other:
            assert other.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
        for call in calls:
            call.cancel()
        over.set()


def test_cancelled_requests_leave_the_queue_while_the_engine_is_busy(gated):
    running, engine = gated
    engine.shut()
    with running.stub() as stub:
        before = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        for _ in range(20):
            waiting = stub.Summarize.future(REQUEST, timeout=TIMEOUT)
            wait_until(lambda: running.metric("nutgraf_queued_requests") == 1)
            waiting.cancel()
            wait_until(lambda: running.metric("nutgraf_held_bytes") < REQUEST.ByteSize())
            wait_until(lambda: running.metric("nutgraf_queued_requests") == 0)
        wait_for([], held_texts)
        assert not before.done()
        engine.open()
        assert before.result().summaries
