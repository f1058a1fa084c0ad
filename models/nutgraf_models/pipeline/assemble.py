"""The answer for one article: the chosen sentences with their evidence, verdicts, unsupported terms and warnings."""

from collections.abc import Iterator, Sequence

from nutgraf_models.checks.article_check import CHECKS
from nutgraf_models.checks.evidence import EvidenceIndex
from nutgraf_models.lengths import Spec
from nutgraf_models.pipeline.extractive import NO_STORY, Choice
from nutgraf_models.pipeline.prepared import Prepared
from nutgraf_models.results import (
    ArticleSummary,
    Check,
    FinishReason,
    Span,
    Summary,
    SummarySentence,
    UnsupportedTerm,
    Verdict,
    Warning,
    WarningKind,
)
from nutgraf_models.text.sentences import word_count
from nutgraf_models.text.warnings import article_warnings


def assemble_summary(choice: Choice, spec: Spec, evidence: EvidenceIndex, *, is_checked: bool) -> Summary:
    """A summary of the chosen sentences. Without a check they have evidence, and neither support nor verdict."""
    position = 0
    sentences: list[SummarySentence] = []
    terms: list[UnsupportedTerm] = []
    for shown in choice.sentences:
        passages = evidence.align(shown.text)
        span = Span(position, position + len(shown.text))
        checked = shown.checked
        support, verdict = (checked.support, checked.verdict()) if is_checked else (None, None)
        sentences.append(SummarySentence(span, passages, support, verdict, shown.from_article))
        terms += [
            UnsupportedTerm(Span(position + term.span.start, position + term.span.end), term.kind)
            for term in checked.terms
        ]
        position += len(shown.text) + 1
    text = " ".join(shown.text for shown in choice.sentences)
    doubted = sum(sentence.verdict is Verdict.DOUBTED for sentence in sentences)
    return Summary(
        spec.length,
        text,
        tuple(sentences),
        tuple(terms),
        CHECKS if is_checked else (Check.EVIDENCE,),
        choice.tokens,
        choice.reason,
        tuple(_summary_warnings(choice, spec, doubted, len(terms), text)),
    )


def assemble_answer(
    prepared: Prepared, summaries: Sequence[Summary], languages: Sequence[str], check_seconds: float
) -> ArticleSummary:
    """The summaries with the facts and warnings about their article. `languages` are those of the model."""
    warnings = article_warnings(prepared.sentences, prepared.language, "the model", languages)
    if not prepared.has_story:
        warnings = (*(warning for warning in warnings if warning.kind is not WarningKind.NO_PROSE), NO_STORY)
    return ArticleSummary(
        summaries=tuple(summaries),
        character_count=len(prepared.article.text),
        input_tokens=prepared.tokens,
        chunks=len(prepared.chunks),
        language=prepared.language,
        warnings=warnings,
        tokenize_seconds=prepared.seconds,
        check_seconds=check_seconds,
    )


def _summary_warnings(choice: Choice, spec: Spec, doubted: int, terms: int, text: str) -> Iterator[Warning]:
    yield from choice.warnings
    if doubted:
        sentences = "a sentence" if doubted == 1 else f"{doubted} sentences"
        yield Warning(WarningKind.DOUBTED_SENTENCES, f"the article may not support {sentences} of this summary")
    if terms:
        count = "a name, number or quotation" if terms == 1 else f"{terms} names, numbers or quotations"
        yield Warning(WarningKind.UNSUPPORTED_TERMS, f"{count} of this summary cannot be found in the article")
    if spec.max_words is not None and word_count(text) > spec.max_words:
        detail = f"no complete sentence fits in {spec.max_words} words; the summary is one longer sentence"
        yield Warning(WarningKind.WORD_CAP_EXCEEDED, detail)
    if len(choice.sentences) < spec.sentence_floor and choice.reason is not FinishReason.EXTRACTIVE:
        detail = f"only {len(choice.sentences)} of at least {spec.sentence_floor} sentences could be shown"
        yield Warning(WarningKind.FEWER_SENTENCES, detail)
