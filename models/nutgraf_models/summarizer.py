"""Text in, summaries out: the steps before, between and after the engine's.

`phases` is for a scheduler that drives the engine itself; `summarize` does all of it for one article.
"""

import time
from collections.abc import Generator
from dataclasses import replace

from nutgraf_models import language
from nutgraf_models.articles import Article, Prepared
from nutgraf_models.card import Card
from nutgraf_models.condense import condense
from nutgraf_models.drafts import Draft, draft, extract, needs_more_candidates
from nutgraf_models.engines.base import Candidate, Engine, GenerationRequest, Row, Rows
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.evidence import EvidenceIndex
from nutgraf_models.lengths import DEFAULT_SPECS, Length, Spec
from nutgraf_models.normalize import normalize
from nutgraf_models.phases import Phases, run
from nutgraf_models.plan import make_chunks, row_for
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


class Summarizer:
    """A card and its engine. `phases` may be called, and what it returns driven, from any thread."""

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
        return run(self.engine, [self.phases(article, specs, extractive_fallback=extractive_fallback)])[0]

    def phases(
        self, article: Article, specs: tuple[Spec, ...] = DEFAULT_SPECS, *, extractive_fallback: bool = False
    ) -> Phases:
        """The work on an article: reading it chunk by chunk if it is long, summarising, more candidates if need be.

        Raises:
            EmptyArticle: there is nothing to read.
        """
        prepared = self._prepare(article, specs, extractive_fallback)
        if not prepared.rows:
            return self._complete(prepared)
        text, tokens = prepared.chunks[0], prepared.tokens
        if len(prepared.chunks) > 1:
            text = yield from condense(prepared.chunks, prepared.sentences, article.title, self.card, self.engine)
            tokens = self.engine.count_tokens([text])[0]
        asked = tuple(row_for(self.card, specs[index], tokens) for index in prepared.rows)
        (rows,) = yield (GenerationRequest(text, asked),)
        more = yield from self._repair(prepared, asked, rows, text, tokens)
        return self._complete(prepared, more, repaired=more != rows)

    def _repair(
        self, prepared: Prepared, asked: tuple[Row, ...], rows: Rows, text: str, tokens: int
    ) -> Generator[tuple[GenerationRequest, ...], tuple[Rows, ...], Rows]:
        """The rows with more candidates for those that are wanting, the cheapest first."""
        candidates = list(rows)
        longs = [
            candidate
            for row, of_row in zip(asked, rows, strict=True)
            if row.length is Length.LONG
            for candidate in of_row
        ]
        attempts: dict[int, list[Row]] = {}
        for place, row in enumerate(asked):
            if self._is_wanting(prepared, place, row, rows[place]):
                attempts[place] = [_by_beams(row)]
                # Beams often share what was invented, and cost most; another instruction gives another sentence.
                if row.length is Length.SHORT and longs:
                    candidates[place] += tuple(longs)
                elif row.length is Length.SHORT:
                    attempts[place].insert(0, self._first_of_long(row, tokens))
        while again := [
            place
            for place, left in attempts.items()
            if left and self._is_wanting(prepared, place, asked[place], candidates[place])
        ]:
            (more,) = yield (GenerationRequest(text, tuple(attempts[place].pop(0) for place in again)),)
            for place, added in zip(again, more, strict=True):
                candidates[place] += added
        return tuple(candidates)

    def _prepare(self, article: Article, specs: tuple[Spec, ...], extractive_fallback: bool) -> Prepared:
        """Cleans, splits and plans."""
        started = time.perf_counter()
        normalized = normalize(article.text)
        sentences = split(normalized.text)
        if not sentences:
            raise EmptyArticle("the text has nothing in it to read")
        words = word_count(normalized.text)
        return Prepared(
            article,
            specs,
            extractive_fallback,
            normalized,
            sentences,
            words,
            language.detect(normalized.text),
            self.engine.count_tokens([normalized.text])[0],
            make_chunks(normalized.text, sentences, self.engine),
            # An article about as long as its summary would be is its own summary.
            tuple(index for index, spec in enumerate(specs) if words > spec.usual_words and len(sentences) > 1),
            TermIndex(normalized.text, article.title),
            time.perf_counter() - started,
        )

    def _is_wanting(self, prepared: Prepared, place: int, row: Row, candidates: tuple[Candidate, ...]) -> bool:
        """Whether a row is to be asked for again, with more candidates.

        It is if it was decoded greedily, and each candidate names what the article does not, has too few sentences, or
        none that could be shown.
        """
        spec = prepared.specs[prepared.rows[place]]
        return row.decoding.num_beams == 1 and needs_more_candidates(
            prepared, spec, candidates, self.card.prompt.after(spec.length)
        )

    def _first_of_long(self, row: Row, tokens: int) -> Row:
        """A row for the first sentence that a LONG would have."""
        spec = Spec(Length.LONG, max_sentences=1, max_words=row.max_words)
        long = row_for(self.card, spec, tokens)
        return replace(long, decoding=long.decoding.model_copy(update={"min_new_tokens": 0}))

    def _complete(self, prepared: Prepared, rows: Rows = (), *, repaired: bool = False) -> ArticleSummary:
        """Turns what the engine wrote, one entry for each of `prepared.rows`, into checked summaries."""
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
            input_tokens=prepared.tokens,
            chunks=len(prepared.chunks),
            repaired=repaired,
            language=prepared.language,
            warnings=self._article_warnings(prepared),
            tokenize_seconds=prepared.seconds,
            check_seconds=time.perf_counter() - started,
        )

    def _article_warnings(self, prepared: Prepared) -> tuple[Warning, ...]:
        warnings = []
        code, known = prepared.language, self.card.languages
        if known and code != language.UNKNOWN and code not in known:
            detail = f'the article seems to be in "{code}"; the model knows {", ".join(known)}'
            warnings.append(Warning(WarningKind.LANGUAGE_NOT_SUPPORTED, detail))
        if not has_prose(prepared.sentences):
            detail = "the text has no sentence: it looks like a table, a list, code, or what surrounds an article"
            warnings.append(Warning(WarningKind.NO_PROSE, detail))
        return tuple(warnings)


def _by_beams(row: Row) -> Row:
    return replace(row, decoding=row.decoding.model_copy(update={"num_beams": _REPAIR_BEAMS}))


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
        count = (
            "a name, number or quotation"
            if len(unsupported) == 1
            else f"{len(unsupported)} names, numbers or quotations"
        )
        detail = f"{count} of this summary cannot be found in the article"
        warnings.append(Warning(WarningKind.UNSUPPORTED_TERMS, detail))
    if len(shown.sentences) < spec.sentence_floor and shown.reason is not FinishReason.EXTRACTIVE:
        detail = f"{len(shown.sentences)} of at least {spec.sentence_floor} sentences could be shown"
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
