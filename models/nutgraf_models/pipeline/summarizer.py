"""The summariser: text in, summaries out.

`Summarizer.pipeline` is for a scheduler that drives the engine; `Summarizer.summarize` runs one article to its end.
"""

import time
from collections.abc import Generator, Sequence
from dataclasses import replace

from nutgraf_models.article import Article
from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checks.article_check import ArticleCheck, NoCheck
from nutgraf_models.checks.evidence import EvidenceIndex
from nutgraf_models.engines.base import Completion, Engine, GenerationRequest, Row, RowCandidates
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.extracts.decisive import decisive_sentences
from nutgraf_models.lengths import DEFAULT_SPECS, Spec
from nutgraf_models.pipeline.assemble import assemble_answer, assemble_summary
from nutgraf_models.pipeline.choose import choose
from nutgraf_models.pipeline.condense import condense
from nutgraf_models.pipeline.driver import Pipeline, run
from nutgraf_models.pipeline.extractive import NO_STORY, TOO_SHORT, Choice, extract
from nutgraf_models.pipeline.plan import make_chunks, row_for
from nutgraf_models.pipeline.prepared import Prepared
from nutgraf_models.pipeline.restarts import restarts
from nutgraf_models.results import ArticleSummary
from nutgraf_models.text import language
from nutgraf_models.text.no_story import is_no_story
from nutgraf_models.text.normalize import clean, story_of
from nutgraf_models.text.sentences import headline, split, story_start, word_count

# Late sentences of a long article that its summary must include.
_MAX_DECISIVE = 2
# Further attempts at a summary with an inserted article sentence; see `restarts`.
_MAX_RESTARTS = 1


class Summarizer:
    """A card and its engine. Thread-safe: any thread may call `pipeline` and drive the generator that it returns.

    `check`: check generated sentences against the article, and replace doubted ones unless the caller asks for them.
    Without it, generated sentences are shown unchecked, with neither support nor verdict.
    """

    def __init__(self, card: Card, engine: Engine, *, check: bool = True) -> None:
        self.card = card
        self.engine = engine
        self.check = check

    def summarize(
        self, article: Article, specs: tuple[Spec, ...] = DEFAULT_SPECS, *, show_doubted: bool = False
    ) -> ArticleSummary:
        """Summarises one article. Nothing else may use the engine meanwhile.

        `show_doubted`: keep doubted sentences, marked as such, instead of replacing them.

        Raises:
            EmptyArticle: the text is empty or blank.
        """
        return run(self.engine, [self.pipeline(article, specs, show_doubted=show_doubted)])[0]

    def pipeline(
        self, article: Article, specs: tuple[Spec, ...] = DEFAULT_SPECS, *, show_doubted: bool = False
    ) -> Pipeline:
        """The generation phases of an article: its chunks first if it is long, then its summaries.

        Raises:
            EmptyArticle: the text is empty or blank.
        """
        prepared = self._prepare(article, specs, show_doubted)
        if not prepared.generated:
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
        rows = tuple(row_for(self.card, specs[index], tokens) for index in prepared.generated)
        choices, seconds = yield from self._write(prepared, text, rows)
        return self._complete(prepared, choices, seconds)

    def _write(
        self, prepared: Prepared, text: str, rows: tuple[Row, ...]
    ) -> Generator[tuple[GenerationRequest, ...], tuple[Completion, ...], tuple[list[Choice], float]]:
        """Generates the rows, and again those whose summary would have an article sentence inserted.

        `text`: the article as the model reads it.

        Returns:
            The choice for each row, and the seconds spent on choosing.
        """
        # The lead engine only copies, and a caller of `show_doubted` gets the first attempt.
        left = 0 if self.card.family == "lead" or prepared.show_doubted else _MAX_RESTARTS
        pending = list(enumerate(rows))
        to_rank = prepared.sentences_to_rank
        candidates: RowCandidates = ((),) * len(rows)
        seconds = 0.0
        while True:
            (done,) = yield (GenerationRequest(text, tuple(row for _, row in pending), to_rank),)
            if done.main_points:
                prepared, to_rank = replace(prepared, ranked=done.main_points), ()
            more = [(index, candidate) for (index, _), row in zip(pending, done.rows, strict=True) for candidate in row]
            candidates = tuple(
                (*row, *(candidate for other, candidate in more if other == index))
                for index, row in enumerate(candidates)
            )
            started = time.perf_counter()
            choices = self._choices(prepared, candidates)
            # By prefix: an opening that is written for SHORT serves LONG, too.
            again = {
                restart.prefix: (index, restart.sentences)
                for index, choice in reversed(list(enumerate(choices if left else ())))
                for restart in restarts(prepared, text, choice, candidates[index])
            }
            pending = [
                (index, replace(rows[index], prefix=prefix, max_sentences=sentences))
                for prefix, (index, sentences) in again.items()
            ]
            seconds += time.perf_counter() - started
            if not pending:
                return choices, seconds
            left -= 1

    def _choices(self, prepared: Prepared, candidates: RowCandidates) -> list[Choice]:
        """The choice for each of `prepared.generated`, from the candidates of its row and of the others."""
        choices = []
        for index, row in zip(prepared.generated, candidates, strict=True):
            spec = prepared.specs[index]
            others = [candidate for other in candidates if other is not row for candidate in other]
            choices.append(choose(prepared, spec, row, others, self.card.prompt.after(spec.length)))
        return choices

    def _prepare(self, article: Article, specs: tuple[Spec, ...], show_doubted: bool) -> Prepared:
        """Cleans, splits and plans."""
        started = time.perf_counter()
        whole = clean(article.text)
        normalized = story_of(whole)
        sentences = split(normalized.text)
        if not sentences:
            raise EmptyArticle("the text has no letters, digits or symbols")
        # The headline is no sentence of the story: the model would copy it, and the checks take it for an introduction.
        sentences = sentences[story_start(normalized.text, sentences) :]
        if not article.title.strip() and (title := headline(normalized.text[: sentences[0].start])):
            article = replace(article, title=title)
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
            # The model reads a shorter article as a whole.
            decisive_sentences([sentence.text for sentence in sentences])[:_MAX_DECISIVE] if len(chunks) > 1 else [],
            has_story,
            # A page without a story, or an article about as short as its summary would be, is its own summary.
            tuple(
                index
                for index, spec in enumerate(specs)
                if has_story and words > spec.usual_words and len(sentences) > 1
            ),
            ArticleCheck(normalized.text, sentences, article.title) if self.check else NoCheck(),
            time.perf_counter() - started,
        )

    def _complete(self, prepared: Prepared, choices: Sequence[Choice] = (), seconds: float = 0.0) -> ArticleSummary:
        """The answer, from the choice for each of `prepared.generated`, which took `seconds`."""
        started = time.perf_counter()
        chosen = dict(zip(prepared.generated, choices, strict=True))
        evidence = EvidenceIndex(prepared.normalized, prepared.sentences)
        summaries = []
        for index, spec in enumerate(prepared.specs):
            choice = chosen.get(index) or extract(prepared, spec, TOO_SHORT if prepared.has_story else NO_STORY)
            summaries.append(assemble_summary(choice, spec, evidence, is_checked=self.check))
        seconds += time.perf_counter() - started
        return assemble_answer(prepared, summaries, self.card.languages, seconds)
