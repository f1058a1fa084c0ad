"""Equal requests, repeated or concurrent: shared runs, and the cache of answers."""

import asyncio
import gc
from functools import partial
from types import FunctionType, ModuleType

import grpc
import pytest
from google.protobuf import duration_pb2

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_models.article import Article
from nutgraf_models.lengths import DEFAULT_SPECS
from nutgraf_models.loading import load_summarizer
from nutgraf_models.results import ArticleSummary
from nutgraf_service.settings import Settings
from nutgraf_service.sharing import Cache, Outcome, Sharing
from nutgraf_service.waiting import Priority
from support.articles import ARTICLE, OTHER
from support.failures import Failure, failure
from support.server import TIMEOUT, GatedEngine, Running, SmallWindow, running_server, summarizer_with

CACHE = Settings.model_fields["cache_bytes"].default
REQUEST = pb.SummarizeRequest(text=ARTICLE)
SHORT, LONG = pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT), pb.SummarySpec(length=pb.SUMMARY_LENGTH_LONG)
# Long enough for an article to reach the engine on a busy machine.
SHORT_TIME = duration_pb2.Duration(seconds=3)
THIRD = f"A ferry ran aground off Tarn on Sunday with forty passengers, who were taken off unhurt. {ARTICLE}"


def sharing_server(engine: object, **settings: object):
    return running_server(lambda: summarizer_with(engine), **{"cache_bytes": CACHE, **settings})


def call(stub: SummarizerServiceStub, request: pb.SummarizeRequest = REQUEST, timeout: float = TIMEOUT):
    return stub.Summarize.future(request, timeout=timeout)


def item(name: str, text: str, **more: object) -> pb.SummarizeManyRequest:
    return pb.SummarizeManyRequest(id=name, request=pb.SummarizeRequest(text=text), **more)  # type: ignore[arg-type]


def answers(running: Running, origin: str) -> float:
    return running.server.metrics.registry.get_sample_value("nutgraf_answers_total", {"origin": origin}) or 0


def until_waiting(running: Running, engine: GatedEngine, count: int) -> None:
    """Waits until `count` callers wait for runs."""
    runs = running.server.core._sharing._runs
    engine.wait_until(lambda _: sum(run.waiting for run in list(runs.values())) == count)


def content(response: pb.SummarizeResponse) -> bytes:
    """An answer without its origin and timings."""
    copy = pb.SummarizeResponse()
    copy.CopyFrom(response)
    copy.ClearField("origin")
    copy.ClearField("timings")
    return copy.SerializeToString(deterministic=True)


def test_concurrent_equal_requests_share_a_run_and_repeated_ones_use_the_cache():
    engine = GatedEngine()
    with sharing_server(engine) as running, running.stub() as stub:
        calls = [call(stub) for _ in range(5)]
        stream = stub.SummarizeMany(iter([item("a", ARTICLE), item("b", ARTICLE)]), timeout=TIMEOUT)
        until_waiting(running, engine, 7)
        # They take one slot, so nothing is queued.
        assert running.metric("nutgraf_queued_requests") == 0
        engine.open()
        shared = [one.result() for one in calls]
        items = list(stream)
        assert {one.id for one in items} == {"a", "b"}
        shared += [one.response for one in items]
        again, id_of_again = stub.Summarize.with_call(REQUEST, metadata=[("x-request-id", "mine")], timeout=TIMEOUT)
        assert dict(id_of_again.initial_metadata())["x-request-id"] == "mine"
        assert len(engine.submitted) == 2  # including the warm-up
        assert (answers(running, "run"), answers(running, "shared_run"), answers(running, "cache")) == (1, 6, 1)
        assert running.metric("nutgraf_articles_total") == 1
    assert sorted(one.origin for one in shared) == [pb.ORIGIN_RUN, *[pb.ORIGIN_SHARED_RUN] * 6]
    assert again.origin == pb.ORIGIN_CACHE
    assert len({content(one) for one in [*shared, again]}) == 1
    for one in [*shared, again]:
        times = {field.name: value.ToNanoseconds() for field, value in one.timings.ListFields()}
        work = times["tokenize_duration"] + times["generate_duration"] + times["check_duration"]
        assert (work > 0) == (one.origin == pb.ORIGIN_RUN)
        assert times["total_duration"] >= times["queue_duration"]
        if one.origin == pb.ORIGIN_SHARED_RUN:
            assert times["queue_duration"] == times["total_duration"]
    assert again.timings.queue_duration.ToNanoseconds() == 0


def test_requests_that_differ_in_any_relevant_field_are_not_shared():
    engine = GatedEngine()
    different = [
        pb.SummarizeRequest(text=ARTICLE),
        pb.SummarizeRequest(text=ARTICLE + " "),
        pb.SummarizeRequest(text=ARTICLE, title="Port reopens"),
        pb.SummarizeRequest(text=ARTICLE, title="Port Reopens"),
        pb.SummarizeRequest(text=ARTICLE, show_doubted=True),
        pb.SummarizeRequest(text=ARTICLE, summaries=[SHORT]),
        pb.SummarizeRequest(text=ARTICLE, summaries=[LONG]),
        pb.SummarizeRequest(text=ARTICLE, summaries=[LONG, SHORT]),
        pb.SummarizeRequest(text=ARTICLE, summaries=[pb.SummarySpec(length=pb.SUMMARY_LENGTH_LONG, max_words=30)]),
        pb.SummarizeRequest(text=ARTICLE, summaries=[pb.SummarySpec(length=pb.SUMMARY_LENGTH_LONG, max_sentences=2)]),
    ]
    with sharing_server(engine) as running, running.stub() as stub:
        calls = [call(stub, request) for request in different]
        until_waiting(running, engine, len(different))
        engine.open()
        assert {one.result().origin for one in calls} == {pb.ORIGIN_RUN}
        assert len(engine.submitted) == 1 + len(different)
        # Explicit defaults equal omitted fields.
        said = pb.SummarizeRequest(text=ARTICLE, summaries=[SHORT, LONG])
        assert stub.Summarize(said, timeout=TIMEOUT).origin == pb.ORIGIN_CACHE


def test_a_shared_run_ends_when_its_last_caller_cancels():
    engine = GatedEngine()
    with sharing_server(engine) as running, running.stub() as stub:
        first = call(stub)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        second = call(stub)
        until_waiting(running, engine, 2)
        first.cancel()
        until_waiting(running, engine, 1)
        engine.allow()
        assert second.result().summaries
        assert engine.cancelled == []
        abandoned = [call(stub, pb.SummarizeRequest(text=OTHER)) for _ in range(3)]
        until_waiting(running, engine, 3)
        engine.wait_until(lambda one: len(one.submitted) == 3)
        for one in abandoned:
            one.cancel()
        engine.wait_until(lambda one: len(one.cancelled) == 1)
        # A later request starts a new run.
        engine.open()
        assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).origin == pb.ORIGIN_RUN
        assert len(engine.submitted) == 4


def test_callers_of_a_shared_run_keep_their_own_deadlines():
    engine = GatedEngine()
    with sharing_server(engine) as running, running.stub() as stub:
        hurried = stub.SummarizeMany(iter([item("hurried", ARTICLE, item_timeout=SHORT_TIME)]), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        patient = call(stub)
        until_waiting(running, engine, 2)
        (answer,) = hurried
        assert Failure(answer.error).info.reason == "DEADLINE_EXCEEDED"
        late = call(stub, timeout=0.2)
        with pytest.raises(grpc.RpcError) as caught:
            late.result()
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        engine.open()
        assert patient.result().summaries
        assert engine.cancelled == []
        assert len(engine.submitted) == 2


def test_a_run_ends_when_all_deadlines_have_passed():
    engine = GatedEngine()
    with sharing_server(engine) as running, running.stub() as stub:
        items = [item(name, ARTICLE, item_timeout=SHORT_TIME) for name in "ab"]
        assert [one.WhichOneof("result") for one in stub.SummarizeMany(iter(items), timeout=TIMEOUT)] == ["error"] * 2
        engine.wait_until(lambda one: len(one.cancelled) == 1)


def test_an_error_reaches_all_callers_and_is_not_cached():
    engine = GatedEngine()
    with sharing_server(engine) as running, running.stub() as stub:
        calls = [call(stub) for _ in range(3)]
        until_waiting(running, engine, 3)
        engine.fail_next = RuntimeError("broken")
        engine.allow()
        failed = [failure(one.result) for one in calls]
        assert [one.info.reason for one in failed] == ["INTERNAL"] * 3
        engine.open()
        assert stub.Summarize(REQUEST, timeout=TIMEOUT).origin == pb.ORIGIN_RUN
        empty = pb.SummarizeRequest(text="<p> </p><script>var a;</script>")
        for _ in range(2):
            assert failure(partial(stub.Summarize, empty, timeout=TIMEOUT)).info.reason == "EMPTY_TEXT"


def test_a_unary_call_that_joins_a_stream_item_raises_its_priority():
    engine = GatedEngine()
    with sharing_server(engine) as running, running.stub() as stub:
        single = call(stub)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        queued = partial(running.metric, "nutgraf_queued_requests")

        def items():
            for number, text in enumerate((OTHER, THIRD)):
                engine.wait_until(lambda _, number=number: queued() == number)
                yield item(str(number), text)

        stream = stub.SummarizeMany(items(), timeout=TIMEOUT)
        engine.wait_until(lambda _: queued() == 2)
        # A unary call waits for the last item of the stream.
        joined = call(stub, pb.SummarizeRequest(text=THIRD))
        until_waiting(running, engine, 4)
        engine.open()
        assert joined.result().origin == pb.ORIGIN_SHARED_RUN
        assert single.result().summaries
        assert len(list(stream)) == 2
    assert [text[:8] for text in engine.submitted[2:]] == [THIRD[:8], OTHER[:8]]


def test_a_cached_answer_needs_no_room_in_the_queue():
    engine = GatedEngine()
    with sharing_server(engine, max_queued_requests=0) as running, running.stub() as stub:
        first = call(stub)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        refused = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT))
        assert refused.info.reason == "QUEUE_FULL"
        joined = call(stub)
        until_waiting(running, engine, 2)
        engine.allow()
        assert (first.result().origin, joined.result().origin) == (pb.ORIGIN_RUN, pb.ORIGIN_SHARED_RUN)
        busy = call(stub, pb.SummarizeRequest(text=OTHER))
        engine.wait_until(lambda one: len(one.submitted) == 3)
        assert stub.Summarize(REQUEST, timeout=TIMEOUT).origin == pb.ORIGIN_CACHE
        engine.open()
        assert busy.result().summaries


@pytest.mark.parametrize(
    ("settings", "origin"), [({"cache_bytes": 0}, pb.ORIGIN_RUN), ({"cache_seconds": 0}, pb.ORIGIN_SHARED_RUN)]
)
def test_without_bytes_nothing_is_shared_and_without_seconds_only_running_requests(settings, origin):
    engine = GatedEngine()
    with sharing_server(engine, **settings) as running, running.stub() as stub:
        calls = [call(stub), call(stub)]
        until_waiting(running, engine, 2)
        engine.open()
        assert {one.result().origin for one in calls} == {pb.ORIGIN_RUN, origin}
        assert stub.Summarize(REQUEST, timeout=TIMEOUT).origin == pb.ORIGIN_RUN


def test_answers_to_long_articles_are_shared():
    request = pb.SummarizeRequest(text=f"{ARTICLE} {OTHER}")
    with sharing_server(SmallWindow(80)) as running, running.stub() as stub:
        first, again = (stub.Summarize(request, timeout=TIMEOUT) for _ in range(2))
    assert first.article.chunk_count > 1
    assert (first.origin, again.origin) == (pb.ORIGIN_RUN, pb.ORIGIN_CACHE)
    assert content(first) == content(again)


def test_a_draining_server_refuses_requests_with_cached_answers():
    with sharing_server(GatedEngine()) as running, running.stub() as stub:
        engine = running.server.core.summarizer.engine
        engine.open()
        stub.Summarize(REQUEST, timeout=TIMEOUT)
        engine.shut()
        last = call(stub, pb.SummarizeRequest(text=OTHER))
        engine.wait_until(lambda one: len(one.submitted) == 3)
        running.server.core.drain()
        assert failure(lambda: stub.Summarize(REQUEST, timeout=TIMEOUT)).info.reason == "DRAINING"
        engine.open()
        assert last.result().summaries


def summary_of(text: str) -> ArticleSummary:
    return load_summarizer("lead").summarize(Article(text))


def test_the_cache_drops_the_oldest_when_it_is_full():
    summary = summary_of(ARTICLE)
    one = Cache(max_bytes=10**6, max_seconds=60)
    one.put(b"a", summary)
    size = one._bytes
    cache = Cache(max_bytes=2 * size, max_seconds=60)
    for key in (b"a", b"b", b"b", b"c"):
        cache.put(key, summary)
    assert [cache.get(key) == summary for key in (b"a", b"b", b"c")] == [False, True, True]
    assert cache._bytes == 2 * size
    tiny = Cache(max_bytes=size - 1, max_seconds=60)
    tiny.put(b"a", summary)
    assert (tiny.get(b"a"), tiny._bytes) == (None, 0)


def test_the_cache_drops_expired_answers():
    now = 100.0
    cache = Cache(max_bytes=10**6, max_seconds=60, clock=lambda: now)
    cache.put(b"a", summary_of(ARTICLE))
    now += 30
    cache.put(b"b", summary_of(OTHER))
    now += 29
    assert cache.get(b"a")
    now += 1
    assert cache.get(b"a") is None
    assert cache.get(b"b")
    now += 30
    cache.get(b"c")
    assert cache._bytes == len(cache._kept) == 0


def reachable(start: object) -> list[object]:
    """All objects reachable from `start`, except through modules, classes and globals."""
    seen: dict[int, object] = {}
    left = [start]
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, ModuleType | type):
            continue
        seen[id(one)] = one
        left += [one.__closure__, one.__defaults__] if isinstance(one, FunctionType) else gc.get_referents(one)
    return list(seen.values())


def test_the_cache_keeps_no_article():
    canary = "Quillfeather"
    text = f"{ARTICLE} In the end, {canary} of Tarn mended the crane and {canary} went home to rest."
    with sharing_server(GatedEngine()) as running, running.stub() as stub:
        running.server.core.summarizer.engine.open()
        request = pb.SummarizeRequest(text=text, title=f"{canary} at the port")
        response = stub.Summarize(request, timeout=TIMEOUT)
        assert canary not in str(response)
        assert stub.Summarize(request, timeout=TIMEOUT).origin == pb.ORIGIN_CACHE
        kept = reachable(running.server.core._sharing)
    assert any(response.summaries[0].text.encode() in one for one in kept if isinstance(one, bytes))
    for one in kept:
        assert canary.encode() not in one if isinstance(one, bytes) else canary not in repr(one)


def test_keys_of_different_processes_differ():
    cache = Cache(max_bytes=CACHE, max_seconds=60)
    one, other = Sharing(cache), Sharing(cache)
    asked = ("lead", Article(ARTICLE), DEFAULT_SPECS)
    assert one.key(*asked) == one.key("lead", Article(ARTICLE), DEFAULT_SPECS)
    assert one.key(*asked) != other.key(*asked)
    assert one.key(*asked) != one.key("other", Article(ARTICLE), DEFAULT_SPECS)
    assert one.key(Article("a", "b")) != one.key(Article("a', title='b"))


async def test_no_order_of_arrivals_and_cancellations_leaks_a_slot():
    """Cancelled before the first step or later, alone or not: the slot is released, and the others are answered."""
    summary = summary_of(ARTICLE)
    places = 0

    class Place:
        async def __aenter__(self) -> None:
            nonlocal places
            places += 1

        async def __aexit__(self, *_: object) -> None:
            nonlocal places
            places -= 1

    for patience in range(8):
        for when in range(8):
            sharing = Sharing(Cache(max_bytes=CACHE, max_seconds=0))

            async def run(priority: Priority, steps: int = patience) -> Outcome:
                for _ in range(steps):
                    await asyncio.sleep(0)
                return Outcome(summary, 0.0, 0.0, 0.0)

            ask = partial(sharing.answer, b"key", Place, run, deadline=None, is_stream=False)
            first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
            for _ in range(when):
                await asyncio.sleep(0)
            first.cancel()
            assert (await second).summary.summaries == summary.summaries
            await asyncio.gather(first, return_exceptions=True)
            lone = asyncio.create_task(ask())
            for _ in range(when):
                await asyncio.sleep(0)
            lone.cancel()
            late = asyncio.create_task(ask())
            assert (await late).summary.summaries == summary.summaries
            await asyncio.gather(lone, return_exceptions=True)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert (places, sharing._runs) == (0, {})


def test_checks_are_not_cached():
    with running_server(cache_bytes=CACHE) as running, running.stub() as stub:
        request = pb.CheckSummaryRequest(text=ARTICLE, summary="The crane was sold to Harlow.")
        for _ in range(2):
            assert stub.CheckSummary(request, timeout=TIMEOUT).timings.check_duration.ToNanoseconds() > 0
        assert running.metric("nutgraf_checked_sentences_total") == 2
        assert running.metric("nutgraf_answers_total") == 0
