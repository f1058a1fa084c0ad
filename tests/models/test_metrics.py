"""The measures of `nutgraf eval`, compared with values computed by hand."""

import math

import pytest

from nutgraf_models.evaluation.reference_check import content_coverage, unsupported_words
from nutgraf_models.evaluation.scores import (
    bootstrap_interval,
    copying,
    ends_in_full_stop,
    has_length,
    repeats_a_sentence,
    repeats_itself,
)

ARTICLE = "The old port of Marlow reopened on Monday after a crane fell. Two ships waited nine hours outside."


def test_copied_sentence_is_one_fragment():
    measured = copying("Two ships waited nine hours outside.", ARTICLE)
    assert (measured.coverage, measured.density, measured.novel_bigrams) == (1.0, 6.0, 0.0)
    assert measured.compression == 18 / 6


def test_fragments_are_matched_greedily_from_the_left():
    # "the old port" and "nine hours" are fragments of 3 and 2 words; "shut" and "for" are new.
    measured = copying("The old port shut for nine hours", ARTICLE)
    assert measured.coverage == pytest.approx(5 / 7)
    assert measured.density == pytest.approx((9 + 4) / 7)
    assert measured.novel_bigrams == pytest.approx(3 / 6)


def test_empty_summary_copies_nothing():
    assert copying("", ARTICLE).coverage == 0.0


@pytest.mark.parametrize(
    ("text", "sentence", "at_all"),
    [
        ("It fell. It rose.", False, False),
        ("It fell. It fell!", True, True),
        ("The port was shut and so the port was shut again.", False, True),
    ],
)
def test_repetition_is_detected(text, sentence, at_all):
    assert (repeats_a_sentence(text), repeats_itself(text)) == (sentence, at_all)


@pytest.mark.parametrize(
    ("text", "ends"), [("Done.", True), ("“Done.”", True), ("Done", False), ("It went on …", False)]
)
def test_final_full_stop_is_detected(text, ends):
    assert ends_in_full_stop(text) is ends


def test_length_bounds():
    twelve = "One two three four five six seven eight nine ten eleven twelve."
    assert has_length(twelve, "short")
    assert not has_length("Too short.", "short")
    assert not has_length(f"{twelve} {twelve}", "short")
    assert not has_length(" ".join(["word"] * 30) + " end.", "short")
    assert has_length(" ".join([twelve] * 3), "long")
    assert not has_length(f"{twelve} {twelve}", "long")
    assert not has_length(" ".join([twelve] * 5), "long")


def test_bootstrap_interval_contains_the_mean_narrows_and_is_deterministic():
    few, many = [10.0, 20.0] * 5, [10.0, 20.0] * 500
    low, high = bootstrap_interval(few)
    assert low < 15 < high
    assert bootstrap_interval(few) == (low, high)
    # The standard error of the mean of 1,000 values with standard deviation 5 is 0.158.
    narrow = bootstrap_interval(many)
    assert narrow[1] - narrow[0] == pytest.approx(2 * 1.96 * 0.158, rel=0.1)
    assert all(math.isnan(end) for end in bootstrap_interval([]))


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        ("The port of Marlow reopened on Monday.", []),
        ("MARLOW's port, 9 hours.", []),
        ("The port of Henley reopened.", ["Henley"]),
        ("It waited 12 hours.", ["12"]),
        ("Officials were relieved.", []),
        ("Northern Rail was relieved.", ["Northern", "Rail"]),
        ('He said: "We are open."', []),
    ],
)
def test_reference_check_finds_unsupported_names_and_numbers(summary, found):
    assert unsupported_words(summary, ARTICLE) == found


def test_content_coverage_compares_word_prefixes():
    assert content_coverage("Reopening of the port", ARTICLE) == 1.0
    assert content_coverage("Marlow celebrates", ARTICLE) == 0.5
    assert content_coverage("It was", ARTICLE) == 0.0
