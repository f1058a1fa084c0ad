"""Any text whatever through the whole pipeline ends in summaries that keep their promises, or in "nothing to read"."""

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checkpoints import checkpoint
from nutgraf_models.articles import Article
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.lengths import DEFAULT_SPECS, Length, Spec
from nutgraf_models.loading import load_summarizer
from nutgraf_models.results import ArticleSummary
from nutgraf_models.summarizer import Summarizer
from support.articles import ARTICLE

# The longest text that a server takes by default.
LONGEST = 200_000
PIECES = [
    *("The port of Marlow reopened on Monday.", " Nobody was hurt, she said.", " 12.5% of 3,000", ' "Yes," he said.'),
    *("\u202e", "\u2066", "\u200f", "שלום עולם.", "\u202bمرحبا\u202c", "\u200b", "\ufeff", "\u0000", "\x1b[2J", "\x07"),
    *("👩‍👩‍👧", "🇳🇴🇳", "👍🏽", "❤️", "e" + "\u0301" * 30, "\U0010ffff", "\ufffe", "\ue000", "\U000e0041", "𝕋𝕙𝕖"),
    *(
        "<p>",
        "</p>",
        "<div><div>",
        "</b>",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "<a href='",
        "<![CDATA[",
        "&#x110000;",
    ),
    *("&amp;" * 3, "&lt;p&gt;", "<style>p{", "<br/>", "<svg/onload=x>", "{{article}}", "<|im_end|>", "<s>", "</s>"),
    *("x" * 300, "http://" + "a" * 80, "1" * 90, "." * 50, "\n" * 5, "\r\r\n", "\t", " " * 20, "\u2028", "\x85"),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=25).map("".join) | st.text(max_size=200)
SPECS = st.just(DEFAULT_SPECS) | st.builds(
    lambda length, sentences, words: (Spec(length, sentences, words),),
    st.sampled_from(Length),
    st.none() | st.integers(1, 10),
    st.none() | st.integers(5, 500),
)
quick = settings(max_examples=300, deadline=None, derandomize=True, database=None)


@cache
def lead() -> Summarizer:
    return load_summarizer("lead")


@cache
def tiny() -> Summarizer:
    return load_summarizer(str(checkpoint("t5")), threads=1)


def check(summary: ArticleSummary, text: str, specs: tuple[Spec, ...]) -> None:
    assert [one.length for one in summary.summaries] == [spec.length for spec in specs]
    assert summary.character_count == len(text)
    for one in summary.summaries:
        assert one.text.strip()
        # It can be sent, and no control character can do anything at the reader's.
        one.text.encode()
        assert not any(ord(character) < 32 or character == "\x7f" for character in one.text)
        sentences = [one.text[sentence.span.start : sentence.span.end] for sentence in one.sentences]
        assert " ".join(sentences) == one.text
        for sentence in one.sentences:
            assert 0 <= sentence.support <= 1.0001
            for evidence in sentence.evidence:
                assert 0 <= evidence.span.start < evidence.span.end <= len(text)
        for term in one.unsupported_terms:
            assert 0 <= term.span.start < term.span.end <= len(one.text)
        for before, after in pairwise(one.unsupported_terms):
            assert before.span.end <= after.span.start


def summarize(summarizer: Summarizer, text: str, title: str = "", specs: tuple[Spec, ...] = DEFAULT_SPECS) -> None:
    try:
        summary = summarizer.summarize(Article(text, title), specs)
    except EmptyArticle:
        # Something that can be seen is something to read.
        assert not any(word.isascii() and word.isalnum() for word in text.split())
    else:
        check(summary, text, specs)


@quick
@given(TEXTS, st.text(max_size=20), SPECS)
@example("word", "", DEFAULT_SPECS)
def test_any_text_is_summarised_by_its_first_sentences(text: str, title: str, specs: tuple[Spec, ...]) -> None:
    summarize(lead(), text, title, specs)


@settings(quick, max_examples=25)
@given(TEXTS, st.text(max_size=20), SPECS)
def test_any_text_is_summarised_by_a_model(text: str, title: str, specs: tuple[Spec, ...]) -> None:
    summarize(tiny(), text, title, specs)


@settings(quick, max_examples=25)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), st.integers(0, len(ARTICLE)))
def test_anything_in_the_middle_of_an_article(pieces: list[str], place: int) -> None:
    summarize(lead(), ARTICLE[:place] + "".join(pieces) + ARTICLE[place:])


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "<",
        "&",
        "“",
        '"',
        "\u202e",
        "\u0301",
        "👩‍👩‍👧",
        "A. ",
        "Mr. ",
        "He said. ",
        "\n\n",
        "a\n",
        "<p>",
        "x<!--",
        "3,",
    ],
)
def test_a_piece_that_repeats_to_the_longest_text_ends_soon(piece: str) -> None:
    summarize(lead(), (piece * LONGEST)[:LONGEST])
