"""Boilerplate lines around a story, and texts without prose."""

import pytest

from nutgraf_models.text.boilerplate import has_prose, is_boilerplate, story_lines
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split
from support.growth import assert_linear

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
        "By Ida Fenn, harbour correspondent, Marlow News",
        "Tom Asker, chief port correspondent",
        "Analysis: Ida Fenn, Marlow political editor",
        "3 May 2015 Last updated at 10:32 BST",
        "Tuesday, 5 May 2015 | 10:32 GMT",
        "14:17",
        "2.42pm BST",
        "(Reuters)",
        "(MH Photo)",
        "Pictured: Ida Fenn at the port on Monday.",
        "FILE - In this May 3, 2015, file photo, the crane is seen at the port. (AP Photo/Ida Fenn)",
        "File photo of the crane",
        "The crane fell across the quay at noon. Photograph: Ida Fenn/Reuters",
        "The crane fell across the quay (Image: Ida Fenn)",
        "Ida Fenn leaves the court on Monday [Tom Asker/AFP]",
        "The crane, after it fell. (AP Photo/Ida Fenn)",
        "This video can not be played, please check that scripts are enabled or update your browser",
        "More on this and other stories from Marlow",
        "See more stories from across the county here",
        "Updates on this story and more from Marlow",
        "Full story: the Herald",
        "For more on this, click here",
        "Follow @MarlowHerald for more",
        "You can follow Ida on Instagram.",
        "Ida.Fenn@marlow.example and follow me on Twitter: @idafenn",
        "Like us on Facebook.",
        "Join our WhatsApp channel for the latest from Marlow.",
        "Enjoying this story? Sign up to our newsletter.",
        "Never miss a story: subscribe to our alerts.",
        "Our morning newsletter brings you the news of the coast.",
        "Enter your email address to get it",
        "By signing up you agree to receive e-mails from us and our partners.",
        "Thank you for subscribing. You will hear from us soon.",
        "Subscribe to continue reading",
        "To continue reading, please log in or subscribe.",
        "Already a subscriber? Log in",
        "This article is only available to subscribers.",
        "You have reached your limit of free articles.",
        "You've read 3 of 3 free articles this month.",
        "Get unlimited access to the Herald for £1.",
        "Cancel anytime.",
        "Support independent journalism from as little as £1.",
        "Have you been to the port? Get in touch.",
        "Did you see the crane fall? Share your photos and let us know.",
        "Do you have a story? E-mail us.",
        "What do you think? Have your say in the comments below.",
        "If you have been affected by this story, call the Samaritans free on 116 123.",
        "For confidential support call a helpline.",
        "We are not currently accepting comments on this article.",
        "We apologise for the error.",
    ],
)
def test_boilerplate_lines_are_dropped(line):
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
        "By Invitation Only",
        "By Royal Appointment",
        "By Popular Demand",
        "By Any Means Necessary",
        "By Hook And By Crook",
        "By Land and Sea",
        "Have you seen him? Police said Tom Asker left the port at noon.",
        "Have you seen him? Contact police on 101.",
        "Have you heard? The port is open, and let nobody tell you that it is not.",
        "Did you know? The crane was built in 1974.",
        "Were you there? Ida Fenn asked the court to tell her in the comments that it made.",
        "Subscribe to our newsletter today, the mayor told residents, and you will know.",
        "Sign up for flood alerts now, people in Marlow were urged.",
        "Register of births opens to the public today",
        "Register to vote, and vote.",
        "To keep reading alive, the library bought 400 books.",
        "Like many newspapers, the Herald sends newsletters.",
        "The newsletter was founded in 1954.",
        "Already a member of the club, she became its head.",
        "Get out, they were told, and to your boats.",
        "Support for independent schools fell.",
        "If you are in the port, leave it, police said, or call the helpline.",
        "More people on the quay than ever",
        "Live music returns to Marlow",
        "Full moon over the port",
        "Updates are due on Monday",
        "File-sharing site shuts down",
        "File complaints by Monday, shops were told.",
        "Photograph of the year: a crane in a storm wins",
        "Ida Fenn named editor of the Herald",
        "Picture this: a port without ships.",
        "Time: 14:17 was when it fell.",
        "Above all: safety, the harbour master said.",
        "The video will not be shown in court.",
        "The judge watched this video, which was played twice.",
        "Follow the rules at sea, he said.",
        "Join the navy and see the world, they said.",
        "Credit: it is harder to get, banks say.",
        "The port reopened on Monday, the harbour master said. (AFP)",
        "Nobody was hurt in the fall of the crane (Reuters)",
        "Watch thieves are jailed in Marlow",
        "Watch makers strike over pay",
        "Gallery reopens after the fire",
        "Listen, mayor, say the people of Marlow",
        "Most popular names for ships are known",
        "Most read of all books is one on cranes",
        "Don’t miss the last ferry, says captain",
        "More people on the quay from Rundvik",
        "Show more respect, coach says",
        "Jump to freedom: a prisoner leaps from a ship",
        "Share on the rise after results",
        "Supported by fans, the club wins again",
        "In pictures of the port there is no crane",
        "Full story of the crane may never be known",
        "Like millions on Facebook, Ida Fenn has left it.",
        "Find a doctor on WhatsApp: that is the plan.",
        "If you own a boat in Marlow, the hotline has been of no use to you.",
    ],
)
def test_lines_that_may_be_story_are_kept(line):
    assert not is_boilerplate(line)


def test_boilerplate_sentence_within_a_paragraph_is_kept():
    text = "The minister spoke. Read more. Share this story. By Ida Fenn"
    assert normalize(text).text == text


def test_link_list_is_dropped_with_its_heading():
    page = f"{STORY}\n\nRelated stories\nCrane falls in Rundvik\nWhy cranes fall\n\nA report is due in May.\nThe end"
    assert normalize(page).text == f"{STORY}\n\nA report is due in May.\nThe end"


def test_text_of_only_boilerplate_is_kept():
    banner = "We use cookies.\nAccept all"
    assert normalize(banner).text == banner
    assert story_lines(banner) == [(0, 15), (16, 26)]


def test_spans_around_dropped_lines_are_correct():
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


def test_html_paragraphs_count_as_lines():
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
def test_prose_is_detected(text, expected):
    assert has_prose(split(normalize(text).text)) is expected


@pytest.mark.parametrize(
    "make",
    [
        lambda k: "By A " * (40_000 // k),
        lambda k: "share " * (40_000 // k),
        lambda k: "x" * (200_000 // k),
        lambda k: "Read more\n" * (20_000 // k),
    ],
)
def test_time_is_linear_for_hostile_lines(make):
    def clean(line: str) -> None:
        assert normalize(line).text

    assert_linear(clean, make)


NOTES = [
    "Correction: An earlier version said 400 tonnes. It weighs 40.",
    "CORRECTION (3 May 2015): The crane weighed 40 tonnes, not 400.",
    "Correction, May 3: The crane weighed 40 tonnes, not 400.",
    "Correction 3 May 2015: A previous version of this story gave the wrong weight.",
    "Corrections and clarifications: The crane weighed 40 tonnes, not 400.",
    "Clarification — The crane belonged to Marlow Docks, not to the port.",
    "Editor's note: This story has been updated with a statement from the port.",
    "EDITOR’S NOTE: Ida Fenn is a professor of law in Rundvik.",
    "Editors' Note | The crane weighed 40 tonnes.",
    "[Ed. note: The crane weighed 40 tonnes.]",
    "Note to readers: The crane weighed 40 tonnes, not 400.",
    "An earlier version of this article misstated the weight of the crane. It is 40 tonnes.",
    "Because of an editing error, an earlier version of this article gave the wrong weight.",
    "* This article was amended on 3 May 2015 to correct the weight of the crane.",
    "This story has been corrected to show that the crane weighed 40 tonnes.",
    "The headline on this article was changed on 4 May 2015.",
    "This article was originally published on 3 May 2015.",
    "This article first appeared in the Vell Courier.",
    "(Corrects weight of crane in paragraph 3)",
    "(Adds details, background)",
    "(This version of the May 3 story corrects the weight of the crane in paragraph 3)",
    "For the Record: The crane weighed 40 tonnes, not 400.",
    "Disclosure: The author owns shares in Marlow Docks.",
    "The views expressed in this article are those of the author.",
    "Warning: This story contains details that some may find distressing.",
    "About the author: Ida Fenn has written on ports since 1990.",
    "_This article was updated on Monday, 4 May, with a comment from the port._",
    "This report has been updated to correct the weight of the crane.",
    "Opinions expressed here do not necessarily reflect those of the Herald.",
]


@pytest.mark.parametrize("note", NOTES)
def test_editorial_note_is_dropped(note):
    for page in (f"{STORY}\n{note}", f"{note}\n\n{STORY}", f"{STORY[:38]}\n{note}\n{STORY[39:]}"):
        assert normalize(page).text.split() == STORY.split()


@pytest.mark.parametrize("note", NOTES)
def test_editorial_note_is_kept_without_a_story(note):
    assert normalize(note).text == note.replace("’", "'")
    assert normalize(f"The Herald on its report of the crane\n\n{note}").text.endswith(note.replace("’", "'"))


@pytest.mark.parametrize(
    "line",
    [
        "Correction officers went on strike on Monday.",
        "Corrections to the report took a year, Ida Fenn said.",
        "Correction of the error cost £3m.",
        "A correction in prices is due, traders say.",
        "Clarification is needed, the minister said.",
        "Editors note that the press is free.",
        "Editor's notes were found beside the manuscript.",
        "For the record fee of £3m, the club bought a keeper.",
        "An earlier version of the crane weighed 400 tonnes.",
        "An earlier report by the council was wrong.",
        "Because of an error by the harbour master, the gate stayed shut.",
        "This article of the treaty was amended by both states.",
        "This report was welcomed by the mayor.",
        "The report has been updated by its authors, who found 40 more.",
        "This story is part of a wider pattern, she said.",
        "Update: The port has reopened, the harbour master said.",
        "(The port corrects its figures once a year.)",
        "Views expressed by the jury differed.",
        "Disclosure of the papers was ordered by a judge.",
        "Warning: ice is on the roads, the police said.",
        "The Herald published a correction: the crane weighed 40 tonnes.",
        "This report was published by the ministry on Monday.",
        "This report was first published in 2010 and caused a storm.",
        "This report has been updated to include 40 more ships.",
        "This review was amended on 3 May after the port complained.",
        "Views expressed in the survey differ from town to town.",
        "The story was first published in 1954.",
        "An article that was amended on Monday is now law.",
        "“Correction: it was 40,” said Ida Fenn.",
    ],
)
def test_sentence_similar_to_a_note_is_kept(line):
    assert normalize(f"{STORY}\n{line}").text.endswith(line.replace("“", '"').replace("”", '"'))


def test_note_within_a_paragraph_is_kept():
    text = f"{STORY} Correction: An earlier version said 400 tonnes. It weighs 40."
    assert normalize(text).text == text


def test_note_with_a_label_in_markup_is_dropped():
    page = f"<p>{STORY}</p><p><b>Correction:</b> An earlier version said <i>400</i> tonnes. It weighs 40.</p>"
    assert normalize(page).text == STORY.replace("\n", " ")


@pytest.mark.parametrize(
    "header",
    [
        "By. Ida Fenn. PUBLISHED:. 10:32 EST, 3 May 2015. |. UPDATED:. 11:00 EST, 3 May 2015.",
        "By . Ida Fenn . PUBLISHED: . 10:32 EST, 3 May 2015 . | . UPDATED: . 11:00 EST, 3 May 2015 .",
        "By. Ida Fenn. and Tom Asker. UPDATED:. 10:32 EST, 3 May 2015.",
        "By. Ida Fenn.",
        "By Ida Fenn for the Herald PUBLISHED: 10:32, 3 May 2015 | UPDATED: 11:00, 3 May 2015",
        "PUBLISHED:. 07:04 EST, 9 January 2014. |. UPDATED:. 07:16 EST, 9 January 2014.",
        "Last updated at 3:31 PM on 19th July 2011",
        "Published: 10:32, May 3, 2015 |",
        "Media playback is not supported on this device",
        "Scroll down for video",
        "Scroll down for videos.",
    ],
)
def test_header_on_the_line_of_the_first_sentence_is_removed(header):
    page = f"{header} The port of Marlow reopened on Monday. Nobody was hurt."
    clean = normalize(page)
    assert clean.text == "The port of Marlow reopened on Monday. Nobody was hurt."
    start, end = clean.source_span(0, len(clean.text))
    assert page[start:end] == clean.text


@pytest.mark.parametrize(
    "start",
    [
        "By Monday the port had reopened.",
        "By Ida Fenn's own account the port had reopened.",
        "Published in May, the report blames the crane.",
        "Published 3 May 2015 to praise, the book is out again.",
        "Updated rules come into force on 3 May 2015.",
        "Scroll down for videos of cranes, a site says, and you find none.",
        "Media playback is not what it was.",
    ],
)
def test_first_sentence_similar_to_a_header_is_kept(start):
    assert normalize(f"{start} Nobody was hurt.").text == f"{start} Nobody was hurt."


def test_player_phrase_between_sentences_becomes_a_break():
    page = (
        "The port reopened. Media playback is unsupported on your device Two waited. Scroll down for video. One left."
    )
    assert normalize(page).text == "The port reopened.\nTwo waited.\nOne left."


TABLES = [
    "Team P W D L Pts\nMarlow 12 8 2 2 26\nRundvik 12 7 3 2 24\nVell 12 7 1 4 22",
    "1. Ida Fenn (Nor) Honda - 42:00.418\n2. Tom Asker (Gbr) Yamaha - 42:03.661\n3. Bob Quayle (Irl) Honda - 42:05.916",
    "Port | Ships | Tonnes\nMarlow | 12 | 4,000\nRundvik | 8 | 2,500\nVell | - | -",
    "Marlow\t12\t40%\t3\nRundvik\t8\t30%\t1\nVell\t2\t5%\t0",
    "12.5% 13.1% 4 Marlow\n10% 9.9% 3 Rundvik\n8% 7% 2 Vell",
]


@pytest.mark.parametrize("table", TABLES)
def test_table_beside_prose_is_dropped(table):
    for page in (f"{STORY}\n\n{table}", f"{table}\n{STORY}", f"{STORY[:38]}\n{table}\n{STORY[39:]}"):
        assert normalize(page).text.split() == STORY.split()


@pytest.mark.parametrize("table", TABLES)
def test_table_without_prose_is_kept(table):
    assert normalize(table).text.split() == table.split()


@pytest.mark.parametrize(
    "lines",
    [
        "1. Reduce sugar\n2. Walk 30 minutes a day\n3. Sleep for 8 hours",
        "1. The crane, found in a field in 1905, weighed 3,107 tonnes\n2. The mast, found in a yard in 2015, weighed "
        "1,111 tonnes\n3. The wheel, found in a shed in 1893, weighed 995 tonnes",
        "Marlow 2-1 Rundvik\nVell 0-0 Cookham",
        "In 2015, 40 ships came.\nIn 2016, 12 of 30 came.\nIn 2017, 8 of 20 came.",
        "Age: 24\nAge: 26\nAge: 28",
    ],
)
def test_lists_and_sentences_with_numbers_are_not_tables(lines):
    assert normalize(f"{STORY}\n{lines}").text == f"{STORY}\n{lines}"
