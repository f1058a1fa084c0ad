"""Sentence boundaries; and no piece without words is shown as a sentence."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nutgraf_models.article import Article
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.loading import load_summarizer
from nutgraf_models.pipeline.postprocess import cut_short
from nutgraf_models.results import FinishReason
from nutgraf_models.text.sentences import has_words, split
from support.articles import ARTICLE
from support.examples import examples
from support.server import ScriptedEngine, summarizer_with

MARKED = [
    line
    for line in Path(__file__).with_name("sentences.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
SHORT = Spec(Length.SHORT)


@pytest.mark.parametrize("marked", MARKED)
def test_english_sentence_boundaries(marked):
    assert [one.text for one in split(marked.replace("|", ""))] == [piece.strip() for piece in marked.split("|")]


@pytest.mark.parametrize(
    "sentences",
    [
        ["他于五月到达。", "没有人回答。"],
        ["彼は5月に到着した。", "誰も答えなかった!"],
        ["वह पाँच मई को आया।", "कोई नहीं जानता।"],
        ["وصل في الخامس من مايو.", "من سيدفع؟", "لا أحد يعرف."],
        ["እሱ ግንቦት ላይ ደረሰ።", "ማንም አያውቅም።"],
        ["Он приехал 5 мая.", "Никто не ответил."],
        ["¿Quién pagará?", "Nadie lo sabe."],
        ["Il a dit : « C'est fini. »", "Puis il est parti."],
    ],
)
def test_other_scripts_are_detected(sentences):
    assert [one.text for one in split(" ".join(sentences))] == sentences


def test_named_language_uses_its_own_rules():
    german = ["Am 5. Mai kam Dr. Weber nach Köln.", "Er blieb bis zum 12. Juni."]
    assert [one.text for one in split(" ".join(german), "de")] == german


PIECES = st.one_of(
    st.text(),
    st.sampled_from(
        ["Dr.", "U.S.", "5 p.m.", "No.", "1.", "...", ". . .", "…", '?"', '."The', "e.g.", ",", "\n", "(", ")"]
    ),
    st.sampled_from(["The port reopened.", "he asked", "Ida Fenn said", "said.Then", "»", "'", '"', "| .", "。"]),
)


@examples(500)
@given(st.lists(PIECES, max_size=20).map(" ".join), st.sampled_from(["en", "de"]))
def test_sentences_are_ordered_and_cover_all_but_white_space(text, language):
    position = 0
    for sentence in split(text, language):
        assert not text[position : sentence.start].strip()
        assert sentence.text == text[sentence.start : sentence.end] == sentence.text.strip() != ""
        position = sentence.end
    assert not text[position:].strip()


@pytest.mark.parametrize("text", ["By.", "Dr.", "1.", "(2)", "1. 2. 3.", "U.S.", "5 p.m.", "?!", ""])
def test_has_words_rejects_fewer_than_two_words(text):
    assert not has_words(text)


@pytest.mark.parametrize("text", ["He won.", "I am.", "A bus.", "3 were hurt.", "没有。"])
def test_has_words_accepts_two_words(text):
    assert has_words(text)


LEAD = "The port of Marlow reopened on Monday after a crane fell across its main quay."


@pytest.mark.parametrize(
    "first",
    [
        "Russian President Vladimir Putin said on Friday (Dec. 30) that he was not going to expel anybody.",
        "Texas Atty. Gen. Lou Marsh sued the owner of the port of Marlow on Monday.",
        "Dr. Ida Fenn reopened the port of Marlow on Monday after a storm.",
        "The musical Oklahoma! returned to the harbour theatre of Marlow on Monday.",
        '"Is it over?" Ida Fenn asked the harbour master on Monday.',
        "The port closed at 9 a.m. ET on Monday after a crane fell.",
        "The port covers 4 sq. km of marsh, approx. 10 ft. below the sea.",
    ],
)
def test_lead_is_one_complete_sentence(first):
    summarizer = load_summarizer("lead")
    summary = summarizer.summarize(Article(f"{first} {ARTICLE}"), (SHORT,), show_doubted=True).summaries[0]
    assert summary.text == first


@pytest.mark.parametrize(
    "piece", ["By.", "1.", "Dr.", "Why?", "1. 2. 3.", "By. Ida Fenn. PUBLISHED:. 07:58 EST, 1 May 2013."]
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_lead_engine_skips_pieces_without_words(piece, gap):
    summaries = load_summarizer("lead").summarize(Article(f"{piece}{gap}{ARTICLE}")).summaries
    assert [one.text.startswith(LEAD) for one in summaries] == [True, True]


@pytest.mark.parametrize("show_doubted", [False, True])
@pytest.mark.parametrize("text", ["By.", "1.", "Dr.", "1. 2. 3.", "Dr.\nBy.", "By"])
def test_generated_piece_without_words_is_not_shown(text, show_doubted):
    engine = ScriptedEngine({(length, beams): (text,) for length in Length for beams in (1, 4)})
    result = summarizer_with(engine).summarize(Article(ARTICLE), (SHORT,), show_doubted=show_doubted)
    assert result.summaries[0].text == LEAD
    assert result.summaries[0].finish_reason is FinishReason.EXTRACTIVE


def test_piece_without_words_is_dropped_next_to_a_sentence():
    engine = ScriptedEngine({(length, beams): (f"1.\n{LEAD}\nDr.",) for length in Length for beams in (1, 4)})
    result = summarizer_with(engine).summarize(Article(ARTICLE), (Spec(Length.LONG),), show_doubted=True)
    assert result.summaries[0].text == LEAD


def test_article_without_words_is_its_own_summary():
    assert load_summarizer("lead").summarize(Article("1.\nDr."), (SHORT,)).summaries[0].text == "1. Dr."


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("1,000.5 ' * 7 The port of Marlow", "The port of Marlow …"),
        ("1 2 3 4 5 a 6 7 8 9 10 The port of Marlow reopened", "The port of Marlow …"),
        ("The port of Marlow reopened on Monday", "The port of Marlow …"),
        ("1 2 3 4 5", "1 2 3 4 …"),
    ],
)
def test_truncated_sentence_begins_with_words(sentence, shown):
    assert cut_short(sentence, 4) == shown
