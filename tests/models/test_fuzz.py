"""For any article and any model output, the summary keeps the invariants, or the article is empty."""

from hypothesis import example, given
from hypothesis import strategies as st

from nutgraf_models.article import Article
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.results import WarningKind
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import has_words, split, word_count
from support.articles import ARTICLE
from support.examples import examples
from support.server import ScriptedEngine, summarizer_with

PIECES = st.one_of(
    st.text(),
    st.text(st.characters(categories=("Cc", "Cf", "Mn", "Zs", "So"))),
    st.sampled_from(["The port of Marlow reopened on Monday.", "Two ships waited for nine hours.", "Bob Quayle wept."]),
    st.sampled_from(
        ["Subscribe to continue reading.", "Correction: It was 40.", "404 Not Found", "By. Ida Fenn.", "<|im_end|>"]
    ),
    st.sampled_from(
        ["<p>", "</p>", "<br>", "<!--", "<script>", "<del>", "</del>", "&nbsp;", "&lt;p&gt;", "<aside>x</aside>"]
    ),
    st.sampled_from([" ,", " .", " ;", " '", " `", " ``", " ''", ' "', " n't", " 's", "( ", "$ ", "98. 7"]),
    st.sampled_from(
        ["\n\n", "<p>", "&amp;", "U.S.", "...", "“", "”", '"', "1,000.5", "$3m", "50%", "\u202e", "e\u0301"]
    ),
)
TEXTS = st.lists(PIECES, max_size=20).map(" ".join)
WORDS = st.one_of(st.none(), st.integers(5, 90))
SPECS = st.one_of(
    st.builds(Spec, st.just(Length.SHORT), st.none(), WORDS),
    st.builds(Spec, st.just(Length.LONG), st.one_of(st.none(), st.integers(1, 10)), WORDS),
)


@examples(200)
@given(
    st.one_of(st.just(ARTICLE), TEXTS),
    st.one_of(st.just(""), TEXTS),
    st.lists(SPECS, min_size=1),
    TEXTS,
    TEXTS,
    st.booleans(),
)
@example(ARTICLE, "", [Spec(Length.SHORT)], "", "\0", True)
@example(ARTICLE, "", [Spec(Length.LONG)], "word " * 2_000, ". " * 2_000, False)
def test_summary_invariants_hold(article, title, specs, greedy, by_beams, fallback):
    script = {(length, beams): (text,) for length in Length for beams, text in ((1, greedy), (4, by_beams))}
    summarizer = summarizer_with(ScriptedEngine(script))
    try:
        result = summarizer.summarize(Article(article, title), tuple(specs), show_doubted=fallback)
    except EmptyArticle:
        assert split(normalize(article).text) == []
    else:
        readable = any(has_words(one.text) for one in split(normalize(article).text))
        assert [one.length for one in result.summaries] == [spec.length for spec in specs]
        for spec, summary in zip(specs, result.summaries, strict=True):
            assert summary.text.strip()
            assert 1 <= len(summary.sentences) <= spec.sentence_cap
            # Only a single sentence may exceed the word cap, with a warning.
            words = word_count(summary.text)
            is_over = spec.max_words is not None and words > spec.max_words
            assert is_over == (WarningKind.WORD_CAP_EXCEEDED in [one.kind for one in summary.warnings])
            assert not is_over or len(summary.sentences) == 1
            for sentence in summary.sentences:
                assert 0 <= sentence.span.start < sentence.span.end <= len(summary.text)
                assert has_words(summary.text[sentence.span.start : sentence.span.end]) or not readable
                for passage in sentence.evidence:
                    assert 0 <= passage.span.start < passage.span.end <= len(article)
            for term in summary.unsupported_terms:
                assert 0 <= term.span.start < term.span.end <= len(summary.text)
