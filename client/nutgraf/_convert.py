"""Translates the contract's messages to the dataclasses of `_results`.

Must not fail on answers from a newer server: unknown enum numbers become UNKNOWN, and slicing clips positions outside
the text.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from nutgraf._enums import CheckKind, FinishReason, Length, Origin, ServerState, TermKind, Verdict, WarningCode
from nutgraf._results import (
    ArticleInfo,
    CheckResult,
    Limits,
    Result,
    Sentence,
    ServerInfo,
    Source,
    Summary,
    Timings,
    UnsupportedTerm,
    Warning,
)
from nutgraf.v1 import summarizer_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor
    from google.protobuf.duration_pb2 import Duration

_E = TypeVar("_E", bound=enum.StrEnum)


def _numbers(python: type[_E], proto: EnumDescriptor, prefix: str) -> dict[int, _E]:
    numbers = proto.values_by_name
    return {numbers[prefix + m.name].number: m for m in python if prefix + m.name in numbers}


_LENGTHS = _numbers(Length, pb.SummaryLength.DESCRIPTOR, "SUMMARY_LENGTH_")
_TERM_KINDS = _numbers(TermKind, pb.TermKind.DESCRIPTOR, "TERM_KIND_")
_CHECK_KINDS = _numbers(CheckKind, pb.CheckKind.DESCRIPTOR, "CHECK_KIND_")
_VERDICTS = _numbers(Verdict, pb.Verdict.DESCRIPTOR, "VERDICT_")
_FINISH_REASONS = _numbers(FinishReason, pb.FinishReason.DESCRIPTOR, "FINISH_REASON_")
_WARNING_CODES = _numbers(WarningCode, pb.WarningCode.DESCRIPTOR, "WARNING_CODE_")
_ORIGINS = _numbers(Origin, pb.Origin.DESCRIPTOR, "ORIGIN_")
_SERVER_STATES = _numbers(ServerState, pb.ServerState.DESCRIPTOR, "SERVER_STATE_")


def result(response: pb.SummarizeResponse, article: str, request_id: str | None) -> Result:
    """Converts a response to a `Result`.

    Args:
        response: as received.
        article: the text as sent; sources are cut from it.
        request_id: as returned by the server.
    """
    return Result(
        summaries=tuple(_summary(summary, article) for summary in response.summaries),
        article=_article_info(response.article),
        timings=_timings(response.timings),
        model=response.model,
        origin=_ORIGINS.get(response.origin, Origin.UNKNOWN),
        warnings=_warnings(response.warnings),
        request_id=request_id,
    )


def check_result(response: pb.CheckSummaryResponse, article: str, summary: str, request_id: str | None) -> CheckResult:
    """Converts a response to a `CheckResult`.

    Args:
        response: as received.
        article: the text as sent; sources are cut from it.
        summary: the summary as sent; sentences and terms are cut from it.
        request_id: as returned by the server.
    """
    return CheckResult(
        summary=summary,
        support=response.support,
        verdict=_VERDICTS.get(response.verdict, Verdict.UNKNOWN),
        sentences=_sentences(response.sentences, summary, article),
        unsupported_terms=_terms(response.unsupported_terms, summary),
        checks_run=_checks(response.checks_run),
        support_threshold=response.support_threshold,
        article=_article_info(response.article),
        timings=_timings(response.timings),
        warnings=_warnings(response.warnings),
        request_id=request_id,
    )


def server_info(response: pb.GetServerInfoResponse) -> ServerInfo:
    """Converts a response to a `ServerInfo`."""
    limits = response.limits
    return ServerInfo(
        state=_SERVER_STATES.get(response.state, ServerState.UNKNOWN),
        model=response.model,
        family=response.family,
        engine=response.engine,
        precision=response.precision,
        languages=tuple(response.languages),
        version=response.version,
        support_threshold=response.support_threshold,
        # An older server without the field has one threshold for both.
        check_support_threshold=response.check_support_threshold or response.support_threshold,
        summaries_unchecked=response.summaries_unchecked,
        limits=Limits(
            max_text_characters=limits.max_text_characters,
            max_title_characters=limits.max_title_characters,
            max_message_bytes=limits.max_message_bytes,
            max_input_tokens=limits.max_input_tokens,
            max_queued_requests=limits.max_queued_requests,
            max_summary_sentences=limits.max_summary_sentences,
            min_summary_words=limits.min_summary_words,
            max_summary_words=limits.max_summary_words,
            max_id_characters=limits.max_id_characters,
            default_item_timeout_seconds=seconds(limits.default_item_timeout),
            max_item_timeout_seconds=seconds(limits.max_item_timeout),
            max_stream_items_in_flight=limits.max_stream_items_in_flight,
            max_queued_tokens=limits.max_queued_tokens,
            max_summary_characters=limits.max_summary_characters,
            max_calls=limits.max_calls,
            max_held_bytes=limits.max_held_bytes,
        ),
    )


def seconds(duration: Duration) -> float:
    """Converts a protobuf Duration to seconds."""
    return duration.seconds + duration.nanos / 1e9


def _summary(summary: pb.Summary, article: str) -> Summary:
    return Summary(
        length=_LENGTHS.get(summary.length, Length.UNKNOWN),
        text=summary.text,
        sentences=_sentences(summary.sentences, summary.text, article),
        unsupported_terms=_terms(summary.unsupported_terms, summary.text),
        checks_run=_checks(summary.checks_run),
        output_token_count=summary.output_token_count,
        finish_reason=_FINISH_REASONS.get(summary.finish_reason, FinishReason.UNKNOWN),
        warnings=_warnings(summary.warnings),
    )


def _sentences(sentences: Iterable[pb.SummarySentence], summary: str, article: str) -> tuple[Sentence, ...]:
    return tuple(
        Sentence(
            text=_cut(summary, sentence.span),
            start=sentence.span.start,
            end=sentence.span.end,
            sources=tuple(
                Source(
                    text=_cut(article, evidence.span),
                    start=evidence.span.start,
                    end=evidence.span.end,
                    score=evidence.score,
                )
                for evidence in sentence.evidence
            ),
            # Older servers, whose `support` is never unset, omit 0 but send a verdict.
            support=sentence.support if sentence.HasField("support") or sentence.verdict else None,
            verdict=_VERDICTS.get(sentence.verdict, Verdict.UNKNOWN),
            from_article=sentence.from_article,
        )
        for sentence in sentences
    )


def _terms(terms: Iterable[pb.UnsupportedTerm], summary: str) -> tuple[UnsupportedTerm, ...]:
    return tuple(
        UnsupportedTerm(
            text=_cut(summary, term.span),
            start=term.span.start,
            end=term.span.end,
            kind=_TERM_KINDS.get(term.kind, TermKind.UNKNOWN),
        )
        for term in terms
    )


def _checks(checks: Iterable[int]) -> tuple[CheckKind, ...]:
    return tuple(_CHECK_KINDS.get(check, CheckKind.UNKNOWN) for check in checks)


def _article_info(info: pb.ArticleInfo) -> ArticleInfo:
    return ArticleInfo(
        character_count=info.character_count,
        input_token_count=info.input_token_count,
        chunk_count=info.chunk_count,
        language=info.language,
    )


def _timings(timings: pb.Timings) -> Timings:
    return Timings(
        queue_seconds=seconds(timings.queue_duration),
        tokenize_seconds=seconds(timings.tokenize_duration),
        generate_seconds=seconds(timings.generate_duration),
        check_seconds=seconds(timings.check_duration),
        total_seconds=seconds(timings.total_duration),
    )


def _warnings(warnings: Iterable[pb.Warning]) -> tuple[Warning, ...]:
    return tuple(
        Warning(code=_WARNING_CODES.get(warning.code, WarningCode.UNKNOWN), detail=warning.detail)
        for warning in warnings
    )


def _cut(text: str, span: pb.Span) -> str:
    return text[max(span.start, 0) : max(span.end, 0)]
