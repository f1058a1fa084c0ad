"""CheckSummary over a real channel, on both hosts: answers, errors, deadlines, and checks beside summaries."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import grpc
import pytest

from nutgraf import AsyncClient, Client, InvalidArticle, Verdict
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_models.loading import load_summarizer
from support.articles import ARTICLE, OTHER
from support.failures import as_done, failure
from support.server import TIMEOUT, Running, running_server, summarizer_with
from support.waiting import wait_until

TRUE = "Nobody was hurt, the harbour master said."
FALSE = "Tom Quayle sold the crane to Rundvik in March."


def request(summary: str = TRUE, text: str = ARTICLE, **fields: object) -> pb.CheckSummaryRequest:
    return pb.CheckSummaryRequest(text=text, summary=summary, **fields)


def said(response: pb.CheckSummaryResponse, summary: str) -> list[tuple[str, int]]:
    return [(summary[one.span.start : one.span.end], one.verdict) for one in response.sentences]


class HeldCounts(LeadEngine):
    """Blocks each check in the middle of its work until `let_go`. The warm-up passes."""

    def __init__(self) -> None:
        super().__init__()
        self.held = 0
        self._may_go_on = threading.Event()
        self._changed = threading.Condition()

    def count_tokens(self, texts):  # type: ignore[no-untyped-def]
        if threading.current_thread().name.startswith("nutgraf-check"):
            with self._changed:
                self.held += 1
                self._changed.notify_all()
            assert self._may_go_on.wait(TIMEOUT)
        return super().count_tokens(texts)

    def wait_until_held(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.held == count, TIMEOUT)

    def let_go(self) -> None:
        self._may_go_on.set()


@pytest.fixture
def held() -> Iterator[tuple[Running, HeldCounts]]:
    engine = HeldCounts()
    with running_server(lambda: summarizer_with(engine), max_queued_requests=1) as running:
        try:
            yield running, engine
        finally:
            engine.let_go()


def test_an_answer_has_every_field_of_the_contract(server):
    summary = f"Hello! {TRUE} {FALSE} What happens next?"
    with server.stub() as stub:
        info = stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
        response = stub.CheckSummary(request(summary, title="Port reopens"), timeout=TIMEOUT)
    assert said(response, summary) == [
        ("Hello!", pb.VERDICT_NO_CLAIM),
        (TRUE, pb.VERDICT_SUPPORTED),
        (FALSE, pb.VERDICT_DOUBTED),
        ("What happens next?", pb.VERDICT_NO_CLAIM),
    ]
    good, bad = response.sentences[1:3]
    assert bad.support < response.support_threshold <= good.support
    assert response.support_threshold == info.check_support_threshold
    assert (response.support, response.verdict) == (bad.support, pb.VERDICT_DOUBTED)
    assert [one.support for one in response.sentences[::3]] == [1.0, 1.0]
    # The evidence for the article's own words are these words, to the character.
    best = good.evidence[0]
    assert (ARTICLE[best.span.start : best.span.end], best.score) == (TRUE, 1.0)
    assert [(summary[one.span.start : one.span.end], one.kind) for one in response.unsupported_terms] == [
        ("Tom Quayle", pb.TERM_KIND_NAME)
    ]
    assert set(response.checks_run) == set(pb.CheckKind.values()) - {pb.CHECK_KIND_UNSPECIFIED}
    assert response.article.character_count == len(ARTICLE)
    assert response.article.input_token_count == len(ARTICLE.split())
    assert (response.article.chunk_count, response.article.language) == (1, "en")
    timings = response.timings
    assert timings.total_duration.ToNanoseconds() >= timings.check_duration.ToNanoseconds() > 0
    assert timings.tokenize_duration.ToNanoseconds() > 0
    assert timings.generate_duration.ToNanoseconds() == 0
    assert not response.warnings


def test_positions_are_code_points_of_the_texts_as_sent(server):
    text = ARTICLE.replace("\n\n", "\r\n\r\n").replace("The port", "👩‍🚀 The port")
    summary = "🎈 <b>Zoe\u0301 Quorn</b> wept.\r\n\r\n<p>Nobody was hurt,\r\nthe harbour master said.</p>"
    with server.stub() as stub:
        response = stub.CheckSummary(request(summary, text), timeout=TIMEOUT)
    assert said(response, summary) == [
        ("🎈 <b>Zoe\u0301 Quorn</b> wept.", pb.VERDICT_DOUBTED),
        ("Nobody was hurt,\r\nthe harbour master said.", pb.VERDICT_SUPPORTED),
    ]
    (term,) = response.unsupported_terms
    assert summary[term.span.start : term.span.end] == "Zoe\u0301 Quorn"
    best = response.sentences[-1].evidence[0].span
    assert text[best.start : best.end] == TRUE


def test_the_threshold_changes_the_verdicts_and_is_echoed(server):
    with server.stub() as stub:
        support = stub.CheckSummary(request(), timeout=TIMEOUT).support
        for threshold, verdict in ((0.0, pb.VERDICT_SUPPORTED), (0.5, pb.VERDICT_SUPPORTED), (1.0, pb.VERDICT_DOUBTED)):
            response = stub.CheckSummary(request(support_threshold=threshold), timeout=TIMEOUT)
            assert (response.support_threshold, response.support) == (threshold, support)
            assert response.verdict == response.sentences[0].verdict == verdict


def test_a_summary_without_a_claim_and_one_by_the_server(server):
    with server.stub() as stub:
        empty = stub.CheckSummary(request("Key points:\n\nRead more"), timeout=TIMEOUT)
        own = stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).summaries[1]
        checked = stub.CheckSummary(request(own.text), timeout=TIMEOUT)
    assert (empty.support, empty.verdict) == (1.0, pb.VERDICT_NO_CLAIM)
    # Statements of the article are supported, whoever wrote the summary; the estimates differ.
    for one, other in zip(checked.sentences, own.sentences, strict=True):
        assert (one.span, one.verdict) == (other.span, other.verdict)
        assert list(one.evidence) == list(other.evidence)
        assert checked.support_threshold <= one.support != other.support


def test_an_article_at_the_limit_is_read_to_its_end(server):
    ending = "Ida Fenn opened the new bridge over the river Tarn on Friday."
    text = ("A line of news that says little. " * 6100)[: 200_000 - len(ending) - 1] + "\n" + ending
    with server.stub() as stub:
        response = stub.CheckSummary(request(ending, text), timeout=TIMEOUT)
    assert response.article.character_count == len(text) == 200_000
    assert response.verdict == pb.VERDICT_SUPPORTED
    best = response.sentences[0].evidence[0].span
    assert text[best.start : best.end] == ending


def test_an_unusual_article_has_a_warning(server):
    german = "Die Brücke im Dorf wird neu gebaut, sagte der Bürgermeister am Montag. " * 10
    with server.stub() as stub:
        response = stub.CheckSummary(request("Die Brücke wird neu gebaut.", german), timeout=TIMEOUT)
        table = stub.CheckSummary(request("The total is 12.", "total;12;13\nrow;1;2\n" * 40), timeout=TIMEOUT)
    assert [one.code for one in response.warnings] == [pb.WARNING_CODE_LANGUAGE_NOT_SUPPORTED]
    assert pb.WARNING_CODE_NO_PROSE in [one.code for one in table.warnings]


@pytest.mark.parametrize(
    ("reason", "field", "request_"),
    [
        ("EMPTY_TEXT", "text", pb.CheckSummaryRequest()),
        ("EMPTY_TEXT", "text", request(text=" \r\n\u2003")),
        ("EMPTY_TEXT", "text", request(text="\0\0")),
        ("TITLE_TOO_LONG", "title", request(title="x" * 1001)),
        ("EMPTY_SUMMARY", "summary", request("")),
        ("EMPTY_SUMMARY", "summary", request(" \t\n\u00a0")),
        ("EMPTY_SUMMARY", "summary", request("<p> </p><script>var a;</script>")),
        ("BAD_THRESHOLD", "support_threshold", request(support_threshold=-0.01)),
        ("BAD_THRESHOLD", "support_threshold", request(support_threshold=1.01)),
        ("BAD_THRESHOLD", "support_threshold", request(support_threshold=float("nan"))),
        ("BAD_THRESHOLD", "support_threshold", request(support_threshold=float("inf"))),
    ],
)
def test_a_bad_request_is_refused_by_reason_and_field(server, reason, field, request_):
    with server.stub() as stub:
        failed = failure(lambda: stub.CheckSummary(request_, timeout=TIMEOUT))
    assert (failed.info.reason, failed.field) == (reason, field)
    assert "Marlow" not in failed.message
    assert "hurt" not in failed.message


@pytest.mark.parametrize(
    ("reason", "field", "limit", "request_"),
    [
        ("SUMMARY_TOO_LONG", "summary", "10000", request("x" * 10_001)),
        ("TEXT_TOO_LONG", "text", "200000", request(text="x" * 200_001)),
    ],
)
def test_a_text_over_its_limit_is_refused_with_limit_and_size(server, reason, field, limit, request_):
    with server.stub() as stub:
        failed = failure(lambda: stub.CheckSummary(request_, timeout=TIMEOUT))
        assert stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT).limits.max_summary_characters == 10_000
    assert (failed.info.reason, failed.field) == (reason, field)
    assert dict(failed.info.metadata) == {"limit": limit, "size": str(int(limit) + 1)}
    assert limit in failed.message


def test_the_maximum_length_of_a_summary_is_a_setting():
    with running_server(max_summary_characters=len(TRUE)) as running, running.stub() as stub:
        assert stub.CheckSummary(request(), timeout=TIMEOUT).verdict == pb.VERDICT_SUPPORTED
        assert (
            failure(lambda: stub.CheckSummary(request(TRUE + " "), timeout=TIMEOUT)).info.reason == "SUMMARY_TOO_LONG"
        )


def test_bytes_that_do_not_parse_are_an_invalid_argument(server):
    with grpc.insecure_channel(server.address) as channel:
        call = channel.unary_unary("/nutgraf.v1.SummarizerService/CheckSummary")
        assert failure(lambda: call(b"\x1a\x02\xff\xfe", timeout=TIMEOUT)).info.reason == "MALFORMED_MESSAGE"


def test_the_request_id_is_echoed(server):
    with server.stub() as stub:
        _, call = stub.CheckSummary.with_call(request(), metadata=[("x-request-id", "check-7")], timeout=TIMEOUT)
    assert dict(call.initial_metadata())["x-request-id"] == "check-7"


def test_a_check_does_not_wait_for_a_summary_that_is_being_written(gated):
    running, engine = gated
    with running.stub() as stub:
        summaries = [
            stub.Summarize.future(pb.SummarizeRequest(text=text), timeout=TIMEOUT) for text in (ARTICLE, OTHER)
        ]
        engine.wait_until(lambda one: len(one.submitted) == 2)
        # One is in the engine, whose steps are blocked, and one is queued.
        for _ in range(3):
            assert stub.CheckSummary(request(), timeout=TIMEOUT).verdict == pb.VERDICT_SUPPORTED
        assert not any(summary.done() for summary in summaries)
        engine.allow(10)
        assert all(summary.result().summaries for summary in summaries)


def test_a_summary_does_not_wait_for_checks(held):
    running, engine = held
    with running.stub() as stub:
        checks = [stub.CheckSummary.future(request(), timeout=TIMEOUT) for _ in range(3)]
        engine.wait_until_held(2)
        for _ in range(3):
            assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
        assert not any(check.done() for check in checks)
        engine.let_go()
        assert all(check.result().sentences for check in checks)


def test_a_full_queue_refuses_at_once_with_a_time_to_retry(held):
    running, engine = held
    with running.stub() as stub:
        # Two checks run, and one may be queued.
        checks = [stub.CheckSummary.future(request(), timeout=TIMEOUT) for _ in range(4)]
        refused = next(as_done(checks))
        failed = failure(refused.result)
        assert failed.info.reason == "QUEUE_FULL"
        assert failed.retry_after > 0
        # Summaries have a queue of their own.
        assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries
        engine.let_go()
        assert all(check.result().sentences for check in checks if check is not refused)
        assert stub.CheckSummary(request(), timeout=TIMEOUT).sentences


def test_the_queue_is_bounded_by_tokens_of_both_texts_but_an_empty_one_accepts_any_article():
    engine = HeldCounts()
    with running_server(lambda: summarizer_with(engine), max_queued_tokens=200) as running, running.stub() as stub:
        first = stub.CheckSummary.future(request(text=ARTICLE * 4), timeout=TIMEOUT)
        engine.wait_until_held(1)
        failed = failure(lambda: stub.CheckSummary(request(text="It fell."), timeout=TIMEOUT))
        assert failed.info.reason == "QUEUE_FULL"
        assert "200 tokens" in failed.message
        engine.let_go()
        assert first.result().sentences
        # About 20 tokens of article and 250 of summary: accepted by an empty queue.
        assert stub.CheckSummary(request(TRUE * 25, ARTICLE[:80]), timeout=TIMEOUT).sentences


def test_a_passed_deadline_ends_the_check_with_its_reason(held):
    running, engine = held
    with running.stub() as stub:
        with pytest.raises(grpc.RpcError) as caught:
            stub.CheckSummary(request(), timeout=0.3)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        engine.let_go()
        wait_until(lambda: running.metric("nutgraf_abandoned_total") == 1)
        assert running.metric("nutgraf_checked_sentences_total") == 0
        assert stub.CheckSummary(request(), timeout=TIMEOUT).sentences


def test_a_cancelled_check_ends_before_its_next_step_without_affecting_others(held):
    running, engine = held
    calls = partial(running.metric, "nutgraf_calls_total")
    with running.stub() as stub, grpc.insecure_channel(running.address) as channel:
        doomed = stub.CheckSummary.future(request(), timeout=TIMEOUT)
        neighbour = stub.CheckSummary.future(request(FALSE), timeout=TIMEOUT)
        engine.wait_until_held(2)
        # As a stream, because its metadata are available before its answer.
        queued = channel.unary_stream("/nutgraf.v1.SummarizerService/CheckSummary")
        cancelled_in_queue = queued(request().SerializeToString(), timeout=TIMEOUT)
        cancelled_in_queue.initial_metadata()  # the server has received it
        cancelled_in_queue.cancel()
        doomed.cancel()
        wait_until(lambda: calls() == 2)
        engine.let_go()
        assert neighbour.result().verdict == pb.VERDICT_DOUBTED
        assert stub.CheckSummary(request(), timeout=TIMEOUT).verdict == pb.VERDICT_SUPPORTED
        wait_until(lambda: running.metric("nutgraf_abandoned_total") >= 1)
        # All checks but the one in the queue, which never began; two were completed.
        assert engine.held == 3
        assert running.metric("nutgraf_checked_sentences_total") == 2


def test_draining_completes_accepted_checks_and_refuses_new_ones(held):
    running, engine = held
    with running.stub() as stub:
        accepted = stub.CheckSummary.future(request(), timeout=TIMEOUT)
        engine.wait_until_held(1)
        stopped = running.drain()
        failed = []
        wait_until(lambda: failed.append(_code(stub)) or failed[-1] is grpc.StatusCode.UNAVAILABLE)
        assert not accepted.done()
        assert not stopped.done()
        engine.let_go()
        assert accepted.result().verdict == pb.VERDICT_SUPPORTED
        stopped.result(TIMEOUT)


def _code(stub) -> grpc.StatusCode:  # type: ignore[no-untyped-def]
    return stub.GetServerInfo.future(pb.GetServerInfoRequest(), timeout=TIMEOUT).code()


async def test_a_stopping_server_refuses_checks_with_its_reason():
    with running_server() as running:
        running.loop.call_soon_threadsafe(running.server.core.drain)
        async with grpc.aio.insecure_channel(running.address) as channel:
            call = channel.unary_unary("/nutgraf.v1.SummarizerService/CheckSummary")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(request().SerializeToString(), timeout=TIMEOUT)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert b"DRAINING" in dict(caught.value.trailing_metadata())["grpc-status-details-bin"]


def test_loading_is_unavailable_with_a_time_to_retry():
    release = threading.Event()

    def load():  # type: ignore[no-untyped-def]
        assert release.wait(TIMEOUT)
        return load_summarizer("lead")

    with running_server(load, wait=False) as running, running.stub() as stub:
        try:
            failed = failure(lambda: stub.CheckSummary(request(), timeout=TIMEOUT))
            assert failed.info.reason == "LOADING"
            assert failed.retry_after > 0
        finally:
            release.set()
        running.loaded.wait(TIMEOUT)
        assert stub.CheckSummary(request(), timeout=TIMEOUT).sentences


def test_an_unexpected_error_is_internal_and_the_log_contains_neither_text(capfd):
    class Broken(LeadEngine):
        def count_tokens(self, texts):  # type: ignore[no-untyped-def]
            if "Velda Quorn" in texts[0]:
                raise RuntimeError(f"cannot cope with {texts[0]}")
            return super().count_tokens(texts)

    with running_server(lambda: summarizer_with(Broken())) as running, running.stub() as stub:
        failed = failure(lambda: stub.CheckSummary(request(text=f"{ARTICLE} Velda Quorn."), timeout=TIMEOUT))
        assert failed.info.reason == "INTERNAL"
        stub.CheckSummary(request(FALSE, title="Crane falls"), metadata=[("x-request-id", "seen")], timeout=TIMEOUT)
    output = "".join(capfd.readouterr())
    assert failed.info.metadata["error_id"] in output
    assert "seen" in output
    assert "CheckSummary" in output
    for secret in ("Velda", "Quorn", "Quayle", "Rundvik", "Marlow", "Crane"):
        assert secret not in output


def test_the_clients_check_against_a_real_server(server):
    with Client(server.address, timeout=TIMEOUT) as client:
        result = client.check(ARTICLE, f"{TRUE} {FALSE} Read more.", support_threshold=0.5)
        with pytest.raises(InvalidArticle) as caught:
            client.check(ARTICLE, "x" * 10_001)
    assert [one.is_supported for one in result.sentences] == [True, False, True]
    assert [one.verdict for one in result.sentences] == [Verdict.SUPPORTED, Verdict.DOUBTED, Verdict.NO_CLAIM]
    assert [source.text for source in result.sentences[0].sources] == [TRUE]
    assert ([term.text for term in result.unsupported_terms], result.is_supported) == (["Tom Quayle"], False)
    assert result.support_threshold == 0.5
    assert (caught.value.reason, caught.value.limit, caught.value.size) == ("SUMMARY_TOO_LONG", 10_000, 10_001)

    async def check() -> Verdict:
        async with AsyncClient(server.address, timeout=TIMEOUT) as client:
            return (await client.check(ARTICLE, TRUE)).verdict

    assert asyncio.run(check()) is Verdict.SUPPORTED
