"""Positions lead back to the text as it was sent, whatever is in it."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nutgraf_models.checks.evidence import EvidenceIndex, shared_weight
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split
from support.examples import examples

# What makes positions go wrong: characters that ftfy repairs, composes or drops, scripts, emoji, tags, breaks.
PIECES = [
    *("The port of Marlow reopened", "Two ships", "12.5%", "He said", "no", "a", "Mr.", "U.S.", "$3m", "Zo\u0308e"),
    *("cafe\u0301", "ole\u0301", "schÃ¶n", "â€œodd", "ﬁne", "№", "ﷺ", "Å", "\u1112\u1161\u11ab", "가", "½", "ß", "İ"),
    *("👩‍👩‍👧", "😀", "🇳🇴", "👍🏽", "❤️", "e\u0301\u0323", "a\u0300" * 4, "\u0301", "\u200d", "\ufe0f"),
    *("שלום עולם", "مرحبا", "السلام", "\u202bשלום\u202c", "नमस्ते", "ภาษาไทย", "这是一个句子", "東京"),
    *("\0", "\x08", "\ufeff", "\u00ad", "\u200b", "\ufffd", "\x1b[31m", "&amp;", "&lt;b&gt;", "&#39;", "&nbsp;"),
    *("“", "”", "‘", "’", '"', "'", "«", "»", "(", ")", "-", "–", "…", ",", ":"),
    *(".", ". ", "! ", "? ", "。", "؟ ", "।", '." ', ".) "),
    *(
        " ",
        " ",
        " ",
        "  ",
        "\t",
        "\u00a0",
        "\u3000",
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        "\r\n\r\n",
        "\u2028",
        "\u2029",
        "\x85",
        "\x0b",
    ),
    *("\nRead more\n", "\nBy Ida Fenn\r\n", "\n\nShare this story\n\n", "\n3 May 2015\n", "\nRelated stories\nOne\n"),
]
TAGS = [
    *("<p>", "</p>", "<b>", "</b>", "<br>", "<br/>", "<wbr>", '<a href="x">', "</a>", "<", ">", "< b", "</>"),
    *("<img src=x>", "<div>", "</div>", "<ul>", "<li>", "</ul>", "<table>", "<tr>", "<td>", "</table>"),
    *("<pre>", "</pre>", "<o:p>", "<item>", "<!-- x -->", "<!-- <p>x -->", "<!---->", "<!", "<?php x ?>"),
    *("<![CDATA[", "]]>", "<![endif]>", "<!doctype html>", "<script>y</script>", "<style>p > a {}</style>"),
    *("<script>if (a<b) '</p>'</script>", "<textarea>y</textarea>", "<del>400</del>", "<q>", "</q>"),
    *("<sup>1</sup>", "<aside>y</aside>", "<nav>y</nav>", "<p hidden>y</p>", "<svg>y</svg>", "&amp;"),
    *("&nbsp;", "&#10;", "&hearts;", "&amp;nbsp;", "&#x1F600;", "&lt", "&ampx", "&NotEqualTilde;", "&shy;"),
    *("&#8203;", "&lt;p&gt;", "\r\n", "\r", "\n\n", "\u00ad", "\u200d", "1", "2"),
]
# What never ends: a part of it is read otherwise than the whole, and the way back has to hold even so.
BROKEN = [
    *TAGS,
    *("<!--", "-->", "<script>", "</script>", "<style>", "<textarea>", '<p class="', "'", '"', "=", "</p", "<b"),
    *("&lt;br&gt;", "<![CDATA"),
]
ANY = st.text(st.characters(exclude_characters="<"), max_size=4)
PLAIN = st.lists(st.sampled_from(PIECES) | ANY, max_size=40).map("".join)
# Enough tags for the text to be taken for HTML.
HTML = st.lists(st.sampled_from([*PIECES, *TAGS]) | ANY, max_size=40).map(lambda pieces: f"<p></p>{''.join(pieces)}")
TEXTS = PLAIN | HTML
TAG_SOUP = st.lists(st.sampled_from([*PIECES, *BROKEN]) | st.text(max_size=4), max_size=40).map("".join)


@examples(400)
@given(TEXTS)
@example("The port\r\nreopened.\r\n\r\nBy Ida Fenn\r\nTwo cafe\u0301s 👩‍👩‍👧 here.")
@example("e\u0301\u0323")
@example("Ù\x80Ù")
@example("The port of Marlow reopenedMr.&amp;")
@example("\x1b!:ﬁne")
def test_a_sentence_leads_back_to_the_stretch_that_it_was_made_from(text):
    clean = normalize(text)
    last = 0
    for sentence in split(clean.text):
        start, end = clean.source_span(sentence.start, sentence.end)
        assert last <= start < end <= len(text)
        last = end
        assert visible(clean_again(text[start:end], text)) == visible(sentence.text)


@examples(400)
@given(TEXTS | TAG_SOUP)
def test_the_way_back_never_goes_backwards_or_leaves_the_text(text):
    clean = normalize(text)
    points = [clean.source_span(place, place + 1) for place in range(len(clean.text))]
    assert all(0 <= start <= end <= len(text) for start, end in points)
    # Characters that stand for one stretch together, as those of a reference may, share it or a part of it.
    assert all(one[0] <= other[0] and one[1] <= other[1] for one, other in pairwise(points))
    if points:
        assert clean.source_span(0, len(clean.text)) == (points[0][0], points[-1][1])


@examples(200)
@given(TEXTS, st.randoms(use_true_random=False))
def test_evidence_points_to_the_sentence_that_was_meant(text, rng):
    clean = normalize(text)
    sentences = split(clean.text)
    index = EvidenceIndex(clean, sentences)
    meant = {clean.source_span(one.start, one.end) for one in sentences}
    for sentence in rng.sample(sentences, min(3, len(sentences))):
        passages = index.align(sentence.text)
        assert {(one.span.start, one.span.end) for one in passages} <= meant
        scores = [one.score for one in passages]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)
        # The sentence itself has all of its own content, and none can have more.
        assert scores[:1] == ([pytest.approx(1)] if shared_weight(sentence.text, [sentence.text]) else [])


def clean_again(stretch: str, text: str) -> str:
    return normalize(f"<p></p>{stretch}" if text.startswith("<p></p>") else stretch).text


def visible(text: str) -> str:
    return "".join(text.split())
