"""The pipeline around an engine that writes what the test says."""

import pytest

from nutgraf_models.articles import Article
from nutgraf_models.engines.base import Candidate, Finish
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.loading import load_summarizer
from nutgraf_models.phases import advance
from nutgraf_models.results import ArticleSummary, FinishReason, WarningKind
from nutgraf_models.summarizer import Summarizer
from support.articles import ARTICLE
from support.server import ScriptedEngine, summarizer_with

SHORT, LONG = Spec(Length.SHORT), Spec(Length.LONG)


def written(*texts: str, spec: Spec = SHORT, fallback: bool = False, article: str = ARTICLE, finish=Finish.STOP):
    """The summary where the model's candidates were `texts`."""
    phases = load_summarizer("lead").phases(Article(article), (spec,), extractive_fallback=fallback)
    candidates = tuple(Candidate(text, len(text.split()), finish) for text in texts)
    advance(phases)
    step = advance(phases, ((candidates,),))
    while not isinstance(step, ArticleSummary):
        # More candidates are asked for; there are none.
        step = advance(phases, (tuple(() for _ in step[0].rows),))
    return step.summaries[0]


def kinds(summary) -> list[WarningKind]:
    return [warning.kind for warning in summary.warnings]


def test_an_article_as_short_as_its_summary_is_its_own():
    article = "A bridge fell. Nobody was hurt. It was old."
    summary = load_summarizer("lead").summarize(Article(article))
    assert [one.text for one in summary.summaries] == ["A bridge fell.", "A bridge fell. Nobody was hurt."]
    for one in summary.summaries:
        assert kinds(one) == [WarningKind.ARTICLE_TOO_SHORT]
        assert one.finish_reason is FinishReason.EXTRACTIVE


@pytest.mark.parametrize("text", ["", " \n", "\0", "<p></p><p></p>"])
def test_nothing_to_read_is_an_error(text):
    with pytest.raises(EmptyArticle):
        load_summarizer("lead").summarize(Article(text))


def test_the_candidate_with_fewest_unsupported_terms_wins():
    summary = written("The port of Harlow reopened.", "The port of Marlow reopened.", "Marlow is a port.")
    assert summary.text == "The port of Marlow reopened."
    assert summary.unsupported_terms == ()


def test_if_all_have_some_the_likeliest_stands_with_its_terms_marked():
    summary = written("The port of Harlow reopened.", "The port of Barlow reopened.")
    assert summary.text == "The port of Harlow reopened."
    (term,) = summary.unsupported_terms
    assert summary.text[term.span.start : term.span.end] == "Harlow"
    assert kinds(summary) == [WarningKind.UNSUPPORTED_TERMS]


GOOD = "The port of Marlow reopened on Monday."
MORE = "Two ships waited for nine hours."
BAD = "The port of Harlow reopened on Monday."


def test_they_give_way_to_the_articles_own_sentence_where_that_is_allowed():
    summary = written("The port of Harlow reopened.", "The port of Barlow reopened.", fallback=True)
    assert summary.text == "The port of Marlow reopened on Monday after a crane fell across its main quay."
    assert summary.finish_reason is FinishReason.EXTRACTIVE
    assert kinds(summary) == [WarningKind.EXTRACTIVE_FALLBACK]


def test_a_long_summary_is_shown_without_the_sentence_that_invents():
    summary = written(f"{GOOD} Bob Quayle wept. {MORE}", spec=LONG)
    assert summary.text == f"{GOOD} {MORE}"
    assert summary.unsupported_terms == ()
    assert summary.warnings == ()


def test_where_that_leaves_too_few_another_candidates_sentence_fills_it_up():
    summary = written(f"{GOOD} Bob Quayle wept.", f"The port of Marlow reopened. {MORE}", spec=LONG)
    assert summary.text in (f"{GOOD} {MORE}", f"The port of Marlow reopened. {MORE}")
    # The likeliest is the better one where both have only one supported sentence.
    summary = written(f"{GOOD} Bob Quayle wept.", f"{MORE} Bob Quayle wept.", spec=LONG)
    assert summary.text == f"{GOOD} {MORE}"


def repaired(script, *specs: Spec):
    engine = ScriptedEngine(script)
    summaries = summarizer_with(engine).summarize(Article(ARTICLE), specs).summaries
    return [summary.text for summary in summaries], engine.asked


def test_a_greedy_summary_that_holds_is_not_asked_for_again():
    script = {(Length.SHORT, 1): (GOOD,), (Length.LONG, 1): (f"{GOOD} {MORE}",)}
    assert repaired(script, SHORT, LONG) == ([GOOD, f"{GOOD} {MORE}"], list(script))


@pytest.mark.parametrize("greedy", [BAD, "the port of", ""], ids=["invents", "never ends", "is empty"])
def test_a_short_summary_that_is_wanting_gives_way_to_the_first_sentence_of_the_long_one(greedy):
    script = {(Length.SHORT, 1): (greedy,), (Length.LONG, 1): (f"{GOOD} {MORE}",)}
    assert repaired(script, SHORT, LONG) == ([GOOD, f"{GOOD} {MORE}"], list(script))


def test_where_that_invents_too_only_the_row_that_is_wanting_is_asked_for_again_with_beams():
    long = f"Bob Quayle wept. {GOOD} {MORE}"
    script = {
        (Length.SHORT, 1): (BAD,),
        (Length.LONG, 1): (long,),
        (Length.LONG, 4): (f"{GOOD} {MORE}",),
        (Length.SHORT, 4): (BAD, "The port of Barlow reopened.", MORE),
    }
    texts, asked = repaired(script, SHORT, LONG)
    assert texts == [MORE, f"{GOOD} {MORE}"]
    assert asked[2:] == [(Length.SHORT, 4), (Length.LONG, 4)]


def test_where_no_long_one_was_asked_for_its_first_sentence_is_and_beams_only_if_it_is_wanting_too():
    script = {(Length.SHORT, 1): (BAD,), (Length.LONG, 1): (f"{GOOD} {MORE}",)}
    assert repaired(script, SHORT) == ([GOOD], list(script))
    script = {(Length.SHORT, 1): (BAD,), (Length.LONG, 1): (BAD,), (Length.SHORT, 4): (BAD, GOOD)}
    assert repaired(script, SHORT) == ([GOOD], list(script))


def test_a_long_summary_of_one_sentence_is_asked_for_again():
    script = {(Length.LONG, 1): (GOOD,), (Length.LONG, 4): (GOOD, f"{GOOD} {MORE}")}
    assert repaired(script, LONG)[0] == [f"{GOOD} {MORE}"]


def test_if_no_beam_is_better_the_greedy_one_stands():
    script = {(Length.SHORT, 1): (BAD,), (Length.SHORT, 4): ("The port of Barlow reopened.",) * 4}
    assert repaired(script, SHORT)[0] == [BAD]


def test_what_was_decoded_by_beams_is_not_decoded_again():
    engine = ScriptedEngine({(Length.SHORT, 2): (BAD,)})
    summarizer = summarizer_with(engine)
    decoding = summarizer.card.decoding.with_beams(2)
    summarizer.card = summarizer.card.model_copy(update={"decoding": decoding})
    assert summarizer.summarize(Article(ARTICLE), (SHORT,)).summaries[0].text == BAD
    assert engine.asked == [(Length.SHORT, 2)]


def test_a_candidate_cut_off_by_its_tokens_loses_its_last_sentence():
    summary = written("The port reopened. A crane fell. Two ships had to", spec=LONG, finish=Finish.TOKEN_LIMIT)
    assert summary.text == "The port reopened. A crane fell."
    assert summary.finish_reason is FinishReason.TOKEN_LIMIT


def test_sentences_over_the_cap_are_dropped_and_the_reason_says_so():
    summary = written("The port reopened. A crane fell.")
    assert summary.text == "The port reopened."
    assert summary.finish_reason is FinishReason.CAP


def test_one_sentence_where_a_long_summary_was_asked_for_is_said():
    summary = written("The port reopened on Monday.", spec=LONG)
    assert kinds(summary) == [WarningKind.FEWER_SENTENCES]


@pytest.mark.parametrize("texts", [("",), ("...",), ("the port of",)])
def test_nothing_usable_becomes_the_articles_own_sentence_where_that_is_allowed(texts):
    summary = written(*texts, fallback=True)
    assert summary.text == "The port of Marlow reopened on Monday after a crane fell across its main quay."
    assert summary.finish_reason is FinishReason.EXTRACTIVE
    assert kinds(summary) == [WarningKind.EXTRACTIVE_FALLBACK]


def test_a_sentence_that_never_ended_is_marked_where_extracts_are_not_allowed():
    summary = written("the port of Marlow and", finish=Finish.TOKEN_LIMIT)
    assert summary.text == "the port of Marlow and …"
    assert kinds(summary) == [WarningKind.INCOMPLETE_SENTENCE]


def test_a_model_that_writes_nothing_at_all_still_leaves_a_summary():
    assert written("").text


def test_a_summary_longer_than_its_article_is_not_shown():
    article = (
        "The bridge of Vell fell on Monday in a storm that nobody had seen coming. It was built of stone in 1801. "
    )
    article += "Its last repair was years ago."
    long = " ".join(
        f"The bridge fell for the {ordinal} time on this Monday." for ordinal in ("1st", "2nd", "3rd", "4th")
    )
    summary = written(long, article=article, spec=SHORT)
    assert len(summary.text.split()) < len(article.split())


@pytest.mark.parametrize(
    ("text", "kinds_expected"),
    [
        ("Die Brücke im Dorf wird neu gebaut. Das sagte der Bürgermeister.", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("Le pont du village sera reconstruit. Le maire l'a dit lundi.", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("市议会周二投票决定重建桥梁。没有人受伤。", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("أعيد فتح الميناء يوم الاثنين. لم يصب أحد بأذى.", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("Порт вновь открылся в понедельник. Никто не пострадал.", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("Mr Erdoğan met Xi Jinping, Nguyen Phu Trong and Søren Kjær in Đà Nẵng. Nobody spoke.", []),
        (ARTICLE, []),
    ],
)
def test_a_language_that_the_model_does_not_know_is_said_and_foreign_names_are_none(text, kinds_expected):
    lead = load_summarizer("lead")
    summarizer = Summarizer(lead.card.model_copy(update={"languages": ("en",)}), lead.engine)
    assert [one.kind for one in summarizer.summarize(Article(text)).warnings] == kinds_expected
