"""Articles beyond the model's window, over a real channel: chunks, fairness, and cancellation."""

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


def test_the_longest_accepted_article_is_read_completely_with_exact_evidence():
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


def test_other_articles_run_between_the_chunks_of_a_long_one():
    engine = GatedEngine(WINDOW)
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        long = stub.Summarize.future(pb.SummarizeRequest(text=LONG_ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        other = stub.Summarize.future(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT)
        scheduler = running.server.core._scheduler
        # The long article has one chunk in the engine and none in the queue, so the queued request is the other's.
        engine.wait_until(lambda _: scheduler.queued == 1)
        engine.allow(2)
        assert other.result().article.chunk_count == 1
        assert not long.done()
        assert len(engine.submitted) < CHUNKS
        engine.allow(2 * CHUNKS)
        assert long.result().article.chunk_count == CHUNKS


def test_cancelling_a_long_article_frees_the_engine():
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


def test_two_concurrent_long_articles_are_answered():
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


@pytest.mark.parametrize("timeout", [None, 4])  # even a busy machine begins all chunks in this time
def test_a_failed_chunk_or_a_deadline_ends_the_call_and_frees_the_engine(timeout):
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


def test_a_failed_chunk_cancels_the_others():
    class FailingOnce(GatedEngine):
        parallel_requests = 4

        def step(self):
            if len(self.submitted) < 5 or self.fail_next is None:
                return super().step()
            # One of four chunks, while the others are running.
            error, self.fail_next = self.fail_next, None
            handle = next(iter(self._waiting))
            del self._waiting[handle]
            return [Completion(handle, error=error)]

    engine = FailingOnce(WINDOW)
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        engine.fail_next = RuntimeError("no more memory")
        with pytest.raises(grpc.RpcError) as caught:
            # The deadline is far off, so it does not end them.
            stub.Summarize(pb.SummarizeRequest(text=LONG_ARTICLE), timeout=10 * TIMEOUT)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        engine.wait_until(lambda one: len(one.cancelled) == 3)
        assert len(engine.submitted) == 5
