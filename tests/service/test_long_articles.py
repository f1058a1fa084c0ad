"""Articles over the model's window on a real channel: read whole, in turns with others, and given up as one."""

import grpc
import pytest

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_models.engines.base import Completion
from support.articles import OTHER
from support.long_articles import long_article
from support.server import TIMEOUT, GatedEngine, SmallWindow, running_server, summarizer_with

WINDOW = 1000
LONG_ARTICLE = long_article(5000)
CHUNKS = 11


def test_the_longest_article_that_is_taken_is_read_whole_and_its_evidence_is_to_the_character():
    text = long_article(40_000)[:190_000]
    assert len(text) == 190_000
    load = lambda: summarizer_with(SmallWindow(WINDOW, parallel_requests=4))  # noqa: E731
    with running_server(load) as running, running.stub() as stub:
        info = stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
        response = stub.Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT)
    assert info.limits.max_input_tokens == WINDOW
    assert response.article.input_token_count == len(text.split())
    assert response.article.chunk_count > len(text.split()) / WINDOW
    assert not response.warnings
    assert response.timings.total_duration.ToTimedelta() >= response.timings.generate_duration.ToTimedelta()
    for summary in response.summaries:
        for sentence in summary.sentences:
            best = sentence.evidence[0]
            said = summary.text[sentence.span.start : sentence.span.end]
            assert text[best.span.start : best.span.end] == said


def test_others_take_their_turns_between_the_chunks_of_a_long_article():
    engine = GatedEngine(WINDOW)
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        long = stub.Summarize.future(pb.SummarizeRequest(text=LONG_ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        other = stub.Summarize.future(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT)
        scheduler = running.server.core._scheduler
        # The long one has a single chunk in the engine and none in the queue, so what waits is the other.
        engine.wait_until(lambda _: scheduler.queued == 1)
        engine.allow(2)
        assert other.result().article.chunk_count == 1
        assert not long.done()
        assert len(engine.submitted) < CHUNKS
        engine.allow(2 * CHUNKS)
        assert long.result().article.chunk_count == CHUNKS


def test_a_long_article_that_is_cancelled_half_way_frees_the_engine():
    engine = GatedEngine(WINDOW)
    engine.parallel_requests = 4
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        long = stub.Summarize.future(pb.SummarizeRequest(text=LONG_ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 5)
        engine.allow(2)
        engine.wait_until(lambda one: len(one.submitted) == 7)
        long.cancel()
        engine.wait_until(lambda one: len(one.cancelled) == 4)
        engine.allow(10)
        assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
        # The warm-up, six chunks, and the other article.
        assert len(engine.submitted) == 8


def test_two_long_articles_at_once_are_both_answered():
    with (
        running_server(lambda: summarizer_with(SmallWindow(WINDOW, parallel_requests=4))) as running,
        running.stub() as stub,
    ):
        texts = [LONG_ARTICLE, long_article(5000, seed=1)]
        calls = [stub.Summarize.future(pb.SummarizeRequest(text=text), timeout=TIMEOUT) for text in texts]
        for call, text in zip(calls, texts, strict=True):
            response = call.result()
            assert response.article.chunk_count == CHUNKS
            assert response.article.input_token_count == len(text.split())


@pytest.mark.parametrize("timeout", [None, 4])  # long enough for a busy machine to begin all chunks
def test_a_chunk_that_fails_or_a_deadline_ends_the_call_and_leaves_nothing_behind(timeout):
    engine = GatedEngine(WINDOW)
    engine.parallel_requests = 4
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        long = stub.Summarize.future(pb.SummarizeRequest(text=LONG_ARTICLE), timeout=timeout or TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 5)
        if timeout is None:
            engine.fail_next = RuntimeError("no more memory")
            engine.allow()
        assert long.code() is (grpc.StatusCode.INTERNAL if timeout is None else grpc.StatusCode.DEADLINE_EXCEEDED)
        engine.wait_until(lambda one: len(one.cancelled) == 4)
        engine.allow(10)
        assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
        assert len(engine.submitted) == 6


def test_if_one_chunk_fails_the_others_stop_costing_anything():
    class FailingOnce(GatedEngine):
        parallel_requests = 4

        def step(self):
            if len(self.submitted) < 5 or self.fail_next is None:
                return super().step()
            # One of the four, and the others are still at it.
            error, self.fail_next = self.fail_next, None
            handle = next(iter(self._waiting))
            del self._waiting[handle]
            return [Completion(handle, error=error)]

    engine = FailingOnce(WINDOW)
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        engine.fail_next = RuntimeError("no more memory")
        with pytest.raises(grpc.RpcError) as caught:
            # The deadline is far off: it is not what ends them.
            stub.Summarize(pb.SummarizeRequest(text=LONG_ARTICLE), timeout=10 * TIMEOUT)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        engine.wait_until(lambda one: len(one.cancelled) == 3)
        assert len(engine.submitted) == 5
