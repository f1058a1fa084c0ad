"""The RPCs over a real channel: answers, streams, cancellation, draining, ids, logs."""

import threading
from functools import partial

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from nutgraf import Client
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_models.lengths import Length
from nutgraf_models.loading import load_summarizer
from support.articles import ARTICLE, OTHER
from support.pages import PAYWALLS
from support.server import TIMEOUT, ContinuingEngine, GatedEngine, ScriptedEngine, running_server, summarizer_with

SHORT_OF_ARTICLE = "The port of Marlow reopened on Monday after a crane fell across its main quay."
SHORT_OF_OTHER = "A bakery in Vell has bought the last working windmill in the county, to grind its own flour."


def item(number: int, text: str = ARTICLE) -> pb.SummarizeManyRequest:
    return pb.SummarizeManyRequest(id=str(number), request=pb.SummarizeRequest(text=text))


def test_an_answer_has_both_lengths_by_default_and_every_field_of_the_contract(server):
    with server.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=ARTICLE, title="Port reopens"), timeout=TIMEOUT)
    short, long = response.summaries
    assert (short.length, long.length) == (pb.SUMMARY_LENGTH_SHORT, pb.SUMMARY_LENGTH_LONG)
    assert short.text == SHORT_OF_ARTICLE
    assert len(long.sentences) == 3
    assert response.model == "lead"
    assert response.article.character_count == len(ARTICLE)
    assert response.article.input_token_count > 0
    assert response.article.chunk_count == 1
    assert response.article.language == "en"
    assert response.timings.total_duration.ToTimedelta() >= response.timings.generate_duration.ToTimedelta()
    for summary in response.summaries:
        assert set(summary.checks_run) == set(pb.CheckKind.values()) - {pb.CHECK_KIND_UNSPECIFIED}
        assert " ".join(summary.text[one.span.start : one.span.end] for one in summary.sentences) == summary.text
        for sentence in summary.sentences:
            # The lead engine copies, so each sentence is its own evidence, to the character.
            said = summary.text[sentence.span.start : sentence.span.end]
            best = sentence.evidence[0]
            source = ARTICLE[best.span.start : best.span.end]
            assert source.translate(str.maketrans("“”", '""')) == said
            assert sentence.support > 0.9
            assert sentence.verdict == pb.VERDICT_SUPPORTED


def test_summaries_are_in_the_requested_order_and_within_their_maximum(server):
    specs = [
        pb.SummarySpec(length=pb.SUMMARY_LENGTH_LONG, max_sentences=2),
        pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT, max_words=16),
    ]
    with server.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=ARTICLE, summaries=specs), timeout=TIMEOUT)
    long, short = response.summaries
    assert (long.length, len(long.sentences)) == (pb.SUMMARY_LENGTH_LONG, 2)
    assert len(short.text.split()) <= 16


def test_a_maximum_that_no_sentence_fits_is_exceeded_with_a_warning(server):
    specs = [pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT, max_words=5)]
    with server.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=ARTICLE, summaries=specs), timeout=TIMEOUT)
    (summary,) = response.summaries
    assert summary.text == SHORT_OF_ARTICLE
    assert [one.code for one in summary.warnings] == [pb.WARNING_CODE_WORD_CAP_EXCEEDED]


def test_the_request_id_is_echoed_and_generated_if_missing_or_invalid(server):
    with server.stub() as stub:
        for given, expected in (("abc-1", "abc-1"), (None, None), ("two words", None)):
            metadata = [] if given is None else [("x-request-id", given)]
            call = stub.GetServerInfo.with_call(pb.GetServerInfoRequest(), metadata=metadata, timeout=TIMEOUT)[1]
            echoed = dict(call.initial_metadata())["x-request-id"]
            assert echoed == expected if expected else len(echoed) == 32


def test_doubted_sentences_are_replaced_or_shown_as_requested():
    doubted = "The port of Harlow reopened on Monday."
    engine = ScriptedEngine({(Length.SHORT, 1): (doubted,)})
    specs = [pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT)]
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        threshold = stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT).support_threshold
        shown, written = (
            stub.Summarize(
                pb.SummarizeRequest(text=ARTICLE, summaries=specs, show_doubted=flag), timeout=TIMEOUT
            ).summaries[0]
            for flag in (False, True)
        )
    assert shown.text == SHORT_OF_ARTICLE
    assert (shown.sentences[0].verdict, shown.sentences[0].from_article) == (pb.VERDICT_SUPPORTED, True)
    assert shown.sentences[0].support >= threshold > 0.5
    assert shown.finish_reason == pb.FINISH_REASON_EXTRACTIVE
    assert [one.code for one in shown.warnings] == [pb.WARNING_CODE_EXTRACTIVE_FALLBACK]
    assert written.text == doubted
    assert (written.sentences[0].verdict, written.sentences[0].from_article) == (pb.VERDICT_DOUBTED, False)
    assert pb.WARNING_CODE_DOUBTED_SENTENCES in [one.code for one in written.warnings]
    # The warm-up, and once for each call: a lead cannot be written again.
    assert len(engine.asked) == 3


def test_a_doubted_sentence_is_written_again_from_where_it_leaves_the_article():
    engine = ContinuingEngine("The port of Marlow reopened on Monday after Ida Fenn fell.")
    request = pb.SummarizeRequest(text=ARTICLE, summaries=[pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT)])
    with running_server(lambda: summarizer_with(engine, family="causal")) as running, running.stub() as stub:
        engine.prefixes.clear()  # of the warm-up
        engine.then[:] = [" crane fell across its main quay."]
        (summary,) = stub.Summarize(request, timeout=TIMEOUT).summaries
    assert engine.prefixes == ["The port of Marlow reopened on Monday after a"]
    assert summary.text == SHORT_OF_ARTICLE
    assert (summary.sentences[0].verdict, summary.sentences[0].from_article) == (pb.VERDICT_SUPPORTED, False)
    assert summary.finish_reason == pb.FINISH_REASON_STOP
    assert not summary.warnings


def test_a_server_without_the_check_shows_generated_sentences_without_verdicts():
    written = "The port of Harlow reopened on Monday."
    engine = ScriptedEngine({(Length.SHORT, 1): (written,)})
    specs = [pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT)]
    with running_server(lambda: summarizer_with(engine, check=False)) as running, running.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=ARTICLE, summaries=specs), timeout=TIMEOUT)
        assert running.metric("nutgraf_sentences_total") == 1
    (summary,) = response.summaries
    assert (summary.text, summary.finish_reason) == (written, pb.FINISH_REASON_STOP)
    (sentence,) = summary.sentences
    assert not sentence.HasField("support")
    assert (sentence.verdict, sentence.from_article) == (pb.VERDICT_UNSPECIFIED, False)
    assert sentence.evidence
    assert list(summary.checks_run) == [pb.CHECK_KIND_EVIDENCE]
    assert not summary.unsupported_terms
    assert not summary.warnings


def test_check_summary_works_on_a_server_without_the_check():
    request = pb.CheckSummaryRequest(text=ARTICLE, summary="The port of Harlow reopened on Monday.")
    for check in (True, False):
        with running_server(check=check) as running, running.stub() as stub:
            info = stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
            # The second article is about as long as its summary, so its own sentences are returned.
            for text in (ARTICLE, SHORT_OF_ARTICLE):
                response = stub.Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT)
                sentences = [one for summary in response.summaries for one in summary.sentences]
                assert [one.HasField("support") for one in sentences] == [check] * len(sentences)
                assert {one.verdict for one in sentences} == {pb.VERDICT_SUPPORTED if check else pb.VERDICT_UNSPECIFIED}
            with Client(running.address, timeout=TIMEOUT) as client:
                sentence = client.summarize(ARTICLE).short.sentences[0]
                assert client.server_info().summaries_unchecked is (not check)
            checked = stub.CheckSummary(request, timeout=TIMEOUT)
        assert info.summaries_unchecked is (not check)
        assert (sentence.support is None, sentence.is_supported) == (not check, check)
        assert (checked.verdict, len(checked.unsupported_terms)) == (pb.VERDICT_DOUBTED, 1)
        assert checked.sentences[0].HasField("support")


def test_a_stream_answers_every_item_once_with_its_own_summary(server):
    texts = [ARTICLE, OTHER]
    requests = (item(number, texts[number % 2]) for number in range(50))
    with server.stub() as stub:
        answers = list(stub.SummarizeMany(requests, timeout=TIMEOUT))
    assert sorted(int(answer.id) for answer in answers) == list(range(50))
    for answer in answers:
        expected = (SHORT_OF_ARTICLE, SHORT_OF_OTHER)[int(answer.id) % 2]
        assert answer.response.summaries[0].text == expected


def test_an_empty_stream_is_valid(server):
    with server.stub() as stub:
        assert list(stub.SummarizeMany(iter([]), timeout=TIMEOUT)) == []


def test_a_stream_is_read_no_faster_than_it_is_processed():
    engine = GatedEngine()
    sent = []

    def requests():
        for number in range(400):
            sent.append(number)
            yield item(number, ARTICLE * 60)

    with running_server(lambda: summarizer_with(engine), max_stream_items=2) as running, running.stub() as stub:
        answers = stub.SummarizeMany(requests(), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        engine.allow(3)
        for _ in range(3):
            next(answers)
        # 400 articles are 14 MB; transport buffers hold some, and flow control holds back the rest.
        assert len(sent) < 200
        answers.cancel()


def test_a_unary_call_is_accepted_while_a_stream_fills_its_half_of_the_queue():
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine), max_queued_requests=4) as running, running.stub() as stub:
        answers = stub.SummarizeMany((item(number) for number in range(20)), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        call = stub.Summarize.future(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT)
        engine.allow(30)
        assert call.result().summaries[0].text == SHORT_OF_OTHER
        assert len(list(answers)) == 20


def test_a_single_call_does_not_wait_for_a_stream():
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        answers = stub.SummarizeMany((item(number) for number in range(20)), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        call = stub.Summarize.future(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT)
        # No step has been allowed yet, so the call joins the running requests.
        engine.wait_until(lambda one: OTHER[:20] in one.submitted[-1])
        engine.open()
        assert call.result().summaries[0].text == SHORT_OF_OTHER
        assert len(list(answers)) == 20


def test_streams_get_every_fourth_turn_while_unary_calls_wait():
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        queued = partial(running.metric, "nutgraf_queued_requests")
        singles = [stub.Summarize.future(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT)]
        engine.wait_until(lambda one: len(one.submitted) == 2)
        answers = stub.SummarizeMany((item(number) for number in range(2)), timeout=TIMEOUT)
        engine.wait_until(lambda one: queued() == 2)
        singles += [stub.Summarize.future(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT) for _ in range(6)]
        engine.wait_until(lambda one: queued() == 8)
        engine.open()
        assert len(list(answers)) == 2
        assert all(single.result().summaries for single in singles)
        is_stream = [OTHER[:20] not in text for text in engine.submitted[2:]]
        assert [index for index, stream in enumerate(is_stream) if stream] == [3, 7]


def test_a_cancelled_call_frees_the_engine_without_affecting_others(gated):
    running, engine = gated
    with running.stub() as stub:
        doomed = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        doomed_in_queue = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        neighbours = [stub.Summarize.future(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT) for _ in range(3)]
        doomed_in_queue.cancel()
        doomed.cancel()
        engine.wait_until(lambda one: len(one.cancelled) == 1)
        engine.allow(10)
        for neighbour in neighbours:
            assert neighbour.result().summaries[0].text == SHORT_OF_OTHER


def test_a_cancelled_stream_frees_the_engine(gated):
    running, engine = gated
    with running.stub() as stub:
        answers = stub.SummarizeMany((item(number) for number in range(5)), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        answers.cancel()
        engine.wait_until(lambda one: len(one.cancelled) == 1)
        engine.allow(10)
        assert stub.Summarize(pb.SummarizeRequest(text=OTHER), timeout=TIMEOUT).summaries


def test_draining_completes_accepted_calls_and_refuses_new_ones():
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        accepted = stub.Summarize.future(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        engine.wait_until(lambda one: len(one.submitted) == 2)
        more = threading.Event()

        def requests():
            yield item(0, OTHER)
            more.wait(TIMEOUT)

        stream = stub.SummarizeMany(requests(), timeout=TIMEOUT)
        engine_got_both = threading.Thread(target=engine.allow, args=(20,))
        # When the server has sent its initial metadata and the first call is running, it has read the stream's item.
        stream.initial_metadata()
        stopped = running.drain()
        engine_got_both.start()
        assert accepted.result().summaries[0].text == SHORT_OF_ARTICLE
        answers = []
        with pytest.raises(grpc.RpcError) as caught:
            answers.extend(stream)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        more.set()
        stopped.result(TIMEOUT)
        with pytest.raises(grpc.RpcError) as refused:
            stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_drained_stream_ends_with_its_reason_after_answering_the_items_read():
    with running_server() as running, running.stub() as stub:
        more = threading.Event()

        def requests():
            yield item(0)
            more.wait(TIMEOUT)

        stream = stub.SummarizeMany(requests(), timeout=TIMEOUT)
        assert next(stream).id == "0"
        running.drain()
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        more.set()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert b"DRAINING" in rpc_status.from_call(caught.value).SerializeToString()


def test_health_while_loading_serving_and_draining():
    release = threading.Event()

    def load():
        assert release.wait(TIMEOUT)
        return load_summarizer("lead")

    with running_server(load, wait=False) as running, grpc.insecure_channel(running.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [
            stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT)
            for service in ("", "nutgraf.v1.SummarizerService")
        ]
        for watch in watches:
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        release.set()
        for watch in watches:
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        running.drain()
        for watch in watches:
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
            watch.cancel()


def test_reflection_lists_the_service_unless_disabled(server):
    def services(address: str) -> set[str]:
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        with grpc.insecure_channel(address) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=TIMEOUT)
        return {service.name for service in answer.list_services_response.service}

    assert {"nutgraf.v1.SummarizerService", "grpc.health.v1.Health"} <= services(server.address)
    with running_server(reflection=False) as running, pytest.raises(grpc.RpcError) as caught:
        services(running.address)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_channelz_is_served_only_if_enabled(server):
    def servers(address: str) -> list[channelz_pb2.Server]:
        with grpc.insecure_channel(address) as channel:
            stub = channelz_pb2_grpc.ChannelzStub(channel)
            return list(stub.GetServers(channelz_pb2.GetServersRequest(), timeout=TIMEOUT).server)

    with pytest.raises(grpc.RpcError) as caught:
        servers(server.address)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with running_server(channelz=True) as running, running.stub() as stub:
        stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        # Does not list the other server of this process, which counts nothing.
        (counted,) = servers(running.address)
        assert counted.data.calls_started == 2  # including this call


def test_the_log_has_the_call_but_not_its_article(capfd):
    with running_server() as running, running.stub() as stub:
        metadata = [("x-request-id", "seen-in-the-log")]
        stub.Summarize(pb.SummarizeRequest(text=ARTICLE, title="Crane"), metadata=metadata, timeout=TIMEOUT)
        with pytest.raises(grpc.RpcError):
            stub.Summarize(pb.SummarizeRequest(text=ARTICLE, title="Crane" * 300), timeout=TIMEOUT)
    output = "".join(capfd.readouterr())
    assert "seen-in-the-log" in output
    assert "TITLE_TOO_LONG" in output
    for word in ("Marlow", "Crane", "Fenn"):
        assert word not in output


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("😀 😀 😀", pb.WARNING_CODE_NO_PROSE),
        ("total;12;13\nrow;1;2\n" * 40, pb.WARNING_CODE_NO_PROSE),
        ("def f(x):\n    return g(x) + 1\n\nprint(f('done.'))\n" * 20, pb.WARNING_CODE_NO_PROSE),
        ("Crane falls in Marlow\nRead more: why cranes fall\nShare\n" * 20, pb.WARNING_CODE_NO_PROSE),
        ("We use cookies to make this site work.\nAccept all cookies\nManage preferences", pb.WARNING_CODE_NO_STORY),
        ("Die Brücke im Dorf wird neu gebaut, sagte der Bürgermeister. " * 20, None),
    ],
    ids=["emoji", "table", "code", "links", "cookies", "another language"],
)
def test_text_other_than_an_english_article_has_a_warning(server, text, warning):
    with server.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT)
    assert all(summary.text.strip() for summary in response.summaries)
    assert [one.code for one in response.warnings] == ([] if warning is None else [warning])


def test_boilerplate_is_not_summarised_and_spans_are_correct(server):
    first, rest = ARTICLE.split("\n\n", 1)
    head = "By Ida Fenn\r\nLast updated at 10:32\r\nPhotograph: Tom Asker/Reuters\r\n\r\n"
    text = f"{head}{first}\r\n\r\nRead more: Why cranes fall\r\n\r\n{rest}\r\nSign up to our newsletter"
    with server.stub() as stub:
        plain = stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        response = stub.Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT)
    assert [one.text for one in response.summaries] == [one.text for one in plain.summaries]
    assert response.article.input_token_count == plain.article.input_token_count
    for sentence in response.summaries[1].sentences:
        span = sentence.evidence[0].span
        said = response.summaries[1].text[sentence.span.start : sentence.span.end]
        assert text[span.start : span.end] == said


def test_an_html_page_is_summarised_like_its_text_with_spans_in_the_page(server):
    paragraphs = ARTICLE.replace("’", "&rsquo;").replace("“", "&ldquo;").replace("”", "&rdquo;").split("\n\n")
    body = "</p>\n<aside>Sign up</aside><p>".join(paragraphs).replace(" on Monday", "&nbsp;on <b>Mon&shy;day</b>")
    page = (
        f"<html><head><title>Port</title></head><body><nav>Home</nav><p>{body}</p><script>a < b</script></body></html>"
    )
    with server.stub() as stub:
        plain = stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        response = stub.Summarize(pb.SummarizeRequest(text=page), timeout=TIMEOUT)
    assert [one.text for one in response.summaries] == [one.text for one in plain.summaries]
    spans = [sentence.evidence[0].span for sentence in response.summaries[1].sentences]
    assert page[spans[0].start : spans[0].end].startswith(
        "The port of Marlow reopened&nbsp;on <b>Mon&shy;day</b> after"
    )
    assert page[spans[1].start : spans[1].end] == "Nobody was hurt, the harbour master said."


def test_corrections_are_not_summarised():
    note = "Correction: An earlier version said that the crane weighed 400 tonnes. It weighs 40."
    false = "The crane weighed 400 tonnes."
    engine = ScriptedEngine({(length, 1): (false,) for length in Length})
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        for text in (f"{ARTICLE}\n\n{note}", f"<p>{ARTICLE}</p><p><b>Correction:</b> {note[12:]}</p>"):
            response = stub.Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT)
            assert not any("400" in one.text for one in response.summaries)
        # A text that is only a correction is summarised.
        response = stub.Summarize(pb.SummarizeRequest(text=note), timeout=TIMEOUT)
        assert "40" in response.summaries[1].text


def test_a_page_without_a_story_has_a_warning_and_its_own_sentences(server):
    page = PAYWALLS[10]
    with server.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=page), timeout=TIMEOUT)
    assert [one.code for one in response.warnings] == [pb.WARNING_CODE_NO_STORY]
    for one in response.summaries:
        assert one.text in page.replace("\n\n", " ")
        assert all(sentence.from_article for sentence in one.sentences)
        assert [warning.code for warning in one.warnings] == [pb.WARNING_CODE_NO_STORY]


def test_a_quotation_that_the_article_lacks_is_listed_as_a_term():
    said = "“We were unlucky,” said Ida Fenn, who runs the port of Marlow."
    engine = ScriptedEngine({(Length.SHORT, 1): (said,)})
    specs = [pb.SummarySpec(length=pb.SUMMARY_LENGTH_SHORT)]
    short = pb.SummarizeRequest(text=ARTICLE, summaries=specs, show_doubted=True)
    with running_server(lambda: summarizer_with(engine)) as running, running.stub() as stub:
        response = stub.Summarize(short, timeout=TIMEOUT)
    (term,) = response.summaries[0].unsupported_terms
    text = response.summaries[0].text
    assert (term.kind, text[term.span.start : term.span.end]) == (pb.TERM_KIND_QUOTATION, "“We were unlucky,”")


def test_html_and_nul_characters_are_dropped_and_spans_point_to_the_text_as_sent(server):
    text = "<article><h1>News</h1>" + "".join(f"<p>{part}\0</p>\r\n" for part in ARTICLE.split("\n\n")) + "</article>"
    with server.stub() as stub:
        response = stub.Summarize(pb.SummarizeRequest(text=text), timeout=TIMEOUT)
    long = response.summaries[1]
    assert "<" not in long.text
    assert "\0" not in long.text
    for sentence in long.sentences:
        span = sentence.evidence[0].span
        assert text[span.start : span.end].split()[0] == long.text[sentence.span.start : sentence.span.end].split()[0]
