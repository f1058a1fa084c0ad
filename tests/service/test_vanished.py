"""Callers who vanish without a word, as by a cut cable or a machine that lost its power."""

import threading

import pytest

from nutgraf.v1 import summarizer_pb2 as pb
from support.articles import ARTICLE, OTHER
from support.server import TIMEOUT, GatedEngine
from support.silent_proxy import behind_silent_proxy


@pytest.mark.parametrize("method", ["Summarize", "SummarizeMany"])
def test_a_caller_who_vanishes_does_not_keep_its_place(method):
    engine, over = GatedEngine(), threading.Event()

    def items():
        yield pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=ARTICLE))
        over.wait(TIMEOUT)

    with behind_silent_proxy(engine) as (running, proxy, stub):
        # Neither has a deadline.
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
        over.set()
