"""HTML: its detection, its visible text, and elements that are not part of a story."""

import pytest

from nutgraf_models.article import Article
from nutgraf_models.loading import load_summarizer
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split
from support.growth import assert_linear

FIRST = "The port of Marlow reopened on Monday after a crane fell."
SECOND = "Two ships had to wait for nine hours outside of it."


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "2 < 3 and 4 > 3",
        "if a<b or c>d then stop",
        "Police named <name withheld> on Monday.",
        "The <redacted> report and the <redacted> annex are out.",
        "<address> was given to <name>; <time> was not.",
        "<a lot of people> came, and <i mean it> they stayed.",
        "Write <b> to begin bold and <i> to begin italics.",
        "The <p> tag begins a paragraph.",
        "Ida Fenn <ida@marlow.example> wrote it.",
        "See <https://marlow.example/port> and <www.marlow.example>.",
        "vector<int> of map<string, b> in C++",
        "I <3 Marlow > Rundvik",
        "<<< look here >>>",
        "<!-- not a comment",
        "<redacted> was here </redacted>.",
        "x </ y",
        "</",
        "<",
    ],
)
def test_plain_text_keeps_angle_brackets(text):
    assert normalize(text).text == text


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("The port <b>reopened</b> on Monday.", "The port reopened on Monday."),
        ("The port <em>reopened</em>.\n\nTwo ships <i>waited</i>.", "The port reopened.\n\nTwo ships waited."),
        ("The port reopened.<br>Two ships waited.", "The port reopened.\nTwo ships waited."),
        ("The port reopened.<br /><br />Two ships waited.", "The port reopened.\n\nTwo ships waited."),
        ("The port<br>reopened on<BR/>Monday.", "The port reopened on\nMonday."),
        ("<p>The port reopened.", "The port reopened."),
        ("The port reopened.<p>Two ships waited.<p>One left.", "The port reopened.\n\nTwo ships waited.\n\nOne left."),
        ('<A HREF="x">The port</A> reopened.', "The port reopened."),
        ("<!DOCTYPE html>The port reopened.", "The port reopened."),
        ("\ufeff\n<div>The port reopened.", "The port reopened."),
        ("<p>M<b>arlow</b>'s p<i>or</i>t</p>", "Marlow's port"),
        (
            "<p>Police named <name withheld>, 2 < 3, <ida@marlow.example>.</p>",
            "Police named <name withheld>, 2 < 3, <ida@marlow.example>.",
        ),
    ],
)
def test_html_becomes_text(sent, seen):
    assert normalize(sent).text == seen


BLOCKS = (
    "address article blockquote center dd details div dl dt fieldset figure form h1 h2 h6 header hgroup li main ol p "
    "pre search section summary table tbody td th tr ul no-such-element item"
).split()


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_are_separate_paragraphs(name):
    inner = f"<{name}>{SECOND}</{name}>"
    for sent in (
        f"{FIRST}{inner}{FIRST}<br>",
        f"<div>{FIRST}{inner}{FIRST}</div>",
        f"<{name}>{FIRST}</{name}>{inner}",
    ):
        assert normalize(sent).text.count("\n\n") == sent.count(".") - 1


@pytest.mark.parametrize("name", ["img", "button", "input", "svg", "video", "iframe", "canvas"])
def test_objects_separate_words(name):
    assert normalize(f"<p>Monday<{name}></{name}>after</p>").text == "Monday after"


def test_adjacent_links_are_separated_and_inline_tags_are_not():
    assert normalize("<p><a>Marlow</a><a>Rundvik</a></p>").text == "Marlow Rundvik"
    assert normalize("<p><a>Mar</a>low, <span>Rund</span><span>vik</span>, a<wbr>b, <o:p>c</o:p>d</p>").text == (
        "Marlow, Rundvik, ab, cd"
    )


@pytest.mark.parametrize(
    "sent",
    [
        f"&lt;p&gt;{FIRST}&lt;/p&gt;&lt;p&gt;{SECOND}&lt;/p&gt;",
        f"&#60;p&#62;{FIRST}&#60;/p&#62;&#x3c;p&#x3E;{SECOND}&#60;/p&#62;",
        f"&amp;lt;p&amp;gt;{FIRST}&amp;lt;/p&amp;gt;&amp;lt;p&amp;gt;{SECOND}",
        f"&lt;div class=&quot;x&quot;&gt;{FIRST}&lt;/div&gt; {SECOND}",
        f"{FIRST}&lt;br /&gt;&lt;br /&gt;{SECOND}",
        f"<div>&lt;p&gt;{FIRST}&lt;/p&gt;&lt;p&gt;{SECOND}&lt;/p&gt;</div>",
        f"<item><title>Crane</title><description>&lt;p&gt;{FIRST}&lt;/p&gt; {SECOND}</description></item>",
        f"<![CDATA[<p>{FIRST}</p><p>{SECOND}</p>]]>",
        f"<description><![CDATA[<p>{FIRST}</p>]]></description><description><![CDATA[{SECOND}]]></description>",
    ],
)
def test_escaped_html_is_unescaped(sent):
    assert normalize(sent).text == f"{FIRST}\n\n{SECOND}"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("<p>The &lt;p&gt; tag, the &lt;b&gt;x&lt;/b&gt; tags.</p>", "The <p> tag, the <b>x</b> tags."),
        ("2 &lt; 3 &amp;&amp; 4 &gt; 3", "2 < 3 && 4 > 3"),
        ("The &lt;name withheld&gt; case", "The <name withheld> case"),
        ("&lt;p&gt;Write &amp;lt;b&amp;gt; for bold.&lt;/p&gt;", "Write <b> for bold."),
    ],
)
def test_escaped_tags_within_html_stay_text(sent, seen):
    assert normalize(sent).text == seen


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("<p>A<script>if (a < b) { '</p>' }</script>B</p>", "AB"),
        ("<p>A</p><style>p > a { x }</style><p>B</p>", "A\n\nB"),
        ("<p>A<!-- <p>x</p> --> B<!--> C<!----> D</p>", "A B C D"),
        ("<p>A</p><!-- a > b -- c --><p>B</p>", "A\n\nB"),
        ("<p>A<!-- never closed <p>B</p>", "A never closed\n\nB"),
        ("<p>A</p><script>never closed <p>B</p>", "A\n\nnever closed\n\nB"),
        ("<p>A</p><textarea>never closed <p>B</p>", "A\n\nnever closed\n\nB"),
        ('<p class="x>A</p><p>B</p>', "A\n\nB"),
        ("<p title='a > b' hidden2>A</p><p>B</p>", "A\n\nB"),
        ('<p>A</p><p>B <a href="x', "A\n\nB"),
        ("<p>A</p><p>B</p", "A\n\nB"),
        ("<p>A</p></div></b><p>B</i></p></p>", "A\n\nB"),
        ("<p>A<b>B<p>C</b>D", "AB\n\nCD"),
        ("<p>A</><b>B</b></p>", "AB"),
        ("<p>A<?php echo 1 ?>B<!x>C<![endif]>D</p>", "ABCD"),
        ("<p>A\r\nB\rC</p>", "A B C"),
        ("<pre>A.\n\nB.</pre><p>C\n\nD</p>", "A.\n\nB.\n\nC D"),
        ("<p>A<template><p>x</p></template>B</p>", "AB"),
        ("<ul><li>A<li>B<ul><li>C</ul></ul>", "A\n\nB\n\nC"),
        ("<table><tr><td>A<table><tr><td>B</table>C</table>", "A\n\nB\n\nC"),
    ],
)
def test_malformed_markup_hides_no_text(sent, seen):
    assert normalize(sent).text == seen


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("It weighed <del>400</del> <ins>40</ins> tonnes.<br>", "It weighed 40 tonnes."),
        ("It weighed <s>400</s><strike>4</strike> 40 tonnes.<br>", "It weighed 40 tonnes."),
        ("<p>It killed 40<sup>1</sup> people.</p>", "It killed 40 1 people."),
        ('<p>It killed 40<sup><a href="#n1">[1]</a></sup> people.</p>', "It killed 40 people."),
        ("<p>On the 1<sup>st</sup>, CO<sub>2</sub>.</p>", "On the 1st, CO2."),
        ("<p><q>We were lucky,</q> she said.</p>", '"We were lucky," she said.'),
    ],
)
def test_markup_that_changes_the_meaning_is_applied(sent, seen):
    assert normalize(sent).text == seen


BESIDE = [
    "<nav><a>Home</a><a>Sport</a></nav>",
    "<nav><p>All the news of the coast, every day of the year.</p></nav>",
    "<aside><p>Our best stories of the week, chosen by the editor.</p></aside>",
    "<footer><p>The Herald is printed on paper from managed forests.</p></footer>",
    "<figure><img><figcaption>The crane lay across the main quay all night.</figcaption></figure>",
    "<button>Share</button>",
    "<form><label>E-mail</label><select><option>Daily</option></select><textarea>Write here.</textarea></form>",
    "<noscript><p>Our pictures can only be shown with scripts.</p></noscript>",
    "<dialog><p>Stay with us for only a pound a week.</p></dialog>",
    '<div role="navigation">The news of the coast is here.</div>',
    '<div role="complementary">The news of the coast is here.</div>',
    "<p hidden>The news of the coast is here.</p>",
    '<p aria-hidden="true">The news of the coast is here.</p>',
    '<div style="color: red; display: none">The news of the coast is here.</div>',
    '<div class="wide newsletter-signup">The best of the Herald, in the morning.</div>',
    '<ul class="related-links"><li>Crane falls in Rundvik.</li></ul>',
    '<p class="wp-caption-text">The crane lay across the main quay all night.</p>',
    '<section class="comments"><article><p>What a mess this is, is it not?</p></article></section>',
    "<ul><li><a>Crane falls</a></li><li><a>Port shut</a></li><li><a>Ships wait</a></li></ul>",
    "<table><tr><th>Port</th><th>Ships</th></tr><tr><td>Marlow</td><td>12</td></tr><tr><td>Vell</td><td>8</td></tr></table>",
    "<svg><title>A crane</title><text>crane</text></svg>",
    "<video>Your browser cannot show this video, which is a pity.</video>",
    "<iframe>Your browser cannot show this frame, which is a pity.</iframe>",
]


@pytest.mark.parametrize("beside", BESIDE)
def test_elements_outside_the_story_are_dropped(beside):
    story = f"<p>{FIRST}</p>", f"<p>{SECOND}</p>"
    for sent in (beside.join(story), beside + "".join(story), f"<body><h1>{FIRST}</h1>{story[1]}{beside}</body>"):
        assert normalize(sent).text == f"{FIRST}\n\n{SECOND}"


def test_page_is_reduced_to_its_story():
    sent = (
        "<!DOCTYPE html><html><head><title>Port reopens | Marlow Herald</title><meta name=x><style>p { a > b }</style>"
        "</head><body><header><nav><ul><li><a>News</a></li><li><a>Sport</a></li></ul></nav></header><main><article>"
        f"<h1>Port reopens</h1><p class='byline'>By Ida Fenn</p><p>{FIRST}</p><figure><img><figcaption>The crane on "
        f"Monday. Photograph: Tom Asker</figcaption></figure><p>{SECOND}</p></article></main><footer>© Marlow Herald"
        "</footer><script>var a = '<p>x</p>';</script></body></html>"
    )
    clean = normalize(sent)
    assert clean.text == f"Port reopens\n\n{FIRST}\n\n{SECOND}"
    spans = [clean.source_span(one.start, one.end) for one in split(clean.text)]
    assert [sent[start:end] for start, end in spans] == ["Port reopens", FIRST, SECOND]


@pytest.mark.parametrize(
    "sent",
    [
        f"<aside><p>{FIRST}</p><p>{SECOND}</p></aside>",
        f"<nav>Home</nav><footer><p>{FIRST}</p><p>{SECOND}</p></footer>",
        f"<div class='sidebar'><h1>{FIRST}</h1><p>{SECOND}</p></div>",
        f"<aside><p>{FIRST}</p><p>{SECOND}</p>",
        f"<form><p>{FIRST}</p><p>{SECOND}</p></form>",
        f"<body style='visibility: hidden'><p>{FIRST}</p><p>{SECOND}</p></body>",
        f"<div hidden><p>{FIRST}</p><p>{SECOND}</p></div>",
        f"<table><tr><td><p>{FIRST}</p></td></tr><tr><td><p>{SECOND}</p></td></tr></table>",
        f"<body class='sidebar comments'><p>{FIRST}</p><p>{SECOND}</p></body>",
        f"<blockquote><p>{FIRST}</p><footer>{SECOND}</footer></blockquote>",
        f"<ul><li>{FIRST}</li><li>{SECOND}</li></ul>",
        f"<ul><li><a>{FIRST}</a></li><li><a>{SECOND}</a></li><li><a></a></li></ul>",
    ],
)
def test_element_with_the_story_is_kept_despite_its_name(sent):
    words = [word for word in normalize(sent).text.split() if word != "Home"]
    assert words == f"{FIRST} {SECOND}".split()


def test_evidence_spans_are_in_the_text_as_sent():
    sent = (
        f"<div>&nbsp;<p>The&nbsp;port of <b>Mar&shy;low</b> reopened<!-- x --> on Monday after a crane fell.</p>\n"
        f"<aside>Sign up</aside><p>{SECOND}</p><p>Nobody was hurt, Ida Fenn &lt;the harbour master&gt; said.</p></div>"
    )
    summary = load_summarizer("lead").summarize(Article(sent)).summaries[0]
    (passage, *_) = summary.sentences[0].evidence
    assert summary.text == FIRST
    assert sent[passage.span.start : passage.span.end] == sent[14 : sent.index("</p>")]


@pytest.mark.parametrize(
    "make",
    [
        lambda k: "<p>" * (60_000 // k),
        lambda k: "<p></p>" + "<!--" * (45_000 // k),
        lambda k: "<p></p>" + "<a " * (60_000 // k),
        lambda k: "<p></p>" + "</a" * (60_000 // k),
        lambda k: "<p></p>" + '<a b="' * (30_000 // k),
        lambda k: "<p></p>" + '<a b=\'x" c="' * (15_000 // k),
        lambda k: "<p></p>" + "<?" * (90_000 // k),
        lambda k: "<p></p>" + "<![CDATA[" * (20_000 // k),
        lambda k: "<p></p>" + "<script>" * (22_000 // k),
        lambda k: "<p></p>" + "<noscript>" * (18_000 // k),
        lambda k: "<p></p><script>" + "</x" * (60_000 // k),
        lambda k: "<nav>" * (12_000 // k) + "Two ships came in on Monday." + "</nav>" * (12_000 // k),
        lambda k: "<table>" * (11_000 // k) + "a" + "</table>" * (11_000 // k),
        lambda k: "<ul><a>" * (11_000 // k) + "a" + "</ul>" * (11_000 // k),
        lambda k: "1<sup>1" * (25_000 // k) + "</sup>" * (1_000 // k),
        lambda k: "<p></p><a " + "a=b " * (45_000 // k) + ">",
        lambda k: '<p style="' + "display " * (22_000 // k) + '">x</p>',
        lambda k: '<p class="' + "x " * (90_000 // k) + '">x</p>',
        lambda k: "&lt;p&gt;" * (22_000 // k),
        lambda k: "&amp;lt;p&amp;gt;" * (11_000 // k),
        lambda k: "<p>x</p>" + "a <b c> " * (22_000 // k),
    ],
)
def test_time_is_linear_for_hostile_markup(make):
    assert_linear(normalize, make)
