"""Callers who vanish without a word, as by a cut cable or a machine that lost its power."""

import threading

import grpc
import pytest

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from support.articles import ARTICLE, OTHER
from support.server import TIMEOUT, GatedEngine, running_server, summarizer_with
from support.silent_proxy import silent_proxy


@pytest.mark.parametrize("method", ["Summarize", "SummarizeMany"])
def test_a_caller_who_vanishes_does_not_keep_its_place(method):
    engine, over = GatedEngine(), threading.Event()

    def items():
        yield pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=ARTICLE))
        over.wait(TIMEOUT)

    with (
        running_server(lambda: summarizer_with(engine), keepalive=1.0, drain_grace=0.0) as running,
        silent_proxy(running.address) as proxy,
        grpc.insecure_channel(proxy.address) as channel,
    ):
        stub = SummarizerServiceStub(channel)
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
