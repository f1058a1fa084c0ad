"""Translates results to the messages of the contract."""

from collections.abc import Iterable

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_models import results
from nutgraf_models.checks.support import OTHERS_THRESHOLD, THRESHOLD
from nutgraf_models.lengths import MAX_SENTENCES_LIMIT, MAX_WORDS_LIMIT, MIN_WORDS_LIMIT, Length
from nutgraf_service.checker import CheckOutcome
from nutgraf_service.core import Core, State
from nutgraf_service.errors import to_duration
from nutgraf_service.requests import MAX_ID_CHARACTERS
from nutgraf_service.settings import Settings
from nutgraf_service.sharing import Outcome

_LENGTHS = {Length.SHORT: pb.SUMMARY_LENGTH_SHORT, Length.LONG: pb.SUMMARY_LENGTH_LONG}
_STATES = {
    State.LOADING: pb.SERVER_STATE_LOADING,
    State.SERVING: pb.SERVER_STATE_SERVING,
    State.DRAINING: pb.SERVER_STATE_DRAINING,
}


def response_from(outcome: Outcome, model: str) -> pb.SummarizeResponse:
    summary = outcome.summary
    return pb.SummarizeResponse(
        summaries=[_summary(written) for written in summary.summaries],
        article=pb.ArticleInfo(
            character_count=summary.character_count,
            input_token_count=summary.input_tokens,
            chunk_count=summary.chunks,
            language=summary.language,
        ),
        timings=pb.Timings(
            queue_duration=to_duration(outcome.queue_seconds),
            tokenize_duration=to_duration(summary.tokenize_seconds),
            generate_duration=to_duration(outcome.generate_seconds),
            check_duration=to_duration(summary.check_seconds),
            total_duration=to_duration(outcome.total_seconds),
        ),
        model=model,
        origin=pb.Origin.Value(f"ORIGIN_{outcome.origin.name}"),
        warnings=_warnings(summary.warnings),
    )


def check_response_from(outcome: CheckOutcome) -> pb.CheckSummaryResponse:
    checked = outcome.checked
    return pb.CheckSummaryResponse(
        support=checked.support,
        verdict=_verdict(checked.verdict),
        sentences=_sentences(checked.sentences),
        unsupported_terms=_terms(checked.unsupported_terms),
        checks_run=_checks(checked.checks_run),
        support_threshold=checked.threshold,
        article=pb.ArticleInfo(
            character_count=checked.character_count,
            input_token_count=checked.input_tokens,
            chunk_count=1,
            language=checked.language,
        ),
        timings=pb.Timings(
            queue_duration=to_duration(outcome.queue_seconds),
            tokenize_duration=to_duration(checked.tokenize_seconds),
            generate_duration=to_duration(0),
            check_duration=to_duration(checked.check_seconds),
            total_duration=to_duration(outcome.total_seconds),
        ),
        warnings=_warnings(checked.warnings),
    )


def server_info(core: Core, settings: Settings, version: str) -> pb.GetServerInfoResponse:
    info = pb.GetServerInfoResponse(
        state=_STATES[core.state],
        model=settings.model,
        version=version,
        support_threshold=THRESHOLD,
        check_support_threshold=OTHERS_THRESHOLD,
        summaries_unchecked=not settings.check,
        limits=pb.Limits(
            max_text_characters=settings.max_text_characters,
            max_title_characters=settings.max_title_characters,
            max_summary_characters=settings.max_summary_characters,
            max_message_bytes=settings.max_message_bytes,
            max_queued_requests=settings.max_queued_requests,
            max_queued_tokens=settings.max_queued_tokens,
            max_summary_sentences=MAX_SENTENCES_LIMIT,
            min_summary_words=MIN_WORDS_LIMIT,
            max_summary_words=MAX_WORDS_LIMIT,
            max_id_characters=MAX_ID_CHARACTERS,
            default_item_timeout=to_duration(settings.default_item_timeout),
            max_item_timeout=to_duration(settings.max_item_timeout),
            max_stream_items_in_flight=settings.max_stream_items,
            max_calls=settings.max_calls,
            max_held_bytes=settings.max_held_bytes,
        ),
    )
    if core.summarizer is not None:
        card, engine = core.summarizer.card, core.summarizer.engine
        info.model = card.id
        info.family = card.family
        info.engine = engine.name
        info.precision = engine.precision
        info.languages.extend(card.languages)
        info.limits.max_input_tokens = engine.max_input_tokens
    return info


def _summary(summary: results.Summary) -> pb.Summary:
    return pb.Summary(
        length=_LENGTHS[summary.length],
        text=summary.text,
        sentences=_sentences(summary.sentences),
        unsupported_terms=_terms(summary.unsupported_terms),
        checks_run=_checks(summary.checks_run),
        output_token_count=summary.output_tokens,
        finish_reason=pb.FinishReason.Value(f"FINISH_REASON_{summary.finish_reason.name}"),
        warnings=_warnings(summary.warnings),
    )


def _sentences(sentences: Iterable[results.SummarySentence]) -> list[pb.SummarySentence]:
    return [
        pb.SummarySentence(
            span=_span(sentence.span),
            evidence=[pb.Evidence(span=_span(passage.span), score=passage.score) for passage in sentence.evidence],
            support=sentence.support,
            verdict=_verdict(sentence.verdict),
            from_article=sentence.from_article,
        )
        for sentence in sentences
    ]


def _verdict(verdict: results.Verdict | None) -> pb.Verdict.ValueType:
    return pb.VERDICT_UNSPECIFIED if verdict is None else pb.Verdict.Value(f"VERDICT_{verdict.name}")


def _terms(terms: Iterable[results.UnsupportedTerm]) -> list[pb.UnsupportedTerm]:
    return [
        pb.UnsupportedTerm(span=_span(term.span), kind=pb.TermKind.Value(f"TERM_KIND_{term.kind.name}"))
        for term in terms
    ]


def _checks(checks: Iterable[results.Check]) -> list[pb.CheckKind.ValueType]:
    return [pb.CheckKind.Value(f"CHECK_KIND_{check.name}") for check in checks]


def _span(span: results.Span) -> pb.Span:
    return pb.Span(start=span.start, end=span.end)


def _warnings(warnings: Iterable[results.Warning]) -> list[pb.Warning]:
    return [
        pb.Warning(code=pb.WarningCode.Value(f"WARNING_CODE_{warning.kind.name}"), detail=warning.detail)
        for warning in warnings
    ]
