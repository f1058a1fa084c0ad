"""The check of statements against an article: supported sentences, and the kinds of false ones that are doubted."""

import pytest

from nutgraf_models.checks.article_check import ArticleCheck
from nutgraf_models.checks.statements import StatementIndex
from nutgraf_models.checks.words import common_subsequence
from nutgraf_models.text.sentences import split
from support.growth import assert_linear

ARTICLE = (
    "A court in Vell has cleared the former mayor Tom Asker of fraud, but found his deputy, Ida Fenn, guilty of theft. "
    "Fenn, 52, was told that she could be jailed for up to four years. "
    "Asker said outside the court that he would run for office again. "
    "The harbour company's accounts were wrong by 31 million crowns, according to the auditors. "
    "Will the county ever see the money again? "
    "The lawyer for Fenn, Carl Dahl, said she would appeal if the sentence was longer than a year. "
    "The trial lasted nine weeks and heard 40 witnesses."
)


@pytest.fixture(scope="module")
def check() -> ArticleCheck:
    return ArticleCheck(ARTICLE, split(ARTICLE), "Former mayor of Vell cleared")


@pytest.mark.parametrize("sentence", [one.text for one in split(ARTICLE) if not one.text.endswith("?")])
def test_article_sentences_are_supported(check, sentence):
    checked = check.check(sentence)
    assert checked.is_supported
    assert checked.support > 0.9
    assert checked.origin is not None
    assert split(ARTICLE)[checked.origin].text == sentence


@pytest.mark.parametrize(
    "sentence",
    [
        "A court in Vell has cleared the former mayor Tom Asker of fraud.",
        "A court in Vell has cleared the former mayor Tom Asker of fraud, but found Ida Fenn guilty of theft.",
        "Fenn was told that she could be jailed for up to four years.",
        "The accounts were wrong by 31 million crowns, according to the auditors.",
        "The trial lasted nine weeks.",
    ],
)
def test_shortened_sentences_are_supported(check, sentence):
    assert check.check(sentence).is_supported


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("wrong actor", "A court in Vell has found Tom Asker guilty of theft after nine weeks."),
        ("wrong actor", "Carl Dahl, 52, was told that he could be jailed for up to four years."),
        ("wrong speaker", "The auditors said outside the court that they would run for office again."),
        ("facts fused", "Ida Fenn was cleared of fraud by 40 witnesses, according to the auditors."),
        ("facts fused", "The harbour company will run for office again after the trial."),
        ("question as fact", "The county will see the money again."),
        ("condition left out", "The lawyer for Fenn, Carl Dahl, said she would appeal."),
        ("whose word it is left out", "The harbour company's accounts were wrong by 31 million crowns."),
        ("invented name", "A court in Vell has cleared the former mayor Tom Quayle of fraud."),
        ("invention", "The verdict was greeted with cheers in the streets."),
        ("nonsense", "Fenn could be jailed for nine weeks for four years for the harbour."),
    ],
)
def test_wrong_combinations_are_doubted(check, kind, sentence):
    checked = check.check(sentence)
    assert not checked.is_supported, kind
    # Support alone finds it; a lookup could only find the name.
    assert checked.support < 0.9
    assert bool(checked.terms) == (kind == "invented name")


def test_changed_gender_is_doubted():
    article = "Ida Fenn, who runs the port, has resigned. She will leave in May, the council said."
    check = ArticleCheck(article, split(article))
    assert check.check("She will leave in May, the council said.").is_supported
    assert not check.check("He will leave in May, the council said.").is_supported


def test_clause_after_with_is_doubted():
    article = "The move takes him out of the squad, with the union not allowing players abroad to be picked. He left."
    check = ArticleCheck(article, split(article))
    assert not check.check("The union not allowing players abroad to be picked.").is_supported
    assert check.check("The move takes him out of the squad.").is_supported


RACE = (
    "Halden driver Mats Orre set the pace on Friday, but Brell's Ida Fenn was only a second behind. "
    "A Vell man is facing a murder charge after he admitted stabbing his neighbour, police said. "
    "Nils Bratt, 24, visited the house on Friday night. Karl Stenmark, 21, allegedly gave him a shirt. "
    "Orre was found guilty of fraud in 2012, but his conviction was quashed in April. "
    "The mammoth could walk the earth again, after Fenn signed a deal to clone it. "
    "Sheikh Omar bin Said opened the track."
)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("names of two people", "Halden's Ida Fenn was only a second behind."),
        (
            "a victim named as the accused",
            "Nils Bratt, 24, is facing a murder charge after he admitted stabbing his neighbour, police said.",
        ),
        ("a verdict without what became of it", "Orre was found guilty of fraud in 2012."),
        (
            "clauses without the word between them",
            "The mammoth could walk the earth again, Fenn signed a deal to clone it.",
        ),
    ],
)
def test_wrong_joins_are_doubted(kind, sentence):
    assert not ArticleCheck(RACE, split(RACE)).check(sentence).is_supported, kind


@pytest.mark.parametrize(
    "sentence",
    [
        "Brell's Ida Fenn was only a second behind.",
        "A Vell man is facing a murder charge, police said.",
        "Orre was found guilty of fraud in 2012, but his conviction was quashed.",
        "The mammoth could walk the earth again after Fenn signed a deal to clone it.",
        "Sheikh Omar Said opened the track.",
    ],
)
def test_joins_of_the_article_are_supported(sentence):
    assert ArticleCheck(RACE, split(RACE)).check(sentence).is_supported


def test_headline_supports_but_is_no_origin(check):
    checked = check.check("Former mayor of Vell cleared.")
    assert checked.terms == ()
    assert (
        ArticleCheck("Nobody was hurt.", split("Nobody was hurt."), "Bridge falls in Ostvik")
        .check("Bridge falls in Ostvik.")
        .origin
        is None
    )


def test_unrelated_article_supports_nothing(check):
    checked = check.check("Bananas ripen quickly.")
    assert checked.origin is None
    assert checked.support < 0.1


@pytest.mark.parametrize("text", ["", "...", "42", "“", "的的的。"])
def test_text_without_words_is_accepted(check, text):
    assert 0 <= check.check(text).support <= 1
    assert 0 <= ArticleCheck(text, split(text)).check("One is here.").support <= 1


@pytest.mark.parametrize(
    ("one", "other", "length"),
    [("", "", 0), ("abc", "", 0), ("abc", "abc", 3), ("abcd", "xaxbxd", 3), ("aab", "ba", 1), ("abcbdab", "bdcaba", 4)],
)
def test_longest_common_subsequence(one, other, length):
    assert common_subsequence(list(one), list(other)) == length


def test_features_use_the_best_article_sentence():
    index = StatementIndex(["The old bridge fell.", "The mayor opened the new bridge on Monday, to great applause."])
    features, origin = index.measure("The mayor opened the bridge on Monday.")
    assert origin == 1
    assert features.all_in_order == 1
    assert features.ends_cut == features.distant_words == features.insertions == 0
    assert features.rough_cuts == 1  # "new"
    assert features.new_words == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda k: "word " * (4000 // k),
        lambda k: "He said " * (3000 // k),
        lambda k: "A.B." * (5000 // k),
        lambda k: '"' * (20_000 // k),
        lambda k: "he, " * (5000 // k),
    ],
)
def test_time_is_linear_for_hostile_text(make):
    def check(text: str) -> None:
        index = ArticleCheck(text, split(text))
        for sentence in split(text)[:20]:
            index.check(sentence.text)

    assert_linear(check, make)


@pytest.mark.parametrize(
    ("sentence", "ends"),
    [
        (
            "Factory orders in Marlow fell the most in July.",
            1,
        ),  # "in two years", which qualifies the superlative, is dropped
        ("Factory orders in Marlow fell the most in July in two years.", 0),
        ("Orders in Marlow fell the most in July.", 2),
    ],
)
def test_cut_ends_need_a_continuation_without_a_comma(sentence, ends):
    index = StatementIndex(["Factory orders in Marlow fell the most in July in two years, the port said."])
    features, _ = index.measure(sentence)
    assert features.ends_cut == ends


def test_distant_words_are_not_in_neighbouring_sentences():
    index = StatementIndex(
        ["Ida Fenn runs the port.", "It rained all day.", "Nobody came to see it.", "Jan Rask drove the red van."]
    )
    features, origin = index.measure("Jan Rask runs the port.")
    assert origin == 0
    assert features.distant_words == pytest.approx(2 / 4)
    assert features.insertions == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "The tactics were plain to see.",
        "According to the company, none of its 40 pilots will be dismissed.",
        "Last year the aunt of Mr Asker dismissed claims of fraud.",
    ],
)
def test_opening_with_an_unintroduced_subject_is_rejected(sentence):
    article = f"Tom Asker has sold Marlow Pilots. The crews went on strike at once. {sentence}"
    sentences = split(article)
    check = ArticleCheck(article, sentences)
    told = check.check(sentences[0].text)
    assert not check.introduces(check.check(sentence), [])
    # At the start of the article it counts as known.
    alone = ArticleCheck(sentence, split(sentence))
    assert alone.introduces(alone.check(sentence), [])
    assert told.origin == 0


@pytest.mark.parametrize(
    "sentence",
    [
        "The government was asked for help.",
        "The Marlow firm was sold.",
        "Vell Radio listeners left the station in protest.",
        "A sailor struggled to catch up with Asker.",
    ],
)
def test_unique_subject_needs_no_introduction(sentence):
    article = f"Tom Asker has sold Marlow Pilots. {sentence}"
    check = ArticleCheck(article, split(article))
    assert check.introduces(check.check(sentence), [])


def test_a_later_sentence_calls_nobody_by_one_name_before_an_introduction():
    article = "Marlow has a new port. Tom Asker runs it. A sailor struggled to catch up with Asker. Asker left Marlow."
    sentences = split(article)
    check = ArticleCheck(article, sentences)
    opening, introduction, later, _ = (check.check(sentence.text) for sentence in sentences)
    assert not check.introduces(later, [opening])
    assert check.introduces(later, [opening, introduction])


def test_a_comparison_is_told_only_after_what_it_compares_with():
    article = (
        "Tom Asker met Ida Fenn. Asker spoke for an hour. Fenn was much briefer. Fenn was much briefer than Asker."
    )
    check = ArticleCheck(article, split(article))
    opening, hour, briefer, than = (check.check(sentence.text) for sentence in split(article))
    assert check.introduces(briefer, [opening, hour])
    assert not check.introduces(briefer, [opening])
    assert check.introduces(than, [opening])


def test_capitals_are_ignored_for_an_article_without_them():
    article = "ida fenn has been named as the mayor of port vell. she will begin in may, said carl dahl."
    check = ArticleCheck(article, split(article))
    assert check.check("Ida Fenn has been named as the mayor of Port Vell.").is_supported
    assert not check.check("Ida Fenn has been named as the mayor of Marlow.").is_supported


@pytest.mark.parametrize(
    "sentence",
    [
        "The men are loyal to the minister Carl Dahl.",
        "He sent a picture to his daughter on Monday.",
        "The mayor of Vell, Jan Rask, opened the new bridge.",
    ],
)
def test_a_modifier_or_an_owner_that_turns_the_meaning_is_not_lost(sentence):
    article = (
        "The men are loyal to the sacked minister Carl Dahl. He sent a picture to her daughter on Monday. "
        "The deputy mayor has resigned, said Ida Fenn. The former mayor of Vell, Jan Rask, opened the new bridge."
    )
    check = ArticleCheck(article, split(article))
    assert all(check.check(one.text).is_supported for one in split(article))
    assert not check.check(sentence).is_supported


TURNED = (
    "Ida Fenn defended her lead in the race of Marlow until a younger rider from Vell came past her. "
    "Exports fell by 2.5% and imports by 4% in May, the bank said. The ferry will not run until the end of the storm. "
    "Jan Rask was reported for a suspect throw in the match against Vell. "
    "Now that three firms say their headquarters are offshore, the council of Vell may act."
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Ida Fenn defended her lead in the race of Marlow.",
        "Exports fell by 4% in May, the bank said.",
        "Jan Rask was reported for a throw in the match against Vell.",
        "Now that three firms say their headquarters, the council of Vell may act.",
    ],
)
def test_what_turns_a_statement_is_not_lost(sentence):
    check = ArticleCheck(TURNED, split(TURNED))
    assert all(check.check(one.text).is_supported for one in split(TURNED))
    assert not check.check(sentence).is_supported


def test_other_endings_may_be_lost():
    check = ArticleCheck(TURNED, split(TURNED))
    assert check.check("Exports fell by 2.5% in May, the bank said.").is_supported
    assert check.check("The ferry will not run.").is_supported


CUT = (
    "Harbour Street in Marlow is a good example of how the council took a risk on a plan that nobody wanted, the mayor "
    "said. Firms are eligible to claim if their headquarters are abroad. Some clients had trouble with their cards the "
    "day after the bank was fined by the state. Ida Fenn won the cup THE MAYOR WAS PROUD of her. "
    "Jan Rask took his record against Vell to 6-1. Tom Asker left the port to see the world. "
    "Builders repaired an old fence in York. Ida Fenn met the mayor in the northern city of Rundvik."
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Harbour Street in Marlow, a plan that nobody wanted, the mayor said.",
        "Some clients had trouble with their cards the day.",
        "Firms are eligible to claim if their headquarters.",
        "Jan Rask took his record against Vell.",
        "Builders repaired an old York.",
    ],
)
def test_a_sentence_without_its_verb_or_its_end_is_doubted(sentence):
    assert not ArticleCheck(CUT, split(CUT)).check(sentence).is_supported


@pytest.mark.parametrize(
    "sentence",
    [
        "Some clients had trouble with their cards the day after the bank was fined.",
        "Ida Fenn won the cup.",
        "Tom Asker left the port.",
        "Ida Fenn met the mayor in Rundvik.",
    ],
)
def test_a_sentence_may_end_before_an_addition_or_where_a_heading_runs_in(sentence):
    assert ArticleCheck(CUT, split(CUT)).check(sentence).is_supported


QUOTED = (
    "Pope Tibor expects his reign to be brief. “I have a feeling that it will last four or five years. "
    "Two have passed. It is a vague sensation,” he told a Rundvik station. He spoke of home."
)


@pytest.mark.parametrize("straight", [False, True])
@pytest.mark.parametrize(
    ("sentence", "lost"),
    [
        ("Two have passed.", 1.0),
        ("“Two have passed.”", 0.0),
        ("Pope Tibor expects his reign to be brief.", 0.0),
        ("He spoke of home.", 0.0),
    ],
)
def test_a_quoted_sentence_without_quotation_marks_has_lost_its_speaker(sentence, lost, straight):
    marks = str.maketrans("“”", '""') if straight else {}
    article = [one.text for one in split(QUOTED.translate(marks))]
    assert StatementIndex(article).measure(sentence.translate(marks))[0].lost_attribution == lost


def test_the_country_is_a_content_word_and_the_pronoun_is_not():
    index = StatementIndex(["She asked us.", "The US has a port."])
    assert index.measure("It is the US.")[1] == 1
    assert index.measure("It is us.")[1] is None
