"""Extractive summaries open with the article's best sentence."""

import os
import subprocess
import sys

import pytest

from nutgraf_models.article import Article
from nutgraf_models.extracts.main_point import main_point_scores
from nutgraf_models.extracts.own_sentences import own_sentences
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.loading import load_summarizer
from nutgraf_models.results import FinishReason
from nutgraf_models.text.sentences import split
from support.server import ScriptedEngine, summarizer_with

NEWS = "The port of Marlow reopened on Monday after a crane fell into the harbour."
WAIT = "Two ships waited for nine hours outside the harbour of Marlow."
SAID = "Nobody was hurt, the harbour master Ida Fenn said."


def extracted(text: str, length: Length, title: str = "") -> str:
    """The summary of an article if the model writes nothing usable."""
    script = {(one, beams): ("",) for one in Length for beams in (1, 4)}
    summary = summarizer_with(ScriptedEngine(script)).summarize(Article(text, title), (Spec(length),)).summaries[0]
    assert summary.finish_reason is FinishReason.EXTRACTIVE
    assert all(sentence.from_article for sentence in summary.sentences)
    return summary.text


@pytest.mark.parametrize(
    "opening",
    [
        "What happens to a port when its only crane falls?",
        "She knew that something awful had happened.",
        "You may have wondered where your parcel is.",
        "“We heard a terrible noise,” Ida Fenn said.",
        "Ida Fenn outside the harbour office in Marlow on Monday.",
        "Picture: Ida Fenn, Marlow Courier.",
        "This could not have come at a worse time.",
    ],
)
@pytest.mark.parametrize("shown", [1, 20])
def test_unfit_opening_is_skipped(opening, shown):
    """In an article about as short as its summary, and as a fallback."""
    text = " ".join([opening, *[NEWS, WAIT, SAID] * shown])
    assert extracted(text, Length.SHORT) == NEWS
    assert extracted(text, Length.LONG).startswith(NEWS)


@pytest.mark.parametrize(
    "opening",
    [
        NEWS,
        "A canal that made the valley of Marlow as we know it is to be filled with water again.",
        "Google has hired the man who made one of the best known forums of the web - Marlowchan.",
        "In this port of Marlow two ships waited for nine hours.",
        "Ida Fenn said: “I did not hear it.”",
        "“The Crane” opened on Monday in the port of Marlow.",
    ],
)
def test_self_contained_first_sentence_is_kept(opening):
    assert own_sentences(split(f"{opening} {NEWS} {WAIT} {SAID}"))[0] == opening


def test_aside_does_not_replace_the_first_sentence():
    opening = "What does it mean for the harbour of Marlow that the crane of its port fell?"
    aside = "Gulls eat chips in Skelbeach."
    assert own_sentences(split(f"{opening} {aside} {NEWS} {WAIT} {SAID}"))[0] == NEWS
    # Overlap with the headline counts too.
    text = f"Who would have thought it? {aside} A bakery opened."
    assert own_sentences(split(text), "Gulls eat chips in Skelbeach")[0] == aside


def test_datelines_and_bylines_are_removed_in_order():
    text = f"By. Ida Fenn. MARLOW (Reuters) - {NEWS} {WAIT} {SAID}"
    assert own_sentences(split(text)) == [NEWS, WAIT, SAID]


@pytest.mark.parametrize("text", ["Why?", "She knew. He did not.", "Gulls, chips, Skelbeach.", "no stop at all here"])
def test_unfit_sentences_are_used_if_there_are_no_others(text):
    assert own_sentences(split(text))[0].casefold() in text.casefold()


def test_english_rules_do_not_apply_to_other_languages():
    german = "Warum? Der Hafen von Marlow ist offen. Zwei Schiffe warteten."
    assert own_sentences(split(german), code="de") == ["Der Hafen von Marlow ist offen.", "Zwei Schiffe warteten."]


@pytest.mark.parametrize(
    "before", ["MARLOW (Reuters) - ", "By. Ida Fenn. ", "Ida Fenn outside the harbour office in Marlow on Monday. "]
)
def test_lead_skips_captions_bylines_and_datelines(before):
    text = before + " ".join([NEWS, WAIT, SAID] * 10)
    summaries = load_summarizer("lead").summarize(Article(text), show_doubted=True).summaries
    assert [one.text for one in summaries] == [NEWS, f"{NEWS} {WAIT} {SAID}"]


def test_main_point_shares_its_content_with_the_article():
    sentences = [
        "Picture a quiet beach in spring.",
        "You may have walked there yourself.",
        "The port of Marlow has banned ships that burn heavy oil, after residents of the harbour fell ill.",
        "Doctors in Marlow said that smoke from ships in the port had made 40 residents ill.",
        "Ships that burn heavy oil must leave the harbour by May.",
    ]
    scores = main_point_scores(sentences)
    assert max(range(len(scores)), key=scores.__getitem__) == 2
    assert len(main_point_scores([*sentences, *["It rained."] * 60])) == 65
    assert main_point_scores([]) == []


def test_headline_tells_the_main_point():
    sentences = [
        "Marlow wakes up early in spring.",
        "The council of Marlow has agreed to buy two electric ferries for the harbour.",
        "Marlow will close its public library in Mill Street on Monday, the council said.",
        "Fenn said that the vote was close.",
    ]

    def best(sentences: list[str], title: str = "") -> int:
        scores = main_point_scores(sentences, title)
        return max(range(len(scores)), key=scores.__getitem__)

    headline = "Marlow's library in Mill Street to close"
    assert best(sentences) == 1
    assert best(sentences, headline) == 2


def test_main_point_scores_are_the_same_in_every_process():
    program = """
from nutgraf_models.extracts.main_point import main_point_scores
words = "anchor barge cargo dock engine ferry gull harbour island jetty keel lamp mast net oar pilot".split()
parts = words, words[::2], words[1::2]
print(main_point_scores([f"The port has {' '.join(part)}." for part in parts]))
"""
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(printed) == 1
