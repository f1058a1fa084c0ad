"""Text in, summaries out: the steps before and after the engine.

`prepare` and `complete` are for a scheduler that drives the engine itself; `summarize` does all of it for one article.
"""

import time
from dataclasses import dataclass, field

from nutgraf_models import finish, language
from nutgraf_models.card import Card, Decoding
from nutgraf_models.engines.base import Candidate, Engine, GenerationRequest, Row
from nutgraf_models.engines.lead import leading
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.evidence import EvidenceIndex
from nutgraf_models.lengths import DEFAULT_SPECS, Spec
from nutgraf_models.normalize import NormalizedText, normalize
from nutgraf_models.plan import Plan, make_plan
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
from nutgraf_models.sentences import Sentence, split, word_count
from nutgraf_models.terms import TermIndex

# An extractive summary is no longer than this, whatever the article calls a sentence.
_EXTRACT_WORDS = 100


@dataclass(frozen=True)
class Article:
    """An article as it was sent. The title counts as article when terms are looked up, and is never evidence."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Prepared:
    """An article ready for the engine. `request` has a row for each spec in `rows`; None: no model is needed."""

    article: Article
    specs: tuple[Spec, ...]
    extractive_fallback: bool
    normalized: NormalizedText
    sentences: list[Sentence] = field(repr=False)
    words: int
    language: str
    plan: Plan = field(repr=False)
    rows: tuple[int, ...]
    request: GenerationRequest | None
    seconds: float


@dataclass(frozen=True)
class _Draft:
    """A summary before it is checked."""

    sentences: list[str]
    reason: FinishReason
    tokens: int = 0
    warnings: tuple[Warning, ...] = ()


class Summarizer:
    """A card and its engine. `prepare` and `complete` may be called from any thread, several at once."""

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
        handle = self.engine.submit(prepared.request)
        while True:
            for completion in self.engine.step():
                if completion.handle == handle:
                    if completion.error is not None:
                        raise completion.error
                    return self.complete(prepared, completion.rows)

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
            time.perf_counter() - started,
        )

    def complete(self, prepared: Prepared, rows: tuple[tuple[Candidate, ...], ...] = ()) -> ArticleSummary:
        """Turns what the engine wrote, one entry for each row of `prepared.request`, into checked summaries."""
        started = time.perf_counter()
        candidates = dict(zip(prepared.rows, rows, strict=True))
        terms = TermIndex(prepared.normalized.text, prepared.article.title)
        evidence = EvidenceIndex(prepared.normalized, prepared.sentences)
        summaries = []
        for index, spec in enumerate(prepared.specs):
            if index in candidates:
                draft = self._draft(prepared, spec, candidates[index], terms)
            else:
                warning = Warning(
                    WarningKind.ARTICLE_TOO_SHORT,
                    "the article is about as short as this summary would be; its own first sentences are returned",
                )
                draft = _extract(prepared, spec, warning)
            summaries.append(_check(draft, spec, terms, evidence))
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

    def _draft(self, prepared: Prepared, spec: Spec, candidates: tuple[Candidate, ...], terms: TermIndex) -> _Draft:
        """The likeliest candidate of those with the fewest unsupported terms that have a sentence to show."""
        instruction = self.card.prompt.after(spec.length)
        tokens = max((candidate.token_count for candidate in candidates), default=0)
        usable: list[tuple[int, int, _Draft]] = []
        for candidate in candidates:
            sentences = finish.whole_sentences(candidate.text, instruction)
            kept = finish.cap(sentences, spec, prepared.words)
            warnings: tuple[Warning, ...] = ()
            if not kept and sentences and word_count(sentences[0]) < prepared.words:
                kept = sentences[:1]
                warnings = (_over_word_cap(spec),)
            if kept:
                reason = FinishReason(candidate.finish.value)
                if reason is FinishReason.STOP and len(kept) < len(sentences):
                    reason = FinishReason.CAP
                unsupported = len(terms.unsupported(" ".join(kept)))
                usable.append((len(warnings), unsupported, _Draft(kept, reason, candidate.token_count, warnings)))
        if usable:
            return min(usable, key=lambda one: one[:2])[2]
        return self._nothing_usable(prepared, spec, candidates, tokens)

    def _nothing_usable(self, prepared: Prepared, spec: Spec, candidates: tuple[Candidate, ...], tokens: int) -> _Draft:
        text = next((" ".join(one.text.split()) for one in candidates if one.text.strip()), "")
        if text and not prepared.extractive_fallback and finish.whole_sentences(f"{text} ."):
            warning = Warning(
                WarningKind.INCOMPLETE_SENTENCE,
                "the model ended no sentence; ask for extractive_fallback to get the article's own sentence instead",
            )
            most = min(_EXTRACT_WORDS, spec.max_words or _EXTRACT_WORDS, prepared.words - 1)
            return _Draft([finish.cut_short(text, most)], FinishReason.TOKEN_LIMIT, tokens, (warning,))
        warning = Warning(
            WarningKind.EXTRACTIVE_FALLBACK, "the model wrote nothing usable; this is the article's own first sentence"
        )
        return _extract(prepared, spec, warning, tokens)

    def _article_warnings(self, prepared: Prepared) -> tuple[Warning, ...]:
        warnings = []
        plan, code, known = prepared.plan, prepared.language, self.card.languages
        if plan.is_truncated and prepared.request is not None:
            detail = f"the model read the first {plan.used_tokens} of the article's {plan.input_tokens} tokens"
            warnings.append(Warning(WarningKind.ARTICLE_TRUNCATED, detail))
        if known and code != language.UNKNOWN and code not in known:
            detail = f'the article seems to be in "{code}"; the model knows {", ".join(known)}'
            warnings.append(Warning(WarningKind.LANGUAGE_NOT_SUPPORTED, detail))
        if not any(sentence.is_complete for sentence in prepared.sentences):
            warnings.append(Warning(WarningKind.NO_PROSE, "the text has no sentence that ends with a full stop"))
        return tuple(warnings)


def _over_word_cap(spec: Spec) -> Warning:
    detail = f"no whole sentence fits {spec.max_words} words; the summary is one sentence"
    return Warning(WarningKind.WORD_CAP_EXCEEDED, detail)


def _extract(prepared: Prepared, spec: Spec, why: Warning, tokens: int = 0) -> _Draft:
    """The article's first sentences; whole ones where it has any."""
    texts = leading(prepared.sentences)
    warnings: tuple[Warning, ...] = (why,)
    kept = finish.cap(texts, spec, prepared.words)
    if kept:
        return _Draft(kept, FinishReason.EXTRACTIVE, tokens, warnings)
    most = min(_EXTRACT_WORDS, spec.max_words or _EXTRACT_WORDS)
    first = texts[0]
    if word_count(first) > most or len(first) > 1000:
        first = finish.cut_short(first, most)
        warnings += (Warning(WarningKind.INCOMPLETE_SENTENCE, "the article's first sentence is too long to show"),)
    return _Draft([first], FinishReason.EXTRACTIVE, tokens, warnings)


def _check(draft: _Draft, spec: Spec, terms: TermIndex, evidence: EvidenceIndex) -> Summary:
    text = " ".join(draft.sentences)
    position = 0
    sentences = []
    for sentence in draft.sentences:
        passages, support = evidence.align(sentence)
        sentences.append(SummarySentence(Span(position, position + len(sentence)), passages, support))
        position += len(sentence) + 1
    unsupported = terms.unsupported(text)
    warnings = list(draft.warnings)
    if unsupported:
        detail = f"{len(unsupported)} name(s) or number(s) of this summary are not in the article"
        warnings.append(Warning(WarningKind.UNSUPPORTED_TERMS, detail))
    if len(draft.sentences) < spec.sentence_floor and draft.reason is not FinishReason.EXTRACTIVE:
        detail = f"the model wrote {len(draft.sentences)} sentence(s) where {spec.sentence_floor} were expected"
        warnings.append(Warning(WarningKind.FEWER_SENTENCES, detail))
    return Summary(
        spec.length,
        text,
        tuple(sentences),
        unsupported,
        (Check.EVIDENCE, Check.NUMBERS, Check.NAMES),
        draft.tokens,
        draft.reason,
        tuple(warnings),
    )
