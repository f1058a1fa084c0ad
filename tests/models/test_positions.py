"""Positions map back to the text as sent, for any text."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nutgraf_models.checks.evidence import EvidenceIndex, shared_weight
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split
from support.examples import examples

# Text that may break positions: characters that ftfy repairs, composes or drops, scripts, emoji, tags, breaks.
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
# Unclosed markup: a part of it is parsed differently from the whole, and the mapping must still hold.
BROKEN = [
    *TAGS,
    *("<!--", "-->", "<script>", "</script>", "<style>", "<textarea>", '<p class="', "'", '"', "=", "</p", "<b"),
    *("&lt;br&gt;", "<![CDATA"),
]
ANY = st.text(st.characters(exclude_characters="<"), max_size=4)
PLAIN = st.lists(st.sampled_from(PIECES) | ANY, max_size=40).map("".join)
# Enough tags for the text to count as HTML.
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
def test_sentence_span_maps_to_its_source(text):
    clean = normalize(text)
    last = 0
    for sentence in split(clean.text):
        start, end = clean.source_span(sentence.start, sentence.end)
        assert last <= start < end <= len(text)
        last = end
        assert visible(clean_again(text[start:end], text)) == visible(sentence.text)


@examples(400)
@given(TEXTS | TAG_SOUP)
def test_mapping_is_monotonic_and_within_the_text(text):
    clean = normalize(text)
    points = [clean.source_span(place, place + 1) for place in range(len(clean.text))]
    assert all(0 <= start <= end <= len(text) for start, end in points)
    # Characters that are mapped together, as those of a reference may be, share a span or part of it.
    assert all(one[0] <= other[0] and one[1] <= other[1] for one, other in pairwise(points))
    if points:
        assert clean.source_span(0, len(clean.text)) == (points[0][0], points[-1][1])


@examples(200)
@given(TEXTS, st.randoms(use_true_random=False))
def test_evidence_span_is_the_matching_sentence(text, rng):
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
        # The sentence itself contains all of its content, which is the maximum.
        assert scores[:1] == ([pytest.approx(1)] if shared_weight(sentence.text, [sentence.text]) else [])


def clean_again(stretch: str, text: str) -> str:
    return normalize(f"<p></p>{stretch}" if text.startswith("<p></p>") else stretch).text


def visible(text: str) -> str:
    return "".join(text.split())
