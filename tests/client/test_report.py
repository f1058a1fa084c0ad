"""The HTML page, read with an HTML parser."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from html.parser import HTMLParser

import pytest

import nutgraf
from nutgraf import _convert
from nutgraf.report import render, render_check, render_many
from nutgraf.report._segments import Segment, is_wrapped, paragraphs, printable, segments
from nutgraf.v1 import summarizer_pb2 as pb

ATTACK = "</script></style></title>--><script>attack()</script><img src=x onerror='attack()'>\"' & &lt; &#60;"
# Text that programs often handle wrongly: code points beyond UTF-16's first plane, joined emoji, combining marks,
# right-to-left letters, every kind of line break, and HTML's own characters.
ALPHABET = [
    *"ab .", "🎈", "👩‍🚀", "e\u0301", "\u0338", "ש", "\u202e", "\r\n", "\r", "\n", "\n\n", "\u2028", "\0", "\t",
    "<", ">", "&", "&amp;", '"', "'", "</span>", "</script>", "<!--", "-->", "]]>", "<b>", "{", "}",
]  # fmt: skip


class Page(HTMLParser):
    """A page's tags, and its text: as a whole, and by the id or else the tag of each element around it."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.within: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in self.VOID:
            self._open.append((tag, attributes.get("id") or ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] not in ("script", "style"):
            self.text += data
        for tag, identifier in self._open:
            self.within[identifier or tag] = self.within.get(identifier or tag, "") + data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for found, attributes in self.tags
            if found == tag and all(attributes.get(name) == value for name, value in wanted.items())
        ]


def bare(text: str) -> str:
    """The printable characters of `text` without white space, which a page does not preserve."""
    return re.sub(r"\s+", "", printable(text))


def result(text: str, summary: pb.Summary, **changes: str) -> nutgraf.Result:
    response = pb.SummarizeResponse(model="m", summaries=[summary], **changes)  # type: ignore[arg-type]
    response.article.language = "en"
    return _convert.result(response, text, None)


def one_sentence(text: str, *evidence: tuple[int, int], support: float = 0.5) -> pb.Summary:
    """A summary of one sentence, with spans of evidence in descending order of score."""
    summary = pb.Summary(length=pb.SUMMARY_LENGTH_SHORT, text=text, checks_run=[pb.CHECK_KIND_EVIDENCE])
    sentence = summary.sentences.add(span=pb.Span(end=len(text)), support=support)
    for start, end in evidence:
        sentence.evidence.add(span=pb.Span(start=start, end=end))
    return summary


def passages(page: Page, number: int = 0) -> list[str]:
    """The highlighted text for a sentence, by rank of the passage, the best first."""
    found = ["", "", ""]
    for item in str(page.all("a", **{"aria-describedby": f"support-1-{number + 1}"})[0]["data-evidence"]).split():
        identifier, rank = item.split(":")
        found[int(rank) - 1] += page.within[identifier]
    return found


def test_segments_of_overlapping_nested_and_touching_spans() -> None:
    assert segments(0, 10, [(2, 8), (4, 6), (6, 12), (3, 3), (-5, 1)]) == [
        Segment(0, 1, (4,)),
        Segment(1, 2, ()),
        Segment(2, 4, (0,)),
        Segment(4, 6, (0, 1)),
        Segment(6, 8, (0, 2)),
        Segment(8, 10, (2,)),
    ]


def test_segments_agree_with_a_search_at_each_position() -> None:
    rng = random.Random(5)
    for _ in range(500):
        start, end = sorted(rng.sample(range(30), 2))
        spans = [(rng.randint(-5, 35), rng.randint(-5, 35)) for _ in range(rng.randint(0, 6))]
        found = segments(start, end, spans)
        assert [position for one in found for position in range(one.start, one.end)] == list(range(start, end))
        for one in found:
            for position in range(one.start, one.end):
                assert one.spans == tuple(i for i, (a, b) in enumerate(spans) if a <= position < b)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One.\nTwo.\n\nThree.\n", ["One.\nTwo.", "Three.\n"]),
        ("One.\r\n \t\r\n\r\nTwo.", ["One. ", "Two."]),
        ("\n\n One.\r\rTwo.", ["One.", "Two."]),
        (" \n\n \n", []),
    ],
)
def test_blank_lines_separate_paragraphs(text: str, parts: list[str]) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert [shown[start:end] for start, end in paragraphs(shown)] == parts


def test_wrapped_lines_are_recognised() -> None:
    assert is_wrapped("x" * 70 + "\n" + "y" * 66 + "\nshort")
    assert not is_wrapped("x" * 70 + "\n" + "y" * 20 + "\nshort")
    assert not is_wrapped("x" * 700)
    assert not is_wrapped("x" * 300 + "\n" + "y" * 300)


def test_any_text_is_shown_completely_and_its_spans_are_highlighted() -> None:
    rng = random.Random(11)
    for _ in range(300):
        text = "".join(rng.choices(ALPHABET, k=rng.randint(1, 60))) + "x"
        spans = [(min(pair), max(pair)) for pair in ([rng.randint(0, len(text)) for _ in "12"] for _ in "123")]
        summary = one_sentence("".join(rng.choices(ALPHABET, k=20)) + "x", (0, len(text)), *spans[:2])
        term = sorted(rng.randint(0, len(summary.text)) for _ in "12")
        summary.unsupported_terms.add(span=pb.Span(start=term[0], end=term[1]))
        html = render(result(text, summary), text)
        assert not {"\r", "\0"} & set(html)  # an HTML parser would replace them
        page = Page(html)
        assert bare(page.within["article"]) == bare(text)
        # The best passage covers the whole text, so nothing is left for the other two.
        assert bare(passages(page)[0]) == bare(text)
        assert passages(page)[1:] == ["", ""]
        shown = page.within["s1-1"].replace(" (not in the article)", "")
        assert bare(shown) == bare(summary.text)

        first, second, third = spans
        summary = one_sentence("Said.", first, second, third)
        if not any(bare(text[start:end]) for start, end in spans):
            continue
        page = Page(render(result(text, summary), text))
        best = set(range(*first))
        good = set(range(*second)) - best
        fair = set(range(*third)) - best - good
        wanted = [bare("".join(printable(text)[index] for index in sorted(part))) for part in (best, good, fair)]
        assert [bare(found) for found in passages(page)] == wanted


def test_a_sentence_is_a_link_to_the_start_of_its_best_passage() -> None:
    text = "First. Second. 🎈 Third."
    page = Page(render(result(text, one_sentence("Said.", (15, 23), (0, 6))), text))
    (link,) = page.all("a")
    assert page.within[str(link["href"])[1:]] == "🎈 Third."
    assert passages(page) == ["🎈 Third.", "First.", ""]
    assert page.within[str(link["aria-describedby"])] == " Support 50%, 2 passages"


def test_a_passage_across_paragraphs() -> None:
    text = "One.\n\nTwo.\n\nThree."
    page = Page(render(result(text, one_sentence("Said.", (0, 10))), text))
    assert passages(page)[0] == "One.Two."


def test_a_passage_has_its_sentences_numbers_at_its_start() -> None:
    text = "One.\n\nTwo. Three."
    summary = one_sentence("Said.", (0, 10))
    summary.text += " Too."
    sentence = summary.sentences.add(span=pb.Span(start=6, end=10))
    sentence.evidence.add(span=pb.Span(end=17))
    page = Page(render(result(text, summary), text))
    spans = [attributes for attributes in page.all("span") if "id" in attributes]
    assert [(page.within[str(one["id"])], one.get("data-numbers")) for one in spans] == [
        ("One.", "1 2"),
        ("Two.", None),
        (" Three.", None),
    ]
    assert [one["data-number"] for one in page.all("p", **{"class": "sentence"})] == ["1", "2"]


def test_a_sentence_without_evidence_is_labelled_and_no_link() -> None:
    page = Page(render(result("One.", one_sentence("Said.", support=0)), "One."))
    assert not page.all("a")
    assert page.within["support-1-1"] == " Support 0%, no passage"


def test_an_unchecked_sentence_is_labelled() -> None:
    summary = one_sentence("Said.", (0, 4))
    summary.sentences[0].ClearField("support")
    assert Page(render(result("One.", summary), "One.")).within["support-1-1"] == "Not checked, 1 passage"


def test_doubted_sentences_and_article_sentences_are_labelled() -> None:
    summary = one_sentence("Said.", (0, 4))
    summary.sentences[0].verdict = pb.VERDICT_DOUBTED
    assert Page(render(result("One.", summary), "One.")).within["support-1-1"] == " Support 50%, 1 passage, doubted"
    summary.sentences[0].verdict = pb.VERDICT_SUPPORTED
    summary.sentences[0].from_article = True
    page = Page(render(result("One.", summary), "One."))
    assert page.within["support-1-1"] == " Support 50%, 1 passage, the article’s own sentence"


def test_a_checked_summary_is_shown_with_its_doubts() -> None:
    text, summary = "Zoë won 🎈. Bo & Al lost.\r\n\r\nIt was wet.", "Zoë won.\nMax lost.\nRead <more>!"
    response = pb.CheckSummaryResponse(support=0.1, verdict=pb.VERDICT_DOUBTED, support_threshold=0.75)
    response.checks_run.append(pb.CHECK_KIND_EVIDENCE)
    for start, end, support, verdict in (
        (0, 8, 0.95, pb.VERDICT_SUPPORTED),
        (9, 18, 0.1, pb.VERDICT_DOUBTED),
        (19, 31, 1.0, pb.VERDICT_NO_CLAIM),
    ):
        response.sentences.add(span=pb.Span(start=start, end=end), support=support, verdict=verdict)
    response.sentences[0].evidence.add(span=pb.Span(start=0, end=10))
    response.unsupported_terms.add(span=pb.Span(start=9, end=12), kind=pb.TERM_KIND_NAME)
    response.warnings.add(detail=ATTACK)
    html = render_check(_convert.check_result(response, text, summary, None), text, "Zoë & all")
    page = Page(html)
    assert page.within["title"] == page.within["title-1"] == "Zoë & all"
    assert bare(page.within["article"]) == bare(text)
    assert passages(page) == ["Zoë won 🎈.", "", ""]
    assert page.within["s1-1"] == "Zoë won."
    assert page.within["support-1-1"] == " Support 95%, 1 passage"
    assert page.within["support-1-2"] == " Support 10%, no passage, doubted"
    assert page.within["support-1-3"] == "Claims nothing: not checked"
    assert ["data-doubted" in one for one in page.all("p", **{"class": "sentence"})] == [False, True, False]
    assert "Not in the article: Max (name)" in page.text
    assert "Doubted below a support of 75%. Checked: evidence." in page.text
    assert "Read <more>!" in page.text
    assert f"Warning: {ATTACK}" in page.text
    assert len(page.all("script")) == 1


def test_no_support_is_shown_without_a_check() -> None:
    summary = one_sentence("Said.")
    del summary.checks_run[:]
    page = Page(render(result("One.", summary), "One."))
    assert page.within["support-1-1"] == "Evidence was not looked for"
    assert "Nothing was checked." in page.text


def test_the_checks_are_named() -> None:
    summary = one_sentence("Said.", (0, 4))
    summary.checks_run.append(pb.CHECK_KIND_NAMES)
    assert "Checked: evidence, names. Not checked: numbers, quotations, statements." in render(
        result("One.", summary), "One."
    )


def test_different_checks_are_named_for_each_summary() -> None:
    short, long = one_sentence("Said.", (0, 4)), one_sentence("Said.", (0, 4))
    long.length = pb.SUMMARY_LENGTH_LONG
    del long.checks_run[:]
    response = pb.SummarizeResponse(summaries=[short, long])
    page = Page(render(_convert.result(response, "One.", None), "One."))
    assert re.findall(r"(?:Short|Long) summary|Checked|Nothing was checked", page.text) == [
        "Short summary",
        "Checked",
        "Long summary",
        "Nothing was checked",
    ]


def test_warnings_are_written_out_and_terms_marked_and_explained() -> None:
    summary = one_sentence("Zoë met Bo and Bo.", (0, 4))
    for start, end in ((8, 10), (15, 17)):
        summary.unsupported_terms.add(span=pb.Span(start=start, end=end), kind=pb.TERM_KIND_NAME)
    summary.warnings.add(code=pb.WARNING_CODE_UNSUPPORTED_TERMS, detail="a name is not in the article")
    summary.warnings.add(code=pb.WARNING_CODE_FEWER_SENTENCES)
    page = Page(render(result("One.", summary), "One."))
    assert page.within["s1-1"] == "Zoë met Bo (not in the article) and Bo (not in the article)."
    assert "Warning: a name is not in the article" in page.text
    assert "Warning: fewer sentences" in page.text
    assert "Not in the article: Bo (name)" in page.text
    assert len(page.all("mark")) == 3


def test_a_term_across_sentences_and_text_outside_sentences() -> None:
    summary = pb.Summary(text="One two. Three four. Five.")
    summary.sentences.add(span=pb.Span(start=0, end=8))
    summary.sentences.add(span=pb.Span(start=5, end=20))  # overlaps the first, which a server should not send
    summary.unsupported_terms.add(span=pb.Span(start=4, end=14))
    html = render(result("One.", summary), "One.")
    page = Page(html)
    assert (
        "".join(re.findall(r'<p class="sentence"[^>]*>(.*?)</p>', html)).replace(
            '<span class="unseen"> (not in the article)</span>', ""
        )
        == "One <mark>two.</mark><mark> Three</mark> four. Five."
    )
    assert len(page.all("p", **{"class": "sentence"})) == 3


def test_shown_text_never_becomes_markup() -> None:
    text = f"{ATTACK}\n\nFirst. {ATTACK}"
    summary = one_sentence(f"Said {ATTACK}.", (3, 40))
    summary.unsupported_terms.add(span=pb.Span(start=7, end=30))
    summary.warnings.add(detail=ATTACK)
    response = pb.SummarizeResponse(model=ATTACK, summaries=[summary])
    response.article.language = ATTACK
    response.warnings.add(detail=ATTACK)
    answered = nutgraf.ManyResult(0, nutgraf.Article(text, ATTACK), _convert.result(response, text, ATTACK), None)
    failed = nutgraf.ManyResult(1, nutgraf.Article(ATTACK, id=ATTACK), None, nutgraf.NutgrafError(ATTACK))
    for html in (render_many([answered]), render_many([failed]), render_many([answered, failed])):
        page = Page(html)
        assert len(page.all("script")) == len(page.all("style")) == len(page.all("title")) == 1
        assert not page.all("img")
        assert ATTACK in page.within["article"]
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    page = Page(render_many([answered]))
    assert page.within["title"] == page.within["title-1"] == ATTACK
    assert page.all("article")[0]["lang"] == ATTACK
    assert page.text.count(f"Warning: {ATTACK}") == 2
    assert f"Written by {ATTACK}." in page.text
    assert f"no summary: {ATTACK}" in Page(render_many([failed])).text


def test_the_policy_allows_only_the_pages_own_style_and_script() -> None:
    html = render(result("One.", one_sentence("Said.", (0, 4))), "One.")
    page = Page(html)
    policy = str(page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.within[kind].encode()).digest()).decode()
        assert rules.pop(f"{kind}-src") == f"'sha256-{digest}'"
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    assert "src" not in {name for _, attributes in page.tags for name in attributes}
    assert all(str(link["href"]).startswith("#") for link in page.all("a"))
    assert not page.all("link")
    assert "url(" not in page.within["style"]
    assert "@import" not in page.within["style"]


@pytest.mark.parametrize(("language", "lang"), [("ar", "ar"), ("und", ""), ("", "")])
def test_the_articles_language_and_direction(language: str, lang: str) -> None:
    text = "عاد الميناء إلى العمل."
    response = pb.SummarizeResponse(summaries=[one_sentence(text, (0, len(text)))])
    response.article.language = language
    page = Page(render(_convert.result(response, text, None), text, "عودة"))
    assert page.all("html")[0]["lang"] == "en"
    for tag in ("article", "h2"):
        assert page.all(tag)[0]["lang"] == lang
        assert page.all(tag)[0]["dir"] == "auto"
    (sentence,) = page.all("p", **{"class": "sentence"})
    assert (sentence["lang"], sentence["dir"]) == (lang, "auto")


def test_several_articles_have_distinct_ids_and_links() -> None:
    texts = ["One. Two.", "Three. Four."]
    answers = [
        nutgraf.ManyResult(
            index, nutgraf.Article(text, id=f"a-{index}"), result(text, one_sentence(text[:4], (0, 4))), None
        )
        for index, text in enumerate(texts)
    ]
    page = Page(render_many([*answers, nutgraf.ManyResult(2, nutgraf.Article("x"), None, nutgraf.Unavailable("gone"))]))
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert page.within["nav"].split("\n") == ["", "", "a-0", "a-1", "Article 3", "", ""]
    assert {str(link["href"])[1:] for link in page.all("a")} <= set(identifiers)
    assert page.within["title"] == "3 articles, summarised"


def test_a_page_without_articles() -> None:
    assert Page(render_many([])).within["title"] == "0 articles, summarised"
