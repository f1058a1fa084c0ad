"""Restarts: a sentence that left the article is written again from there, by the model."""

from nutgraf_models.article import Article
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.results import FinishReason, WarningKind
from support.articles import ARTICLE
from support.server import ContinuingEngine, summarizer_with

SHORT, LONG = Spec(Length.SHORT), Spec(Length.LONG)
LEAD = "The port of Marlow reopened on Monday after a crane fell across its main quay."
OUTSIDE = "outside the breakwater, and a third turned back to Rundvik"
WORDS = "first second third fourth fifth sixth seventh eighth".split()


def summarized(engine: ContinuingEngine, spec: Spec, *, article: str = ARTICLE, **options: bool):
    return summarizer_with(engine, family="causal").summarize(Article(article), (spec,), **options).summaries[0]


WRONG = "The port of Marlow reopened on Monday after Ida Fenn fell across its main quay."
START = "The port of Marlow reopened on Monday after a"


def test_the_model_goes_on_with_the_articles_next_word():
    engine = ContinuingEngine(WRONG, " crane fell across its main quay.")
    summary = summarized(engine, SHORT)
    assert engine.prefixes == [START]
    assert summary.text == LEAD
    assert [sentence.from_article for sentence in summary.sentences] == [False]
    assert summary.finish_reason is FinishReason.STOP
    assert summary.output_tokens == 2 * ContinuingEngine.tokens
    assert summary.warnings == ()


def test_a_supported_summary_is_not_written_again():
    engine = ContinuingEngine(LEAD)
    assert summarized(engine, SHORT).text == LEAD
    assert engine.prefixes == []


def test_what_stands_before_the_doubted_sentence_is_kept():
    engine = ContinuingEngine(
        f"{LEAD} Two ships had to wait for 40 people outside the breakwater.", f" hours {OUTSIDE}."
    )
    summary = summarized(engine, LONG)
    assert engine.prefixes[0] == f"{LEAD} Two ships had to wait for nine"
    by_model = [sentence for sentence in summary.sentences if not sentence.from_article]
    texts = [summary.text[sentence.span.start : sentence.span.end] for sentence in by_model]
    assert texts == [LEAD, f"Two ships had to wait for nine hours {OUTSIDE}."]


def test_an_omission_at_a_comma_is_no_fault():
    engine = ContinuingEngine(f"{LEAD} The crane was to be replaced next week.", ".")
    summary = summarized(engine, LONG)
    assert engine.prefixes[0] == f"{LEAD} The crane was to be replaced next year"
    assert summary.text.endswith("The crane was to be replaced next year.")


def test_a_sentence_without_a_common_beginning_begins_as_the_articles_own():
    engine = ContinuingEngine("Ida Fenn said that Rundvik reopened.", " Marlow reopened on Monday.")
    summary = summarized(engine, SHORT)
    assert engine.prefixes == ["The port of"]
    assert summary.text == "The port of Marlow reopened on Monday."


def test_a_sentence_is_written_again_once():
    engine = ContinuingEngine(WRONG)
    summary = summarized(engine, SHORT)
    assert len(engine.prefixes) == 1
    assert summary.text == LEAD
    assert [sentence.from_article for sentence in summary.sentences] == [True]
    assert [warning.kind for warning in summary.warnings] == [WarningKind.EXTRACTIVE_FALLBACK]


def test_nothing_is_written_again_for_a_caller_who_wants_doubted_sentences():
    engine = ContinuingEngine(WRONG)
    assert summarized(engine, SHORT, show_doubted=True).text == WRONG
    assert engine.prefixes == []


def test_a_sentence_that_the_model_has_not_read_is_not_begun():
    """A long article is condensed; the model cannot go on with a sentence of which it has seen only a summary."""
    middle = "\n\n".join(f"The {word} clerk counted {word} boats at the old pier on that day." for word in WORDS)
    engine = ContinuingEngine(WRONG)
    engine.max_input_tokens = 60
    summarized(engine, LONG, article=f"{ARTICLE}\n\n{middle}")
    assert engine.prefixes
    assert not any("clerk" in prefix for prefix in engine.prefixes)
