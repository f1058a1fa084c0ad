"""Text in, summaries out: the steps before and after the engine.

`prepare`, `repair` and `complete` are for a scheduler that drives the engine itself; `summarize` does all of it for one
article.
"""

import time
from dataclasses import dataclass, replace

from nutgraf_models import language
from nutgraf_models.articles import Article, Prepared
from nutgraf_models.card import Card, Decoding
from nutgraf_models.drafts import Draft, draft, extract, needs_more_candidates
from nutgraf_models.engines.base import Candidate, Engine, GenerationRequest, Row, Rows
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.evidence import EvidenceIndex
from nutgraf_models.lengths import DEFAULT_SPECS, Spec
from nutgraf_models.normalize import normalize
from nutgraf_models.plan import make_plan
from nutgraf_models.prose import has_prose
from nutgraf_models.results import (
    ArticleSummary,
    Check,
    FinishReason,
    Span,
    Summary,
    SummarySentence,
    Warning,
    WarningKind,
)
from nutgraf_models.sentences import split, word_count
from nutgraf_models.terms import TermIndex

# Candidates for a row whose greedy one was found wanting.
_REPAIR_BEAMS = 4


@dataclass(frozen=True)
class Repair:
    """A request for more candidates for some rows of another: `rows` are their places in it."""

    request: GenerationRequest
    rows: tuple[int, ...]

    def add(self, first: Rows, more: Rows) -> Rows:
        """The rows of the first request with the candidates of this one behind theirs."""
        added = dict(zip(self.rows, more, strict=True))
        return tuple((*row, *added.get(place, ())) for place, row in enumerate(first))


class Summarizer:
    """A card and its engine. All but `summarize` may be called from any thread, several at once."""

    def __init__(self, card: Card, engine: Engine) -> None:
        self.card = card
        self.engine = engine

    def summarize(
        self, article: Article, specs: tuple[Spec, ...] = DEFAULT_SPECS, *, extractive_fallback: bool = False
    ) -> ArticleSummary:
        """Summarises one article with nothing else running on the engine.

        Raises:
            EmptyArticle: there is nothing to read.
        """
        prepared = self.prepare(article, specs, extractive_fallback=extractive_fallback)
        if prepared.request is None:
            return self.complete(prepared)
        rows = self._run(prepared.request)
        repair = self.repair(prepared, rows)
        if repair is not None:
            rows = repair.add(rows, self._run(repair.request))
        return self.complete(prepared, rows)

    def _run(self, request: GenerationRequest) -> Rows:
        handle = self.engine.submit(request)
        while True:
            for completion in self.engine.step():
                if completion.handle == handle:
                    if completion.error is not None:
                        raise completion.error
                    return completion.rows

    def prepare(
        self, article: Article, specs: tuple[Spec, ...] = DEFAULT_SPECS, *, extractive_fallback: bool = False
    ) -> Prepared:
        """Cleans, splits and plans.

        Raises:
            EmptyArticle: there is nothing to read.
        """
        started = time.perf_counter()
        normalized = normalize(article.text)
        sentences = split(normalized.text)
        if not sentences:
            raise EmptyArticle("the text has nothing in it to read")
        code = language.detect(normalized.text)
        plan = make_plan(normalized.text, sentences, self.engine)
        words = word_count(normalized.text)
        # An article about as long as its summary would be is its own summary.
        rows = tuple(index for index, spec in enumerate(specs) if words > spec.usual_words and len(sentences) > 1)
        request = None
        if rows:
            request = GenerationRequest(plan.text, tuple(self._row(specs[index], plan.used_tokens) for index in rows))
        return Prepared(
            article,
            specs,
            extractive_fallback,
            normalized,
            sentences,
            words,
            code,
            plan,
            rows,
            request,
            TermIndex(normalized.text, article.title),
            time.perf_counter() - started,
        )

    def repair(self, prepared: Prepared, rows: Rows) -> Repair | None:
        """What to ask the engine for after the first request: candidates by beams for each row that needs them.

        A row does if it was decoded greedily and its only candidate names what the article does not, has too few
        sentences, or none that could be shown.
        """
        request = prepared.request
        assert request is not None
        places = tuple(
            place
            for place, (row, index) in enumerate(zip(request.rows, prepared.rows, strict=True))
            if row.decoding.num_beams == 1 and self._is_wanting(prepared, prepared.specs[index], rows[place])
        )
        if not places:
            return None
        beams = {"num_beams": _REPAIR_BEAMS}
        more = (request.rows[place] for place in places)
        again = tuple(replace(row, decoding=row.decoding.model_copy(update=beams)) for row in more)
        return Repair(GenerationRequest(request.article, again), places)

    def _is_wanting(self, prepared: Prepared, spec: Spec, candidates: tuple[Candidate, ...]) -> bool:
        return needs_more_candidates(prepared, spec, candidates, self.card.prompt.after(spec.length))

    def complete(self, prepared: Prepared, rows: Rows = ()) -> ArticleSummary:
        """Turns what the engine wrote, one entry for each row of `prepared.request`, into checked summaries."""
        started = time.perf_counter()
        candidates = dict(zip(prepared.rows, rows, strict=True))
        evidence = EvidenceIndex(prepared.normalized, prepared.sentences)
        summaries = []
        for index, spec in enumerate(prepared.specs):
            if index in candidates:
                shown = draft(prepared, spec, candidates[index], self.card.prompt.after(spec.length))
            else:
                warning = Warning(
                    WarningKind.ARTICLE_TOO_SHORT,
                    "the article is about as short as this summary would be; its own first sentences are returned",
                )
                shown = extract(prepared, spec, warning)
            summaries.append(_check(shown, spec, prepared.terms, evidence))
        return ArticleSummary(
            summaries=tuple(summaries),
            character_count=len(prepared.article.text),
            input_tokens=prepared.plan.input_tokens,
            used_tokens=prepared.plan.used_tokens,
            chunks=1,
            language=prepared.language,
            warnings=self._article_warnings(prepared),
            tokenize_seconds=prepared.seconds,
            check_seconds=time.perf_counter() - started,
        )

    def _row(self, spec: Spec, article_tokens: int) -> Row:
        """The card's preset, with no more tokens than the article has: a summary is never longer."""
        preset = self.card.decoding.of(spec.length)
        most = max(16, min(preset.max_new_tokens, article_tokens))
        least = min(preset.min_new_tokens, most // 2)
        if spec.max_words is not None:
            least = min(least, spec.max_words // 2)
        decoding = Decoding.model_validate({**dict(preset), "max_new_tokens": most, "min_new_tokens": least})
        return Row(spec.length, decoding, spec.sentence_cap, spec.max_words)

    def _article_warnings(self, prepared: Prepared) -> tuple[Warning, ...]:
        warnings = []
        plan, code, known = prepared.plan, prepared.language, self.card.languages
        if plan.is_truncated and prepared.request is not None:
            detail = f"the model read the first {plan.used_tokens} of the article's {plan.input_tokens} tokens"
            warnings.append(Warning(WarningKind.ARTICLE_TRUNCATED, detail))
        if known and code != language.UNKNOWN and code not in known:
            detail = f'the article seems to be in "{code}"; the model knows {", ".join(known)}'
            warnings.append(Warning(WarningKind.LANGUAGE_NOT_SUPPORTED, detail))
        if not has_prose(prepared.sentences):
            detail = "the text has no sentence: it looks like a table, a list, code, or what surrounds an article"
            warnings.append(Warning(WarningKind.NO_PROSE, detail))
        return tuple(warnings)


def _check(shown: Draft, spec: Spec, terms: TermIndex, evidence: EvidenceIndex) -> Summary:
    text = " ".join(shown.sentences)
    position = 0
    sentences = []
    for sentence in shown.sentences:
        passages, support = evidence.align(sentence)
        sentences.append(SummarySentence(Span(position, position + len(sentence)), passages, support))
        position += len(sentence) + 1
    unsupported = terms.unsupported(text)
    warnings = list(shown.warnings)
    if unsupported:
        detail = f"{len(unsupported)} name(s), number(s) or quotation(s) of this summary are not in the article"
        warnings.append(Warning(WarningKind.UNSUPPORTED_TERMS, detail))
    if len(shown.sentences) < spec.sentence_floor and shown.reason is not FinishReason.EXTRACTIVE:
        detail = f"the model wrote {len(shown.sentences)} sentence(s) where {spec.sentence_floor} were expected"
        warnings.append(Warning(WarningKind.FEWER_SENTENCES, detail))
    return Summary(
        spec.length,
        text,
        tuple(sentences),
        unsupported,
        (Check.EVIDENCE, Check.NUMBERS, Check.NAMES, Check.QUOTATIONS),
        shown.tokens,
        shown.reason,
        tuple(warnings),
    )
