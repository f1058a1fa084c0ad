"""Exported metrics after calls of every kind, and their documentation in the service's README."""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_models.lengths import Length
from nutgraf_service.errors import CODES
from nutgraf_service.metrics import Metrics
from support.articles import ARTICLE
from support.process import entry, serve
from support.server import TIMEOUT, GatedEngine, Running, ScriptedEngine, running_server, summarizer_with
from support.waiting import wait_for

README = Path(__file__).parents[2] / "service/README.md"


def scrape(running: Running) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.server.metrics_port}/metrics", timeout=TIMEOUT) as answer:
        text = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {f"{one.name}{sorted(one.labels.values())}" if one.labels else one.name: one.value for one in samples}


@pytest.fixture
def server() -> Iterator[Running]:
    with running_server(metrics_port=0) as running:
        yield running


def test_calls_articles_and_tokens_are_counted(server):
    with server.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        with pytest.raises(grpc.RpcError):
            stub.Summarize(pb.SummarizeRequest(text=" "), timeout=TIMEOUT)
        items = [pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=text)) for text in (ARTICLE, "")]
        assert len(list(stub.SummarizeMany(iter(items), timeout=TIMEOUT))) == 2
    found = scrape(server)
    assert found["nutgraf_calls_total['OK', 'Summarize']"] == 1
    assert found["nutgraf_calls_total['INVALID_ARGUMENT', 'Summarize']"] == 1
    assert found["nutgraf_calls_total['OK', 'SummarizeMany']"] == 1
    assert found["nutgraf_refusals_total['EMPTY_TEXT']"] == 2
    assert found["nutgraf_articles_total"] == 2
    assert found["nutgraf_summaries_total['short']"] == found["nutgraf_summaries_total['long']"] == 2
    assert found["nutgraf_output_tokens_total"] == 2 * sum(one.output_token_count for one in response.summaries)
    assert found["nutgraf_input_tokens_total"] == 2 * response.article.input_token_count
    assert found["nutgraf_summary_seconds_count"] == 2
    assert found["nutgraf_call_seconds_count['Summarize']"] == 2
    assert found["nutgraf_serving"] == 1
    assert found["nutgraf_queued_requests"] == found["nutgraf_running_requests"] == 0


def test_queued_running_and_abandoned_requests_are_counted():
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine), metrics_port=0) as running, running.stub() as stub:
        calls = [stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT) for _ in range(3)]
        engine.wait_until(lambda engine: len(engine.submitted) == 2)
        wait_for(2, lambda: scrape(running)["nutgraf_queued_requests"])
        assert scrape(running)["nutgraf_running_requests"] == 1
        for call in calls:
            call.cancel()
        engine.wait_until(lambda engine: engine.cancelled)
        engine.allow(10)
        stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        found = scrape(running)
        assert found["nutgraf_abandoned_total['engine']"] == 1
        assert found["nutgraf_abandoned_total['queue']"] == 2


def test_a_passed_deadline_counts_as_deadline_exceeded_whoever_notices_it_first():
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine), metrics_port=0) as running, running.stub() as stub:

        def scrape_when_ended(calls: int) -> dict[str, float]:
            wait_for(calls, lambda: running.metric("nutgraf_calls_total"))
            return scrape(running)

        # The caller gives up, gRPC cancels, and the server fails the call, all within milliseconds and in any order.
        for _ in range(30):
            call = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=0.1)
            assert call.exception(TIMEOUT).code() is grpc.StatusCode.DEADLINE_EXCEEDED
        found = scrape_when_ended(30)
        assert found["nutgraf_calls_total['DEADLINE_EXCEEDED', 'Summarize']"] == 30
        assert found["nutgraf_refusals_total['DEADLINE_EXCEEDED']"] == 30
        # A call that is cancelled before its deadline counts as CANCELLED.
        submitted = len(engine.submitted)
        call = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda engine: len(engine.submitted) > submitted)
        call.cancel()
        found = scrape_when_ended(31)
        assert found["nutgraf_calls_total['CANCELLED', 'Summarize']"] == 1
        assert found["nutgraf_refusals_total['DEADLINE_EXCEEDED']"] == 30


def test_counters_start_at_0_and_process_metrics_are_exported(server):
    found = scrape(server)
    for reason in CODES:
        assert found[f"nutgraf_refusals_total['{reason}']"] == 0
    assert found["nutgraf_answers_total['cache']"] == found["nutgraf_abandoned_total['check']"] == 0
    assert found["nutgraf_sentences_total['article', 'long', 'supported']"] == 0
    assert found["process_resident_memory_bytes"] > 0
    assert found["process_start_time_seconds"] > 0


def test_shown_sentences_are_counted_by_verdict_and_origin():
    engine = ScriptedEngine({(Length.SHORT, 1): ("The port of Harlow reopened.",)})
    specs = [pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT)]
    with running_server(lambda: summarizer_with(engine), metrics_port=0) as running, running.stub() as stub:
        for show_doubted in (False, True):
            request = pb.SummarizeRequest(text=ARTICLE, summaries=specs, show_doubted=show_doubted)
            stub.Summarize(request, timeout=TIMEOUT)
        found = scrape(running)
    assert found["nutgraf_sentences_total['article', 'short', 'supported']"] == 1
    assert found["nutgraf_sentences_total['doubted', 'model', 'short']"] == 1
    assert found["nutgraf_unsupported_summaries_total['short']"] == 1
    assert found["nutgraf_extractive_summaries_total['short']"] == 1


def test_checks_are_counted_by_call_and_verdict(server):
    with server.stub() as stub:
        # A failed call is counted when its error has been sent, and thus before later calls.
        with pytest.raises(grpc.RpcError):
            stub.CheckSummary(pb.CheckSummaryRequest(text=ARTICLE), timeout=TIMEOUT)
        for summary in (f"Hello! {ARTICLE.split('. ')[0]}. It was sold to Harlow.", f"{ARTICLE.split('. ')[0]}."):
            stub.CheckSummary(pb.CheckSummaryRequest(text=ARTICLE, summary=summary), timeout=TIMEOUT)
    found = scrape(server)
    assert found["nutgraf_calls_total['CheckSummary', 'OK']"] == 2
    assert found["nutgraf_calls_total['CheckSummary', 'INVALID_ARGUMENT']"] == 1
    assert found["nutgraf_call_seconds_count['CheckSummary']"] == 3
    assert found["nutgraf_refusals_total['EMPTY_SUMMARY']"] == 1
    assert found["nutgraf_checked_sentences_total['supported']"] == 2
    assert found["nutgraf_checked_sentences_total['doubted']"] == 1
    assert found["nutgraf_checked_sentences_total['no_claim']"] == 1
    # Summarised articles are counted separately.
    assert found["nutgraf_articles_total"] == 0


def test_callers_without_a_token_cannot_add_labels(tmp_path):
    (tmp_path / "tokens").write_text("token\n")
    with running_server(metrics_port=0, token_file=tmp_path / "tokens", open_health=False) as running:
        with grpc.insecure_channel(running.address) as channel:
            for path in (
                *(f"/x/{number}" for number in range(20)),
                "/nutgraf.v1.SummarizerService/Nothing",
                "/x/Summarize",
                "/nutgraf.v1.SummarizerService/Summarize",
                "/grpc.health.v1.Health/Check",
            ):
                for call in (
                    channel.unary_unary(path),
                    lambda data, path=path, **more: list(channel.stream_stream(path)(iter([data]), **more)),
                ):
                    with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
                        call(b"", timeout=TIMEOUT)
        # A call is counted when its answer is sent.
        wait_for(48, lambda: running.metric("nutgraf_calls_total"))
        found = scrape(running)
    labels = {name: value for name, value in found.items() if name.startswith("nutgraf_calls_total[")}
    assert labels == {
        "nutgraf_calls_total['UNAUTHENTICATED', 'unknown']": 44,
        "nutgraf_calls_total['Summarize', 'UNAUTHENTICATED']": 2,
        "nutgraf_calls_total['Check', 'UNAUTHENTICATED']": 2,
    }


def test_the_readme_lists_every_metric_with_its_type_and_labels():
    row = re.compile(r"^\| `(nutgraf_\w+)` \| (\w+) \|\s*([^|]*?)\s*\|", re.M)
    documented = {(name, kind, labels) for name, kind, labels in row.findall(README.read_text(encoding="utf-8"))}
    metrics = [one for one in vars(Metrics()).values() if isinstance(one, MetricWrapperBase)]
    exported = {
        (
            f"{one._name}_total" if one._type == "counter" else one._name,
            one._type,
            ", ".join(f"`{label}`" for label in one._labelnames),
        )
        for one in metrics
    }
    assert documented == exported


def test_a_metrics_port_in_use_ends_the_process_with_one_line(server):
    with serve("--model", "lead", "--metrics-port", str(server.server.metrics_port)) as process:
        assert process.wait(TIMEOUT) == 1
        assert "--metrics-port" in process.stderr.read()


def test_the_log_has_the_address_of_the_metrics():
    with serve("--model", "lead", "--metrics-port", "0") as process:
        address = entry(process, "metrics")["address"]
        entry(process, "serving")
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            assert b"nutgraf_serving 1.0" in answer.read()
