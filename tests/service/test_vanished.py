"""Callers that vanish without closing their connection, as after a power failure."""

import threading

import pytest

from nutgraf.v1 import summarizer_pb2 as pb
from support.articles import ARTICLE, OTHER
from support.server import TIMEOUT, GatedEngine
from support.silent_proxy import behind_silent_proxy


@pytest.mark.parametrize("method", ["Summarize", "SummarizeMany"])
def test_a_vanished_callers_request_is_cancelled(method):
    engine, ended = GatedEngine(), threading.Event()

    def items():
        yield pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=ARTICLE))
        ended.wait(TIMEOUT)

    with behind_silent_proxy(engine) as (running, proxy, stub):
        # Neither call has a deadline.
        if method == "Summarize":
            call = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE))
        else:
            call = stub.SummarizeMany(items())
        engine.wait_until(lambda one: len(one.submitted) == 2)
        proxy.fall_silent()
        engine.wait_until(lambda one: one.cancelled)
        engine.open()
        with running.stub() as other:
            assert other.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
        call.cancel()
        ended.set()
