"""Where an article's own sentences are its summary, the best of them open it."""

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
    """The summary of an article of which the model writes nothing that can be shown."""
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
def test_what_cannot_open_a_summary_does_not(opening, shown):
    """In an article about as short as its summary, and where a model has nothing to show."""
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
    ],
)
def test_a_first_sentence_that_can_be_read_by_itself_stays(opening):
    assert own_sentences(split(f"{opening} {NEWS} {WAIT} {SAID}"))[0] == opening


def test_one_that_has_less_in_common_with_the_article_does_not_stand_in():
    opening = "What does it mean for the harbour of Marlow that the crane of its port fell?"
    aside = "Gulls eat chips in Skelbeach."
    assert own_sentences(split(f"{opening} {aside} {NEWS} {WAIT} {SAID}"))[0] == NEWS
    # What the headline is about counts, too.
    text = f"Who would have thought it? {aside} A bakery opened."
    assert own_sentences(split(text), "Gulls eat chips in Skelbeach")[0] == aside


def test_datelines_and_bylines_go_and_the_rest_keeps_its_order():
    text = f"By. Ida Fenn. MARLOW (Reuters) - {NEWS} {WAIT} {SAID}"
    assert own_sentences(split(text)) == [NEWS, WAIT, SAID]


@pytest.mark.parametrize("text", ["Why?", "She knew. He did not.", "Gulls, chips, Skelbeach.", "no stop at all here"])
def test_an_article_of_nothing_better_has_what_there_is(text):
    assert own_sentences(split(text))[0].casefold() in text.casefold()


def test_sentences_of_other_languages_are_not_judged_by_the_rules_of_english():
    german = "Warum? Der Hafen von Marlow ist offen. Zwei Schiffe warteten."
    assert own_sentences(split(german), code="de") == ["Der Hafen von Marlow ist offen.", "Zwei Schiffe warteten."]


@pytest.mark.parametrize(
    "before", ["MARLOW (Reuters) - ", "By. Ida Fenn. ", "Ida Fenn outside the harbour office in Marlow on Monday. "]
)
def test_the_lead_is_no_caption_byline_or_dateline(before):
    text = before + " ".join([NEWS, WAIT, SAID] * 10)
    summaries = load_summarizer("lead").summarize(Article(text), show_doubted=True).summaries
    assert [one.text for one in summaries] == [NEWS, f"{NEWS} {WAIT} {SAID}"]


def test_the_main_point_is_what_the_rest_of_the_article_speaks_of():
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
