"""Text in, summaries out: the steps before, between and after the engine's.

`pipeline` is for a scheduler that drives the engine itself; `summarize` does all of it for one article.
"""

import time
from collections.abc import Iterator

from nutgraf_models.article import Article
from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checks.article_check import CHECKS, ArticleCheck, NoCheck
from nutgraf_models.checks.evidence import EvidenceIndex
from nutgraf_models.engines.base import Engine, GenerationRequest, RowCandidates
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.extracts.decisive import decisive_sentences
from nutgraf_models.lengths import DEFAULT_SPECS, Spec
from nutgraf_models.pipeline.choose import choose
from nutgraf_models.pipeline.condense import condense
from nutgraf_models.pipeline.driver import Pipeline, run
from nutgraf_models.pipeline.extractive import Choice, extract
from nutgraf_models.pipeline.plan import make_chunks, row_for
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
from nutgraf_models.text import language
from nutgraf_models.text.no_story import is_no_story
from nutgraf_models.text.normalize import clean, story_of
from nutgraf_models.text.sentences import split, word_count
from nutgraf_models.text.warnings import article_warnings

# Of a long article, so many late sentences are brought forward.
_MOST_DECISIVE = 2
_TOO_SHORT = Warning(
    WarningKind.ARTICLE_TOO_SHORT,
    "the article is about as short as this summary would be; its own sentences are returned",
)
_NO_STORY = Warning(
    WarningKind.NO_STORY,
    "the text is a page without a story, such as a paywall, a log-in or an error; its own first sentences are returned",
)


class Summarizer:
    """A card and its engine. `pipeline` may be called, and what it returns driven, from any thread.

    `check`: hold what the model writes against the article, and show nothing that is doubted unless that is asked for.
    Without it what the model wrote is shown, and nothing is said of it.
    """

    def __init__(self, card: Card, engine: Engine, *, check: bool = True) -> None:
        self.card = card
        self.engine = engine
        self.check = check

    def summarize(
        self, article: Article, specs: tuple[Spec, ...] = DEFAULT_SPECS, *, show_doubted: bool = False
    ) -> ArticleSummary:
        """Summarises one article with nothing else running on the engine.

        `show_doubted`: show what the model wrote, marked, where the check doubts it; nothing is put in its place.

        Raises:
            EmptyArticle: there is nothing to read.
        """
        return run(self.engine, [self.pipeline(article, specs, show_doubted=show_doubted)])[0]

    def pipeline(
        self, article: Article, specs: tuple[Spec, ...] = DEFAULT_SPECS, *, show_doubted: bool = False
    ) -> Pipeline:
        """The work on an article: reading it chunk by chunk if it is long, then summarising.

        Raises:
            EmptyArticle: there is nothing to read.
        """
        prepared = self._prepare(article, specs, show_doubted)
        if not prepared.rows:
            return self._complete(prepared)
        text, tokens = prepared.chunks[0], prepared.tokens
        if len(prepared.chunks) > 1:
            text = yield from condense(
                prepared.chunks,
                prepared.sentences,
                prepared.decisive,
                article.title,
                self.card,
                self.engine,
                check=self.check,
            )
            tokens = self.engine.count_tokens([text])[0]
        asked = tuple(row_for(self.card, specs[index], tokens) for index in prepared.rows)
        (rows,) = yield (GenerationRequest(text, asked),)
        return self._complete(prepared, rows)

    def _prepare(self, article: Article, specs: tuple[Spec, ...], show_doubted: bool) -> Prepared:
        """Cleans, splits and plans."""
        started = time.perf_counter()
        whole = clean(article.text)
        normalized = story_of(whole)
        sentences = split(normalized.text)
        if not sentences:
            raise EmptyArticle("the text has nothing in it to read")
        words = word_count(normalized.text)
        has_story = not is_no_story(whole.text)
        return Prepared(
            article,
            specs,
            show_doubted or not self.check,
            normalized,
            sentences,
            words,
            language.detect(normalized.text),
            self.engine.count_tokens([normalized.text])[0],
            chunks := make_chunks(normalized.text, sentences, self.engine),
            # A shorter article is in the model's view as a whole.
            decisive_sentences([sentence.text for sentence in sentences])[:_MOST_DECISIVE] if len(chunks) > 1 else [],
            has_story,
            # An article about as long as its summary would be is its own summary, and so is a page without a story.
            tuple(
                index
                for index, spec in enumerate(specs)
                if has_story and words > spec.usual_words and len(sentences) > 1
            ),
            ArticleCheck(normalized.text, sentences, article.title) if self.check else NoCheck(),
            time.perf_counter() - started,
        )

    def _complete(self, prepared: Prepared, rows: RowCandidates = ()) -> ArticleSummary:
        """Turns what the engine wrote, one entry for each of `prepared.rows`, into checked summaries."""
        started = time.perf_counter()
        candidates = dict(zip(prepared.rows, rows, strict=True))
        evidence = EvidenceIndex(prepared.normalized, prepared.sentences)
        summaries = []
        for index, spec in enumerate(prepared.specs):
            if index in candidates:
                others = [one for other, of_row in candidates.items() if other != index for one in of_row]
                choice = choose(prepared, spec, candidates[index], others, self.card.prompt.after(spec.length))
            else:
                choice = extract(prepared, spec, _TOO_SHORT if prepared.has_story else _NO_STORY)
            summaries.append(_summary(choice, spec, evidence, is_checked=self.check))
        return ArticleSummary(
            summaries=tuple(summaries),
            character_count=len(prepared.article.text),
            input_tokens=prepared.tokens,
            chunks=len(prepared.chunks),
            language=prepared.language,
            warnings=self._article_warnings(prepared),
            tokenize_seconds=prepared.seconds,
            check_seconds=time.perf_counter() - started,
        )

    def _article_warnings(self, prepared: Prepared) -> tuple[Warning, ...]:
        warnings = article_warnings(prepared.sentences, prepared.language, "the model", self.card.languages)
        if prepared.has_story:
            return warnings
        return (*(one for one in warnings if one.kind is not WarningKind.NO_PROSE), _NO_STORY)


def _summary(choice: Choice, spec: Spec, evidence: EvidenceIndex, *, is_checked: bool) -> Summary:
    position = 0
    sentences: list[SummarySentence] = []
    terms: list[UnsupportedTerm] = []
    for one in choice.sentences:
        passages = evidence.align(one.text)
        span = Span(position, position + len(one.text))
        checked = one.checked
        support, verdict = (checked.support, checked.verdict()) if is_checked else (None, None)
        sentences.append(SummarySentence(span, passages, support, verdict, one.from_article))
        terms += [
            UnsupportedTerm(Span(position + term.span.start, position + term.span.end), term.kind)
            for term in checked.terms
        ]
        position += len(one.text) + 1
    text = " ".join(one.text for one in choice.sentences)
    doubted = sum(one.verdict is Verdict.DOUBTED for one in sentences)
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


def _summary_warnings(choice: Choice, spec: Spec, doubted: int, terms: int, text: str) -> Iterator[Warning]:
    yield from choice.warnings
    if doubted:
        count = "a sentence" if doubted == 1 else f"{doubted} sentences"
        yield Warning(WarningKind.DOUBTED_SENTENCES, f"the check doubts that the article says {count} of this summary")
    if terms:
        count = "a name, number or quotation" if terms == 1 else f"{terms} names, numbers or quotations"
        yield Warning(WarningKind.UNSUPPORTED_TERMS, f"{count} of this summary cannot be found in the article")
    if spec.max_words is not None and word_count(text) > spec.max_words:
        detail = f"no whole sentence fits {spec.max_words} words; the summary is one sentence"
        yield Warning(WarningKind.WORD_CAP_EXCEEDED, detail)
    if len(choice.sentences) < spec.sentence_floor and choice.reason is not FinishReason.EXTRACTIVE:
        detail = f"{len(choice.sentences)} of at least {spec.sentence_floor} sentences could be shown"
        yield Warning(WarningKind.FEWER_SENTENCES, detail)
