"""Lines that pages put around a story, and texts that are none."""

import pytest

from nutgraf_models.normalize import normalize
from nutgraf_models.prose import has_prose, is_boilerplate, story_lines
from nutgraf_models.sentences import split

STORY = "The port of Marlow reopened on Monday.\nTwo ships waited for nine hours.\nNobody was hurt, Ida Fenn said."


@pytest.mark.parametrize(
    "line",
    [
        "By Ida Fenn",
        "By IDA FENN and Tom Asker, Marlow Herald",
        "BY IDA FENN",
        "By Ida FennMarlow News, Rundvik",
        "With reporting by Tom Asker in Rundvik.",
        "(Reporting by Tom Asker; Editing by Ida Fenn)",
        "Edited by Ida Fenn",
        "Tom Asker contributed to this report.",
        "Last updated at 10:32, 3 May 2015",
        "Published: 08:15 EST, 3 May 2015",
        "Updated 3 hours ago",
        "First published on 3 May 2015",
        "3 May 2015",
        "2 hours ago",
        "5 min read",
        "Photograph: Ida Fenn/Reuters",
        "Photo by Ida Fenn",
        "Image copyright Getty Images",
        "Image caption The crane fell across the quay",
        "Ida Fenn/Getty Images",
        "Getty Images",
        "Media playback is unsupported on your device",
        "This video can not be played",
        "Sign up to our newsletter",
        "Sign up here for our free morning newsletter, every weekday.",
        "Subscribe now",
        "Get the day's news in your inbox.",
        "Follow us on Twitter @marlow",
        "Follow Ida Fenn on Facebook.",
        "Download our app for iPhone",
        "Click here to see the harbour.",
        "Were you on the quay? Email us at port@marlow.example",
        "Share this story",
        "Share",
        "Facebook Twitter WhatsApp Email",
        "Tweet",
        "12 comments",
        "Read more",
        "Read more: Why the crane fell.",
        "READ MORE: Crane falls in Marlow",
        "Related articles",
        "See also: the crane of Rundvik",
        "More on this story",
        "Most read",
        "You may also like",
        "Watch: crane falls in Marlow",
        "We use cookies to make this site work. You can read about them in our policy.",
        "This website uses cookies",
        "By continuing to use this site you agree to our terms.",
        "Accept all cookies",
        "Manage preferences",
        "Cookie policy | Terms of use",
        "Advertisement",
        "Story continues below",
        "© 2015 Marlow Herald",
        "Marlow Herald. All rights reserved.",
        "  * Read more »",
    ],
)
def test_what_pages_put_around_a_story_is_dropped(line):
    assert is_boilerplate(line)
    for page in (f"{line}\n{STORY}", f"{STORY}\n{line}", f"{STORY[:38]}\n\n{line}\n\n{STORY[39:]}"):
        assert line not in normalize(page).text
        assert normalize(page).text.split() == STORY.split()


@pytest.mark.parametrize(
    "line",
    [
        "By Monday the port had reopened.",
        "By the time she came it was over",
        "By The River, a novel, is out",
        "Reporting a fault takes a minute.",
        "Read more books, the minister said.",
        "Share prices fell on Monday.",
        "Share of the market: 12%",
        "Print sales fell.",
        "Comments made by the minister were wrong.",
        "Cookies were sold for charity.",
        "Cookie maker Fenn to close Marlow plant",
        "Photographs by the artist were sold for £3m.",
        "Image rights were at stake.",
        "Follow the money, Mrs Fenn said.",
        "Published in May, the report blames the crane.",
        "Updated rules come into force on 3 May.",
        "Watch makers from Marlow met on Monday.",
        "Subscribe to a view and you must defend it, she said.",
        "Have you seen it? I have not.",
        "Copyright law will change in May.",
        "Advertising fell by 5%.",
        "Related parties were told.",
        "Trending upwards, prices rose.",
        "The app is free.",
        "Port reopens after crane falls",
        "Supported by two crutches, she walked out of the court in Marlow on Monday to loud applause.",
        "“Read more,” she said.",
        "",
    ],
)
def test_what_may_be_the_story_stays(line):
    assert not is_boilerplate(line)


def test_a_sentence_inside_a_paragraph_stays():
    text = "The minister spoke. Read more. Share this story. By Ida Fenn"
    assert normalize(text).text == text


def test_a_list_of_links_goes_with_its_heading():
    page = f"{STORY}\n\nRelated stories\nCrane falls in Rundvik\nWhy cranes fall\n\nA report is due in May.\nThe end"
    assert normalize(page).text == f"{STORY}\n\nA report is due in May.\nThe end"


def test_not_all_of_a_text_is_dropped():
    banner = "We use cookies.\nAccept all"
    assert normalize(banner).text == banner
    assert story_lines(banner) == [(0, 15), (16, 26)]


def test_sentences_around_dropped_lines_are_where_they_were_sent():
    page = "By Ida Fenn\r\n\r\n“One” is\0 here.\r\nShare\r\nTwo is   here.\r\n\r\nRead more: 3\r\n\r\nFour cafe\u0301s."
    clean = normalize(page)
    spans = [clean.source_span(one.start, one.end) for one in split(clean.text)]
    assert [page[start:end] for start, end in spans] == [
        "“One” is\0 here.",
        "Two is   here.",
        "Four cafe\u0301s.",
    ]
    start, end = clean.source_span(0, len(clean.text))
    assert page[start:end] == page[15:]


def test_in_html_a_paragraph_is_a_line():
    page = "<p>By Ida Fenn</p><p>The port <b>reopened</b> on Monday.</p><div>Share this story</div>"
    clean = normalize(page)
    assert clean.text == "The port reopened on Monday."
    start, end = clean.source_span(0, len(clean.text))
    assert page[start:end] == "The port <b>reopened</b> on Monday."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The port reopened on Monday. Nobody was hurt.", True),
        ("Crane falls\nThe port reopened on Monday.", True),
        ("市议会周二投票决定重建桥梁。", True),
        ("Совет проголосовал во вторник.", True),
        ("“We were lucky!”", True),
        ("Crane falls in Marlow\nPort reopens", False),
        ("total;12;13\nrow;1;2\n", False),
        ("Marlow 12 13.\nRundvik 4 5.", False),
        ("def f(x):\n    return x + 1\nprint(f('done.'))", False),
        ("for (i = 0; i < n; i++) { a[i] += b.", False),
        ("https://marlow.example/a_b https://marlow.example/c_d.", False),
        ("We use cookies to make this site work.\nAccept all\nBy continuing to browse you accept them.", False),
        ("Share\nTweet\nRead more: Crane falls in Marlow.", False),
        ("😀 😀 😀.", False),
        ("1. 2. 3.", False),
    ],
)
def test_what_is_no_prose_is_told_from_what_is(text, expected):
    assert has_prose(split(normalize(text).text)) is expected


@pytest.mark.parametrize("line", ["By A " * 40_000, "share " * 40_000, "x" * 200_000, "Read more\n" * 20_000])
@pytest.mark.timeout(30)
def test_hostile_lines_take_no_more_time_than_their_length(line):
    assert normalize(line).text
