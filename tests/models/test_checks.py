"""Evidence and unsupported terms."""

import pytest

from nutgraf_models.checks.evidence import EvidenceIndex
from nutgraf_models.checks.terms import TermIndex
from nutgraf_models.results import TermKind
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split
from support.articles import ARTICLE


def unsupported(summary: str, article: str = ARTICLE, title: str = "") -> list[tuple[str, TermKind]]:
    terms = TermIndex(article, title).unsupported(summary)
    return [(summary[term.span.start : term.span.end], term.kind) for term in terms]


@pytest.mark.parametrize(
    "summary",
    [
        "The port of Marlow reopened on Monday.",
        "Ida Fenn's port had 40 people at work, and two ships waited nine hours.",
        "Marlow’s crane, of 1974, fell; 9 hours passed.",
        "It fell on Marlow Docks' quay.",
        "Officials were relieved.",
    ],
)
def test_supported_terms_are_not_reported(summary):
    assert unsupported(summary) == []


@pytest.mark.parametrize(
    ("summary", "term", "kind"),
    [
        ("The port of Marlow reopened on Tuesday.", "Tuesday", TermKind.NAME),
        ("Work took 50 people all night.", "50", TermKind.NUMBER),
        ("It was run by Ida Penn.", "Penn", TermKind.NAME),
        ("The crane was built in 1947.", "1947", TermKind.NUMBER),
        ("The USA sent help.", "USA", TermKind.NAME),
    ],
)
def test_unsupported_terms_are_reported_with_their_spans(summary, term, kind):
    assert unsupported(summary) == [(term, kind)]


def test_the_title_counts_as_article():
    assert unsupported("Storm Ylva broke it.", title="Storm Ylva fells a crane") == []


@pytest.mark.parametrize(("summary", "article"), [("He paid 1200.", "It cost 1,200."), ("12 ships.", "twelve ships")])
def test_equal_numbers_match_across_notations(summary, article):
    assert unsupported(summary, article) == []


def evidence(summary_sentence: str):
    clean = normalize(ARTICLE)
    passages = EvidenceIndex(clean, split(clean.text)).align(summary_sentence)
    return [ARTICLE[one.span.start : one.span.end] for one in passages], [one.score for one in passages]


def test_evidence_is_the_source_sentence():
    texts, scores = evidence("Two ships waited nine hours outside the breakwater.")
    assert texts[0].startswith("Two ships had to wait")
    assert scores[0] > 0.8


def test_evidence_from_two_sentences_is_sorted_by_score():
    texts, scores = evidence("A crane built in 1974 fell across the main quay at Marlow on Monday.")
    assert {text.split()[1] for text in texts} >= {"port", "crane,"}
    assert scores == sorted(scores, reverse=True)
    assert scores[0] < 1


def test_unrelated_sentence_has_weak_evidence():
    assert sum(evidence("Parliament rejected the budget of Chancellor Abel Munn.")[1]) < 0.2


def test_a_sentence_without_content_has_no_evidence():
    assert evidence("It is so.") == ([], [])


@pytest.mark.parametrize(
    ("summary_sentence", "article"),
    [
        ("Prices rose by 5%.", "Prices rose by five per cent."),
        ("Marlow paid 3 million dollars.", "Marlow paid $3m."),
        ("Zoë saw Russia's boat.", "Zoe saw the Russian boat."),
        ("Fenn sailed on 3 May.", "Fenn sailed on May 3rd."),
    ],
)
def test_evidence_matches_other_word_forms(summary_sentence, article):
    clean = normalize(article)
    assert EvidenceIndex(clean, split(clean.text)).align(summary_sentence)[0].score == pytest.approx(1)


def test_evidence_tie_goes_to_the_passage_with_least_other_content():
    article = "Ida Fenn, who runs the port and owns a mill, left Marlow in spring. Ida Fenn left Marlow."
    clean = normalize(article)
    passages = EvidenceIndex(clean, split(clean.text)).align("Fenn left Marlow.")
    assert article[passages[0].span.start : passages[0].span.end] == "Ida Fenn left Marlow."
