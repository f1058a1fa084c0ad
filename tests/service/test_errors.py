"""All rows of the error table that callers can cause, over a real channel."""

import threading
from pathlib import Path

import grpc
import pytest
from google.protobuf import duration_pb2
from grpc_status import rpc_status

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_models.loading import load_summarizer
from nutgraf_service.errors import CODES
from support.articles import ARTICLE, OTHER
from support.failures import Failure, as_done, failure
from support.server import TIMEOUT, GatedEngine, running_server, summarizer_with


def spec(length=pb.SUMMARY_LENGTH_SHORT, **caps) -> pb.SummarySpec:
    return pb.SummarySpec(length=length, **caps)


@pytest.mark.parametrize(
    ("reason", "field", "request_"),
    [
        ("EMPTY_TEXT", "text", pb.SummarizeRequest()),
        ("EMPTY_TEXT", "text", pb.SummarizeRequest(text=" \t\r\n\u00a0\u2003 ")),
        ("EMPTY_TEXT", "text", pb.SummarizeRequest(text="\0\0\0")),
        ("EMPTY_TEXT", "text", pb.SummarizeRequest(text="<p> </p><script>var a;</script>")),
        ("EMPTY_TEXT", "text", pb.SummarizeRequest(text="\u200b\ufeff \u00ad\u202e\u200d")),
        ("EMPTY_TEXT", "text", pb.SummarizeRequest(text="<p>&nbsp;&shy;&#8203;</p>&amp;zwj;")),
        ("TITLE_TOO_LONG", "title", pb.SummarizeRequest(text=ARTICLE, title="x" * 1001)),
        ("UNKNOWN_LENGTH", "summaries[0].length", pb.SummarizeRequest(text=ARTICLE, summaries=[pb.SummarySpec()])),
        ("UNKNOWN_LENGTH", "summaries[1].length", pb.SummarizeRequest(text=ARTICLE, summaries=[spec(), spec(99)])),
        ("REPEATED_LENGTH", "summaries[1].length", pb.SummarizeRequest(text=ARTICLE, summaries=[spec(), spec()])),
        (
            "BAD_CAP",
            "summaries[0].max_sentences",
            pb.SummarizeRequest(text=ARTICLE, summaries=[spec(max_sentences=0)]),
        ),
        (
            "BAD_CAP",
            "summaries[0].max_sentences",
            pb.SummarizeRequest(text=ARTICLE, summaries=[spec(max_sentences=11)]),
        ),
        ("BAD_CAP", "summaries[0].max_words", pb.SummarizeRequest(text=ARTICLE, summaries=[spec(max_words=4)])),
        ("BAD_CAP", "summaries[0].max_words", pb.SummarizeRequest(text=ARTICLE, summaries=[spec(max_words=-1)])),
    ],
)
def test_a_bad_request_is_refused_by_reason_and_field(server, reason, field, request_):
    with server.stub() as stub:
        failed = failure(lambda: stub.Summarize(request_, timeout=TIMEOUT))
    assert (failed.info.reason, failed.field) == (reason, field)
    assert "Marlow" not in failed.message


def test_a_text_over_the_limit_is_refused_with_limit_and_size(server):
    with server.stub() as stub:
        failed = failure(lambda: stub.Summarize(pb.SummarizeRequest(text="word " * 60_000), timeout=TIMEOUT))
    assert failed.info.reason == "TEXT_TOO_LONG"
    assert dict(failed.info.metadata) == {"limit": "200000", "size": "300000"}
    assert failed.field == "text"
    assert "200000" in failed.message


def test_a_text_at_the_limit_is_answered(server):
    text = ("A line of news that says little. " * 6100)[:200_000]
    with server.stub() as stub:
        assert stub.Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT).article.character_count == 200_000


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff", b"\x0a\x04\xff\xfe\xfd\xfc", b"\x0a\x7fshort"],
    ids=["no message", "no UTF-8", "cut short"],
)
def test_bytes_that_do_not_parse_are_an_invalid_argument(server, data):
    with grpc.insecure_channel(server.address) as channel:
        call = channel.unary_unary("/nutgraf.v1.SummarizerService/Summarize")
        failed = failure(lambda: call(data, timeout=TIMEOUT))
        assert failed.info.reason == "MALFORMED_MESSAGE"
        many = channel.stream_stream("/nutgraf.v1.SummarizerService/SummarizeMany")
        assert failure(lambda: list(many(iter([data]), timeout=TIMEOUT))).info.reason == "MALFORMED_MESSAGE"


def test_the_error_for_a_message_over_grpcs_limit_has_no_reason():
    with running_server(max_message_bytes=10_000) as running, running.stub() as stub:
        with pytest.raises(grpc.RpcError) as caught:
            stub.Summarize(pb.SummarizeRequest(text="x" * 20_000), timeout=TIMEOUT)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert rpc_status.from_call(caught.value) is None


def test_loading_is_unavailable_with_a_time_to_retry_and_info_answers():
    release = threading.Event()

    def load():
        assert release.wait(TIMEOUT)
        return load_summarizer("lead")

    with running_server(load, wait=False) as running, running.stub() as stub:
        try:
            failed = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT))
            assert failed.info.reason == "LOADING"
            assert failed.retry_after > 0
            many = stub.SummarizeMany(iter([pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=ARTICLE))]))
            assert failure(lambda: list(many)).info.reason == "LOADING"
            info = stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
            assert info.state == pb.SERVER_STATE_LOADING
            assert info.limits.max_text_characters == 200_000
        finally:
            release.set()
        running.loaded.wait(TIMEOUT)
        assert stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).model == "lead"
        info = stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
        assert (info.state, info.family, info.engine) == (pb.SERVER_STATE_SERVING, "lead", "lead")


def test_a_full_queue_refuses_at_once_with_a_time_to_retry():
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine), max_queued_requests=1) as running, running.stub() as stub:
        first = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)  # the warm-up and the first call
        second = stub.Summarize.future(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT)
        # The second call is queued; of the next two, the later one is refused.
        third = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        refused = next(one for one in as_done((second, third)) if one.exception() is not None)
        failed = Failure(rpc_status.from_call(refused))
        assert failed.info.reason == "QUEUE_FULL"
        assert failed.retry_after > 0
        engine.allow(10)
        waiting = second if refused is third else third
        assert first.result().summaries
        assert waiting.result().summaries


def test_the_queue_is_bounded_by_tokens_but_an_empty_one_accepts_any_article():
    engine = GatedEngine()
    long = "\n\n".join(f"{ARTICLE} This is part {number}." for number in range(5))
    with running_server(lambda: summarizer_with(engine), max_queued_tokens=300) as running, running.stub() as stub:
        first = stub.Summarize.future(pb.SummarizeRequest(text=long), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        failed = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT))
        assert failed.info.reason == "QUEUE_FULL"
        assert "300 tokens" in failed.message
        engine.open()
        assert first.result().summaries


def test_a_deadline_that_passes_while_running_frees_the_engine(gated):
    running, engine = gated
    with running.stub() as stub:
        with pytest.raises(grpc.RpcError) as caught:
            stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=0.3)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        engine.wait_until(lambda one: len(one.cancelled) == 1)
        # In a stream, the timeout is the item's, and the server reports it.
        item = pb.SummarizeManyRequest(
            id="a", request=pb.SummarizeRequest(text=ARTICLE), item_timeout=duration_pb2.Duration(nanos=200_000_000)
        )
        (answer,) = stub.SummarizeMany(iter([item]), timeout=TIMEOUT)
        assert Failure(answer.error).info.reason == "DEADLINE_EXCEEDED"


def test_a_request_whose_deadline_passes_in_the_queue_never_runs(gated):
    running, engine = gated
    with running.stub() as stub:
        first = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=0.3)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        # The caller may notice the deadline slightly before the server, but the server does so before the next call.
        stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
        engine.allow(5)
        assert first.result().summaries
        assert stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).summaries
        assert not any("bakery" in article for article in engine.submitted)


def test_an_unexpected_error_is_internal_with_an_id_that_is_logged(capfd):
    secret = "Velda Quorn"
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        engine.fail_next = RuntimeError(f"cannot cope with {secret}")
        engine.allow(10)
        failed = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=f"{ARTICLE} {secret}."), timeout=TIMEOUT))
        assert failed.info.reason == "INTERNAL"
        assert secret not in failed.message
        # The next call succeeds.
        assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
    output = "".join(capfd.readouterr())
    assert failed.info.metadata["error_id"] in output
    assert secret not in output


@pytest.mark.parametrize(
    ("reason", "field", "item"),
    [
        ("BAD_ID", "id", pb.SummarizeManyRequest(id="x" * 257, request=pb.SummarizeRequest(text=ARTICLE))),
        (
            "BAD_TIMEOUT",
            "item_timeout",
            pb.SummarizeManyRequest(
                request=pb.SummarizeRequest(text=ARTICLE), item_timeout=duration_pb2.Duration(seconds=-1)
            ),
        ),
        (
            "BAD_TIMEOUT",
            "item_timeout",
            pb.SummarizeManyRequest(
                request=pb.SummarizeRequest(text=ARTICLE), item_timeout=duration_pb2.Duration(seconds=86_400)
            ),
        ),
        ("EMPTY_TEXT", "text", pb.SummarizeManyRequest(id="no request")),
    ],
)
def test_a_bad_item_gets_an_error_and_the_stream_continues(server, reason, field, item):
    good = pb.SummarizeManyRequest(id="good", request=pb.SummarizeRequest(text=ARTICLE))
    with server.stub() as stub:
        answers = {answer.id: answer for answer in stub.SummarizeMany(iter([item, good]), timeout=TIMEOUT)}
    failed = Failure(answers[item.id].error)
    assert (failed.info.reason, failed.field) == (reason, field)
    assert answers["good"].response.summaries


def test_the_contract_lists_every_reason():
    text = (Path(__file__).parents[2] / "protos/nutgraf/v1/summarizer.proto").read_text(encoding="utf-8")
    assert [reason for reason in CODES if reason not in text] == []
