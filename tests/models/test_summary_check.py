"""The check of a third-party summary: verdicts, spans, and sentences that need no check."""

import pytest

from nutgraf_models.checks.claims import claims_nothing, only_asks
from nutgraf_models.checks.summary_check import check_summary
from nutgraf_models.checks.support import OTHERS_THRESHOLD
from nutgraf_models.errors import EmptyArticle, EmptySummary
from nutgraf_models.results import CheckedSummary, TermKind, Verdict, WarningKind
from support.articles import ARTICLE
from support.growth import assert_linear

TRUE = "Nobody was hurt, the harbour master said."
FALSE = "The crane was sold to Rundvik in March."
SUPPORTED, DOUBTED, NO_CLAIM = Verdict.SUPPORTED, Verdict.DOUBTED, Verdict.NO_CLAIM


def sentences(summary: str, article: str = ARTICLE) -> list[tuple[str, Verdict]]:
    """The checked sentences as in the summary, with their verdicts."""
    checked = check_summary(article, "", summary)
    return [(summary[one.span.start : one.span.end], one.verdict) for one in checked.sentences]


def terms(summary: str, checked: CheckedSummary) -> list[tuple[str, TermKind]]:
    return [(summary[term.span.start : term.span.end], term.kind) for term in checked.unsupported_terms]


def test_summary_support_is_the_minimum_of_its_sentences():
    checked = check_summary(ARTICLE, "", f"{TRUE} {FALSE}")
    good, bad = checked.sentences
    assert (good.verdict, bad.verdict, checked.verdict) == (SUPPORTED, DOUBTED, DOUBTED)
    assert bad.support < checked.threshold == OTHERS_THRESHOLD < good.support
    assert checked.support == bad.support
    assert check_summary(ARTICLE, "", TRUE).verdict is SUPPORTED


MAYOR = (
    "A court in Vell has cleared the former mayor Tom Asker of fraud, but found the deputy, Ida Fenn, guilty of theft. "
    "Fenn, 52, was told that she could be jailed for up to four years. Will the county ever see the money again? "
    "The lawyer for Fenn, Carl Dahl, said she would appeal. The trial lasted nine weeks and heard 40 witnesses."
)


@pytest.mark.parametrize(
    ("summary", "verdict"),
    [
        # copies and excerpts
        ("The trial lasted nine weeks and heard 40 witnesses.", SUPPORTED),
        ("A court in Vell has cleared the former mayor Tom Asker of fraud.", SUPPORTED),
        ("The deputy, Ida Fenn, was told that she could be jailed for up to four years.", SUPPORTED),
        # new words, or words from elsewhere in the article
        ("A court in Vell has punished the former mayor Tom Asker with a large fine.", DOUBTED),
        ("Asker was guilty, and Fenn heard 40 witnesses for nine weeks.", DOUBTED),
        # a wrong name, a wrong number
        ("A court in Vell has cleared the former mayor Tom Quayle of fraud.", DOUBTED),
        ("The trial lasted ten weeks and heard 40 witnesses.", DOUBTED),
        # a changed gender, a question as a fact
        ("Fenn, 52, was told that he could be jailed for up to four years.", DOUBTED),
        ("The county will ever see the money again.", DOUBTED),
    ],
)
def test_sentences_by_others_are_judged_by_overlap(summary, verdict):
    assert check_summary(MAYOR, "", summary).verdict is verdict


def test_support_falls_with_distance_from_the_article():
    summaries = (
        "The trial lasted nine weeks and heard 40 witnesses.",  # a copy
        "The trial heard 40 witnesses.",  # cut
        "The trial took nine weeks, with 40 witnesses.",  # reworded
        "Judges sat for nine weeks, listening to many people.",  # hardly any of the article's words
        "Judges in Rome sat for twelve weeks, listening to many people.",  # with errors
    )
    supports = [check_summary(MAYOR, "", summary).support for summary in summaries]
    assert supports == sorted(supports, reverse=True)
    assert len(set(supports)) == len(supports)


TOKENS = "He fell out with 1, 056 men , and 98. 7 per cent left on May 12, 300 people said ."


def test_tokenised_numbers_are_joined():
    for summary in ("He fell out with 1,056 men.", "98.7 per cent left."):
        checked = check_summary(TOKENS, "", summary)
        assert terms(summary, checked) == []
        # Passages are in the article as sent.
        best = checked.sentences[0].evidence[0].span
        assert TOKENS[best.start : best.end] == TOKENS
        # An article with any number in normal notation is not changed.
        assert terms(summary, check_summary(f"{TOKENS} It cost 1,000 crowns.", "", summary))
    assert terms("12,300 people said.", check_summary(TOKENS, "", "12,300 people said."))
    # Numbers in a summary may be split too.
    assert check_summary(TOKENS, "", "He fell out with 1, 056 men .").unsupported_terms == ()


def test_summary_without_a_claim_is_not_doubted():
    checked = check_summary(ARTICLE, "", "Hello!\nWhat happens next?")
    assert (checked.support, checked.verdict, checked.unsupported_terms) == (1.0, NO_CLAIM, ())
    # A sentence without a claim does not change the result of a supported one.
    beside = check_summary(ARTICLE, "", f"Hello! {TRUE}")
    assert (beside.support, beside.verdict) == (beside.sentences[1].support, SUPPORTED)


def test_threshold_changes_the_verdict_only():
    support = check_summary(ARTICLE, "", TRUE).support
    strict = check_summary(ARTICLE, "", TRUE, threshold=support + 0.001)
    assert (strict.support, strict.verdict, strict.threshold) == (support, DOUBTED, support + 0.001)
    assert check_summary(ARTICLE, "", TRUE, threshold=support).verdict is SUPPORTED
    assert check_summary(ARTICLE, "", FALSE, threshold=0.0).verdict is SUPPORTED
    wrong = "Nobody was hurt, Tom Quayle said."
    checked = check_summary(ARTICLE, "", wrong, threshold=0.0)
    assert terms(wrong, checked) == [("Tom Quayle", TermKind.NAME)]
    assert checked.verdict is DOUBTED


def test_evidence_spans_are_in_the_article_as_sent():
    article = ARTICLE.replace("\n\n", "\r\n\r\n").replace("Nobody", "😀 No\u200bbody")
    (sentence,) = check_summary(article, "", TRUE).sentences
    best = sentence.evidence[0].span
    assert article[best.start : best.end] == "😀 No\u200bbody was hurt, the harbour master said."


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        ("😀👩‍🚀 Nobody was hurt.\r\nZoe\u0301 Quorn wept.", ["😀👩‍🚀 Nobody was hurt.", "Zoe\u0301 Quorn wept."]),
        (
            "<p>Nobody was <b>hurt</b>.</p><p>Zoe\u0301 Quorn wept.</p>",
            ["Nobody was <b>hurt</b>.", "Zoe\u0301 Quorn wept."],
        ),
        ("Nobody was hurt. \0 \u202eZoe\u0301 Quorn wept.", ["Nobody was hurt.", "Zoe\u0301 Quorn wept."]),
        ("Nobody\r\nwas hurt.\r\n\r\n\tZoe\u0301 Quorn\nwept.", ["Nobody\r\nwas hurt.", "Zoe\u0301 Quorn\nwept."]),
        ("Nobody was hurt &amp; wet. Zoe\u0301 Quorn wept.", ["Nobody was hurt &amp; wet.", "Zoe\u0301 Quorn wept."]),
    ],
    ids=["emoji and line break", "HTML", "control characters", "wrapped", "entity"],
)
def test_sentence_spans_are_in_the_summary_as_sent(summary, found):
    checked = check_summary(ARTICLE, "", summary)
    assert [summary[one.span.start : one.span.end] for one in checked.sentences] == found
    assert terms(summary, checked)[-1] == ("Zoe\u0301 Quorn", TermKind.NAME)


@pytest.mark.parametrize(
    "summary",
    [
        f"1. {TRUE}\n2. Two ships had to wait for nine hours.",
        f"1) {TRUE} 2) Two ships had to wait for nine hours.",
        f"- {TRUE}\n- Two ships had to wait for nine hours.",
        f"• {TRUE}\n• Two ships had to wait for nine hours.",
        f"**{TRUE}**\n\n> Two ships had to wait for nine hours.[3]",
        f"# {TRUE}\n* Two ships had to wait for nine hours. [1, 2]",
    ],
)
def test_list_marks_and_citations_are_ignored(summary):
    assert [verdict for _, verdict in sentences(summary)] == [SUPPORTED, SUPPORTED]


def test_bullet_points_are_sentences_and_wrapped_lines_are_not():
    points = [
        "Two ships had to wait for nine hours outside the breakwater",
        "Work to clear the quay took 40 people all night, with lamps",
        "A report on the cause of the fall is due in three weeks",
    ]
    for bullet in ("", "- ", "• "):
        summary = "\n".join(bullet + point for point in points)
        assert [text for text, _ in sentences(summary)] == [bullet + point for point in points]
    wrapped = (
        "The port of Marlow reopened on Monday after a crane\nfell across its main quay, which was\ncleared at night."
    )
    assert [text for text, _ in sentences(wrapped)] == [wrapped]


def test_summary_lines_are_never_dropped_as_boilerplate():
    # In an article, such lines count as boilerplate.
    summary = "By Tom Quayle\nPhoto: Tom Quayle/Reuters\nRead more: Mayor arrested\n" + TRUE
    assert sentences(summary) == [
        ("By Tom Quayle", DOUBTED),
        ("Photo: Tom Quayle/Reuters", DOUBTED),
        ("Read more: Mayor arrested", DOUBTED),
        (TRUE, SUPPORTED),
    ]


def test_end_of_a_very_long_sentence_is_checked():
    true = ", and ".join(f"the {number} men of boat {name} were paid" for number, name in NUMBERED)
    assert len(true.split()) > 300
    assert check_summary(f"{true}.", "", f"{true}.").verdict is SUPPORTED
    # More words than one alignment covers, all of them in the article, but no two adjacent.
    words = "wife left harbour singer old master sold ship bought house burned early".split()
    article = f"{true}. {' so '.join(words)}."
    false = f"{true}, and {' then '.join(words * 6)}."
    checked = check_summary(article, "", false)
    assert (checked.verdict, checked.unsupported_terms) == (DOUBTED, ())


def test_end_of_a_very_long_article_sentence_is_read():
    article = " and ".join(f"the {number} men of boat {name} were paid" for number, name in NUMBERED * 3)
    assert len(article.split()) > 1000
    article = f"{article} and Ida Fenn opened the new bridge over the river Tarn on a cold Friday in March"
    summary = "Ida Fenn opened the new bridge over the river Tarn on a cold Friday."
    assert check_summary(article, "", summary).verdict is SUPPORTED


NUMBERED = [
    (number, f"{first}{second}")
    for number, (first, second) in enumerate(zip("BCDFGHJKLMNPQRSTVWXZ" * 2, "aeiou" * 8, strict=True), 2)
]


@pytest.mark.parametrize(
    "text",
    [
        *("Read more.", "Read more here", "See the full article.", "Click here to read more.", "Continue reading →"),
        *(
            "Subscribe to our newsletter!",
            "Follow us on Facebook and X for more updates.",
            "Stay tuned for more.",
            "Share",
        ),
        *(
            "More details to follow.",
            "Let us know in the comments below!",
            "Thank you for reading!",
            "What do you think?",
        ),
        *("Hello everyone,", "Good morning!", "Dear readers,", "Best wishes"),
        *("Here is a summary of the article:", "Sure! Here's a three-sentence summary:", "Here are the key points:"),
        *("I hope this helps!", "Certainly!", "Key points:", "Summary", "Background", "TL;DR:", "The long story"),
        *("", "---", "😀 🎉", "“…”"),
    ],
)
def test_sentences_without_a_claim_are_detected(text):
    assert claims_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Read more: Mayor arrested",
            "Read more about the theft by the mayor.",
            "See the mayor resign",
            "Watch: mayor falls",
        ),
        *(
            "Share prices fell.",
            "Like his rival, Asker resigned.",
            "Follow the money: Asker stole it",
            "More men to die",
        ),
        *(
            "Hello Kitty is dead.",
            "Good morning, said the thief.",
            "Dear Tom Asker",
            "Thanks to Asker, nobody was hurt.",
        ),
        *("Here is a summary of the lies of Tom Asker:", "Sure, Asker stole it.", "Here are the three murders."),
        *(
            "Asker guilty",
            "The mayor resigned",
            "Summary: the mayor resigned",
            "Facts are facts.",
            "Murder in Marlow",
            "42",
        ),
        "x" * 5000,
    ],
)
def test_sentences_that_may_claim_something_are_checked(text):
    assert not claims_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        "What happens next?",
        "So who will pay for it?",
        "Was the crane safe?",
        "Will the port close again?",
        "What's next?",
    ],
)
def test_plain_question_claims_nothing(text):
    assert only_asks(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Why did the mayor steal it?",
            "How did he die?",
            "Who stole the money?",
            "Did you know that the mayor stole it?",
        ),
        *("Will he resign, now that he stole it?", "Is he the man who stole it?", "Isn't it true that he stole it?"),
        *("The mayor stole it, didn't he?", "The mayor stole it?", "Was it safe? It was not.", "“Was it safe?”"),
        "Is it " + "very " * 50 + "safe?",
    ],
)
def test_question_with_a_presupposition_is_checked(text):
    assert not only_asks(text)


def test_question_with_an_unsupported_name_is_doubted():
    assert sentences("Will the port close? Will Tom Quayle resign?") == [
        ("Will the port close?", NO_CLAIM),
        ("Will Tom Quayle resign?", DOUBTED),
    ]


def test_sentence_without_a_claim_has_no_evidence_or_terms():
    checked = check_summary(ARTICLE, "", "Follow us on Facebook! Was the crane safe?")
    assert [(one.verdict, one.support, one.evidence) for one in checked.sentences] == [(NO_CLAIM, 1.0, ())] * 2
    assert checked.unsupported_terms == ()


def test_the_title_counts_as_article():
    summary = "Storm Ylva fells a crane."
    assert check_summary(ARTICLE, "", summary).verdict is DOUBTED
    assert check_summary(ARTICLE, "Storm Ylva fells a crane", summary).verdict is SUPPORTED


def test_article_warnings_are_reported():
    german = "Die Brücke im Dorf wird neu gebaut, sagte der Bürgermeister am Montag vor dem Rathaus. " * 5
    checked = check_summary(german, "", "Die Brücke im Dorf wird neu gebaut.")
    assert (checked.language, [one.kind for one in checked.warnings]) == ("de", [WarningKind.LANGUAGE_NOT_SUPPORTED])
    assert "the check supports en" in checked.warnings[0].detail
    table = check_summary("total;12;13\nrow;1;2\n" * 40, "", "The total is 12.")
    assert WarningKind.NO_PROSE in [one.kind for one in table.warnings]
    assert check_summary(ARTICLE, "", TRUE).warnings == ()


def test_token_count_needs_a_counter():
    assert check_summary(ARTICLE, "", TRUE).input_tokens == 0
    checked = check_summary(ARTICLE, "", TRUE, count_tokens=lambda texts: [len(text) for text in texts])
    assert checked.input_tokens == checked.character_count == len(ARTICLE)


@pytest.mark.parametrize("text", ["", " \n", "\0", "<p> </p><b></b>"])
def test_empty_input_error_names_the_field(text):
    with pytest.raises(EmptyArticle):
        check_summary(text, "A title", TRUE)
    with pytest.raises(EmptySummary):
        check_summary(ARTICLE, "", text)


def test_check_can_be_stopped_between_sentences():
    class Stopped(Exception):
        pass

    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    check_summary(ARTICLE, "", TRUE, between_steps=count)
    before_the_sentence = steps - 1
    steps = 0

    def stop_at_the_third_sentence() -> None:
        count()
        if steps == before_the_sentence + 3:
            raise Stopped

    with pytest.raises(Stopped):
        check_summary(ARTICLE, "", "One. Two. Three. Four. Five.", between_steps=stop_at_the_third_sentence)
    assert steps == before_the_sentence + 3


@pytest.mark.parametrize(
    "make",
    [
        lambda k: "word " * (2000 // k),
        lambda k: "A. " * (3300 // k),
        lambda k: "He said so. " * (800 // k),
        lambda k: '"' * (10_000 // k),
        lambda k: "more than 37 " * (750 // k),
        lambda k: "**" * (5000 // k),
        lambda k: "1. " * (3000 // k),
        lambda k: "(" * (9999 // k),
    ],
)
def test_time_is_linear_for_hostile_summaries(make):
    article = f"{ARTICLE}\n\n" + " ".join(
        f"Boat {number} of {number + 1} came home, he said." for number in range(2000)
    )

    def check(summary: str) -> None:
        assert check_summary(article, "", summary).sentences

    assert_linear(check, make)
