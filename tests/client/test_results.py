"""Conversion of the contract's messages to dataclasses."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

import nutgraf
from nutgraf import _convert, _enums
from nutgraf._requests import specs
from nutgraf.v1 import summarizer_pb2 as pb

ARTICLE = "Zoë 🎈 won. She beat 12 others. “Glad,” she said."


def response() -> pb.SummarizeResponse:
    message = pb.SummarizeResponse(model="m", origin=pb.ORIGIN_CACHE)
    message.article.character_count = len(ARTICLE)
    message.article.input_token_count = 20
    message.article.chunk_count = 1
    message.article.language = "en"
    message.timings.queue_duration.FromMilliseconds(250)
    message.timings.total_duration.FromMilliseconds(1250)
    message.warnings.add(code=pb.WARNING_CODE_NO_PROSE, detail="it looks like a table")
    summary = message.summaries.add(
        length=pb.SUMMARY_LENGTH_LONG,
        text="Zoë 🎈 beat 13. Glad.",
        checks_run=[pb.CHECK_KIND_NUMBERS, pb.CHECK_KIND_NAMES],
        output_token_count=9,
        finish_reason=pb.FINISH_REASON_CAP,
    )
    sentence = summary.sentences.add(support=0.5, verdict=pb.VERDICT_DOUBTED, from_article=True)
    sentence.span.end = 14
    evidence = sentence.evidence.add(score=0.25)
    evidence.span.start, evidence.span.end = 11, 30
    summary.sentences.add(span=pb.Span(start=15, end=20))
    term = summary.unsupported_terms.add(kind=pb.TERM_KIND_NUMBER)
    term.span.start, term.span.end = 11, 13
    return message


def test_a_complete_response() -> None:
    result = _convert.result(response(), ARTICLE, "r")
    assert result.short is None
    summary = result.long
    assert summary is not None
    assert str(summary) == "Zoë 🎈 beat 13. Glad."
    assert [sentence.text for sentence in summary.sentences] == ["Zoë 🎈 beat 13.", "Glad."]
    assert summary.sentences[0].sources == (nutgraf.Source("She beat 12 others.", 11, 30, 0.25),)
    assert summary.sentences[1].sources == ()
    assert [sentence.verdict for sentence in summary.sentences] == [nutgraf.Verdict.DOUBTED, nutgraf.Verdict.UNKNOWN]
    assert [sentence.is_supported for sentence in summary.sentences] == [False, False]
    assert [sentence.from_article for sentence in summary.sentences] == [True, False]
    assert summary.unsupported_terms == (nutgraf.UnsupportedTerm("13", 11, 13, nutgraf.TermKind.NUMBER),)
    assert summary.checks_run == (nutgraf.CheckKind.NUMBERS, nutgraf.CheckKind.NAMES)
    assert summary.finish_reason is nutgraf.FinishReason.CAP
    assert summary.output_token_count == 9
    assert result.timings.queue_seconds == 0.25
    assert result.timings.total_seconds == 1.25
    assert result.timings.check_seconds == 0
    assert result.article.input_token_count == 20
    assert result.warnings == (nutgraf.Warning(nutgraf.WarningCode.NO_PROSE, "it looks like a table"),)
    assert (result.model, result.request_id) == ("m", "r")
    assert result.origin is nutgraf.Origin.CACHE


def test_missing_support_is_none_if_unchecked_and_0_if_doubted() -> None:
    message = response()
    # Older servers, which always set the support, send no value for 0.
    message.summaries[0].sentences[0].ClearField("support")
    message.summaries[0].sentences[1].ClearField("support")
    long = _convert.result(message, ARTICLE, "r").long
    assert long is not None
    assert [(one.verdict, one.support) for one in long.sentences] == [
        (nutgraf.Verdict.DOUBTED, 0.0),
        (nutgraf.Verdict.UNKNOWN, None),
    ]


def test_no_protobuf_in_results() -> None:
    def check(value: object) -> None:
        assert type(value).__module__.split(".")[0] in ("builtins", "nutgraf"), type(value)
        assert not type(value).__module__.startswith("nutgraf.v1")
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                check(getattr(value, field.name))
        elif isinstance(value, tuple):
            for item in value:
                check(item)

    check(_convert.result(response(), ARTICLE, None))
    check(_convert.server_info(pb.GetServerInfoResponse(languages=["en"])))


def test_results_are_frozen_and_can_be_pickled() -> None:
    result = _convert.result(response(), ARTICLE, "r")
    assert pickle.loads(pickle.dumps(result)) == result
    assert hash(result) == hash(_convert.result(response(), ARTICLE, "r"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.model = "other"  # type: ignore[misc]


def test_enum_values_of_a_newer_server_are_unknown() -> None:
    message = pb.SummarizeResponse.FromString(_newer_response())
    result = _convert.result(message, ARTICLE, None)
    summary = result.summaries[0]
    assert summary.length is nutgraf.Length.UNKNOWN
    assert summary.checks_run == (nutgraf.CheckKind.UNKNOWN,)
    assert summary.finish_reason is nutgraf.FinishReason.UNKNOWN
    assert summary.unsupported_terms[0].kind is nutgraf.TermKind.UNKNOWN
    assert summary.warnings[0].code is nutgraf.WarningCode.UNKNOWN
    assert result.warnings[0].code is nutgraf.WarningCode.UNKNOWN
    assert (result.short, result.long) == (None, None)
    assert result.origin is nutgraf.Origin.UNKNOWN
    info = _convert.server_info(pb.GetServerInfoResponse(state=99))  # type: ignore[arg-type]
    assert info.state is nutgraf.ServerState.UNKNOWN


def test_positions_outside_the_text_are_clamped() -> None:
    message = response()
    message.summaries[0].sentences[0].span.start = -5
    message.summaries[0].sentences[0].span.end = 9999
    message.summaries[0].sentences[0].evidence[0].span.end = 9999
    summary = _convert.result(message, ARTICLE, None).long
    assert summary is not None
    assert summary.sentences[0].text == summary.text
    assert summary.sentences[0].sources[0].text == ARTICLE[11:]


@pytest.mark.parametrize(
    ("python", "proto", "prefix"),
    [
        (_enums.Length, pb.SummaryLength, "SUMMARY_LENGTH_"),
        (_enums.TermKind, pb.TermKind, "TERM_KIND_"),
        (_enums.CheckKind, pb.CheckKind, "CHECK_KIND_"),
        (_enums.Verdict, pb.Verdict, "VERDICT_"),
        (_enums.FinishReason, pb.FinishReason, "FINISH_REASON_"),
        (_enums.WarningCode, pb.WarningCode, "WARNING_CODE_"),
        (_enums.Origin, pb.Origin, "ORIGIN_"),
        (_enums.ServerState, pb.ServerState, "SERVER_STATE_"),
    ],
)
def test_the_enums_match_the_contracts(python: type[_enums.Length], proto: EnumTypeWrapper, prefix: str) -> None:
    names = {name.removeprefix(prefix) for name in proto.DESCRIPTOR.values_by_name}
    assert {member.name for member in python} == names - {"UNSPECIFIED"} | {"UNKNOWN"}


@pytest.mark.parametrize(
    ("python", "message"),
    [
        (nutgraf.ArticleInfo, pb.ArticleInfo),
        (nutgraf.Timings, pb.Timings),
        (nutgraf.Limits, pb.Limits),
        (nutgraf.ServerInfo, pb.GetServerInfoResponse),
        (nutgraf.Summary, pb.Summary),
        (nutgraf.Warning, pb.Warning),
        (nutgraf.Spec, pb.SummarySpec),
    ],
)
def test_the_fields_match_the_contracts(python: type, message: type) -> None:
    ours = {field.name for field in dataclasses.fields(python)}
    theirs = {name.replace("_duration", "_seconds") for name in message.DESCRIPTOR.fields_by_name}  # type: ignore[attr-defined]
    assert {name.removesuffix("_seconds") for name in ours} == {name.removesuffix("_seconds") for name in theirs}


def test_specs() -> None:
    assert specs(None) == []
    (one,) = specs("SHORT")
    assert one.length == pb.SUMMARY_LENGTH_SHORT
    assert not one.HasField("max_words")
    assert [spec.length for spec in specs(["long", nutgraf.Length.SHORT])] == [2, 1]


def _newer_response() -> bytes:
    message = pb.SummarizeResponse(origin=99)  # type: ignore[arg-type]
    summary = message.summaries.add(length=99, text="x", finish_reason=99)  # type: ignore[arg-type]
    summary.checks_run.append(99)  # type: ignore[arg-type]
    summary.unsupported_terms.add(kind=99)  # type: ignore[arg-type]
    summary.warnings.add(code=99)  # type: ignore[arg-type]
    message.warnings.add(code=99)  # type: ignore[arg-type]
    return message.SerializeToString()
