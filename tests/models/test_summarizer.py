"""The pipeline around an engine with scripted output."""

import pytest

from nutgraf_models.article import Article
from nutgraf_models.engines.base import Candidate, Completion, Handle
from nutgraf_models.errors import EmptyArticle
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.loading import load_summarizer
from nutgraf_models.pipeline.driver import advance
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_models.results import ArticleSummary, FinishReason, WarningKind
from support.articles import ARTICLE
from support.server import ScriptedEngine, summarizer_with

SHORT, LONG = Spec(Length.SHORT), Spec(Length.LONG)


def written(
    *texts: str,
    spec: Spec = SHORT,
    show_doubted: bool = False,
    article: str = ARTICLE,
    title: str = "",
    finish=FinishReason.STOP,
):
    """The summary for the model's candidates `texts`."""
    pipeline = load_summarizer("lead").pipeline(Article(article, title), (spec,), show_doubted=show_doubted)
    candidates = tuple(Candidate(text, len(text.split()), finish) for text in texts)
    advance(pipeline)
    summary = advance(pipeline, (Completion(Handle(1), (candidates,)),))
    assert isinstance(summary, ArticleSummary)
    return summary.summaries[0]


def kinds(summary) -> list[WarningKind]:
    return [warning.kind for warning in summary.warnings]


def test_short_article_is_its_own_summary():
    article = "A bridge fell. Nobody was hurt. It was old."
    summary = load_summarizer("lead").summarize(Article(article))
    assert [one.text for one in summary.summaries] == ["A bridge fell.", "A bridge fell. Nobody was hurt."]
    for one in summary.summaries:
        assert kinds(one) == [WarningKind.ARTICLE_TOO_SHORT]
        assert one.finish_reason is FinishReason.EXTRACTIVE


@pytest.mark.parametrize("text", ["", " \n", "\0", "<p></p><p></p>"])
def test_blank_text_is_an_error(text):
    with pytest.raises(EmptyArticle):
        load_summarizer("lead").summarize(Article(text))


GOOD = "The port of Marlow reopened on Monday."
MORE = "Two ships had to wait for nine hours outside the breakwater."
LAST = "Work to clear the quay took 40 people all night."
INVENTED = "The port of Harlow reopened on Monday."
# True words in a wrong combination.
WRONG_ACTOR = "Ida Fenn reopened the port of Marlow after a crane fell."
LEAD = "The port of Marlow reopened on Monday after a crane fell across its main quay."


@pytest.mark.parametrize("doubted", [INVENTED, WRONG_ACTOR])
def test_doubted_sentence_is_not_shown(doubted):
    summary = written(doubted, GOOD)
    assert summary.text == GOOD
    (sentence,) = summary.sentences
    assert sentence.is_supported
    assert not sentence.from_article
    assert summary.warnings == ()


@pytest.mark.parametrize("doubted", [INVENTED, WRONG_ACTOR])
def test_fallback_is_extractive_with_a_warning(doubted):
    summary = written(doubted)
    assert summary.text == LEAD
    assert [sentence.from_article for sentence in summary.sentences] == [True]
    assert summary.finish_reason is FinishReason.EXTRACTIVE
    assert kinds(summary) == [WarningKind.EXTRACTIVE_FALLBACK]


def test_show_doubted_marks_doubted_sentences():
    summary = written(WRONG_ACTOR, GOOD, show_doubted=True)
    assert summary.text == WRONG_ACTOR
    (sentence,) = summary.sentences
    assert not sentence.is_supported
    assert sentence.support < 0.7
    assert kinds(summary) == [WarningKind.DOUBTED_SENTENCES]


def test_unsupported_term_is_marked_and_its_sentence_doubted():
    summary = written(f"{GOOD} {INVENTED.replace('reopened', 'closed')}", spec=LONG, show_doubted=True)
    (term,) = summary.unsupported_terms
    assert summary.text[term.span.start : term.span.end] == "Harlow"
    assert [sentence.is_supported for sentence in summary.sentences] == [True, False]
    assert kinds(summary) == [WarningKind.DOUBTED_SENTENCES, WarningKind.UNSUPPORTED_TERMS]


@pytest.mark.parametrize("doubted", ["Bob Quayle wept.", WRONG_ACTOR])
def test_long_drops_a_doubted_sentence_if_enough_remain(doubted):
    others = f"{MORE} The crane, built in 1974, was to be replaced next year. {LAST}"
    summary = written(f"{LEAD} {doubted} {others}", spec=LONG)
    assert summary.text == f"{LEAD} {others}"
    assert not any(sentence.from_article for sentence in summary.sentences)
    assert summary.warnings == ()


def test_long_is_filled_up_from_the_article():
    summary = written(f"{GOOD} {WRONG_ACTOR}", spec=LONG)
    assert summary.text.startswith(GOOD)
    assert [sentence.from_article for sentence in summary.sentences][:2] == [False, True]
    assert all(sentence.is_supported for sentence in summary.sentences)


def test_long_opens_with_the_main_point():
    summary = written(f"{INVENTED} {MORE} {LAST} The crane, built in 1974, was to be replaced next year.", spec=LONG)
    assert summary.text.startswith(LEAD)
    assert [sentence.from_article for sentence in summary.sentences] == [True, False, False, False]


def test_long_has_the_order_of_the_article_after_its_opening():
    last, first = (
        "“We were lucky,” said Ida Fenn, who runs the port.",
        "The crane, built in 1974, was to be replaced next year.",
    )
    assert written(f"{LEAD} {last} {first}", spec=LONG).text == f"{LEAD} {first} {last}"


def chosen(script, *specs: Spec):
    engine = ScriptedEngine(script)
    summaries = summarizer_with(engine).summarize(Article(ARTICLE), specs).summaries
    return [summary.text for summary in summaries], engine.asked


@pytest.mark.parametrize(
    "short", [INVENTED, WRONG_ACTOR, "the port of", "", "It reopened on Monday after a crane fell."]
)
def test_short_falls_back_to_the_first_sentence_of_long(short):
    script = {(Length.SHORT, 1): (short,), (Length.LONG, 1): (f"{GOOD} {MORE} {LAST}",)}
    texts, asked = chosen(script, SHORT, LONG)
    assert texts[0] == GOOD
    # A sentence of the model's is at hand, so nothing is generated again.
    assert asked == list(script)


def test_long_falls_back_to_short_for_its_opening():
    script = {(Length.SHORT, 1): (GOOD,), (Length.LONG, 1): (f"{INVENTED} {MORE} {LAST}",)}
    texts, _ = chosen(script, SHORT, LONG)
    assert texts[1].startswith(GOOD)
    assert MORE in texts[1]


@pytest.mark.parametrize(
    "fragment",
    ["By.", "1.", "Dr.", "Musical Marlow!", "The main quay.", "Image caption The port of Marlow on Monday."],
)
def test_fragment_is_not_shown(fragment):
    assert written(fragment, GOOD).text == GOOD
    assert written(fragment).text == LEAD


@pytest.mark.parametrize(
    "pointing",
    [
        "It reopened on Monday after a crane fell across its main quay.",
        "Its owner, Marlow Docks Ltd., said that it had been inspected in March and found to be sound.",
        "She said that work to clear the quay took 40 people all night.",
    ],
)
def test_summary_does_not_open_with_a_reference_back(pointing):
    assert written(pointing, GOOD).text == GOOD
    assert written(f"{pointing} {MORE} {LAST}", spec=LONG).text.startswith(LEAD)


def test_pronoun_is_shown_only_after_its_antecedent():
    text = (
        f"{LEAD} The crane, built in 1974, was to be replaced next year. "
        "Its owner, Marlow Docks Ltd., said that it had been inspected in March and found to be sound. "
    ).rstrip()
    assert written(text, spec=LONG).text == text
    # After another sentence it would have another meaning.
    other = text.replace("The crane, built in 1974, was to be replaced next year.", MORE)
    assert "Its owner" not in written(other, spec=LONG).text


def test_short_over_thirty_words_is_shortened_or_replaced():
    article = (
        "The council of Vell (which met on Tuesday) has approved a plan to rebuild the old stone bridge over the river "
        "Ard, which was damaged in a flood three years ago, with work to begin in the spring of next year, the mayor "
        "said. Nobody has crossed it since. A ferry has carried cars and people from bank to bank in the meantime."
    )
    first = article.split(". ")[0] + "."
    summary = written(first, article=article, spec=SHORT)
    assert len(summary.text.split()) <= 30
    assert "the mayor said" in summary.text
    assert summary.sentences[0].is_supported


def test_short_tells_the_main_point_instead_of_a_detail():
    assert written(LAST).text == LEAD
    # The model's own version of the main point comes before the article's.
    assert written(LAST, GOOD).text == GOOD


_HARBOUR = (
    "Marlow wakes up early in spring. Gulls sit on the roofs of its market, and boats come home with herring. "
    "A court ruled on Monday that the port of Marlow must close its oldest quay, after a crane fell there in May. "
    "Ida Fenn has run the port for nine years. Boats from Harlow and Skelbeach bring most of its herring. "
    "Fenn said on Tuesday that she would appeal against the ruling of the court."
)
_RULING = "A court ruled on Monday that the port of Marlow must close its oldest quay, after a crane fell there in May."


def test_short_tells_what_the_headline_tells():
    ferries = "The council of Marlow has agreed to buy two electric ferries for the harbour."
    library = "Marlow will close its public library in Mill Street on Monday, the council said."
    article = f"Marlow wakes up early in spring. {ferries} {library} Ida Fenn said that the vote was close."
    assert written(ferries, article=article).text == ferries
    headline = "Library in Mill Street to close on Monday"
    assert written(ferries, article=article, title=headline).text == library
    assert written(ferries, article=f"{headline}\n\n{article}").text == library


@pytest.mark.parametrize(
    "line",
    [
        "Marlow port open again after Ida Fenn clears quay",
        "Is Marlow safe? What to know",
        "Why it fell!\n\nBy Ida Fenn",
    ],
)
def test_lines_before_the_story_are_not_part_of_it(line):
    summarizer = load_summarizer("lead")
    read = [advance(summarizer.pipeline(Article(text), (SHORT,))) for text in (ARTICLE, f"{line}\n\n{ARTICLE}")]
    assert all(isinstance(requests, tuple) for requests in read)
    assert read[0][0].article == read[1][0].article
    # The headline neither introduces the names of the first sentence nor takes its place.
    assert written(LEAD, article=f"{line}\n\n{ARTICLE}").text == LEAD


def test_text_without_a_whole_sentence_is_no_headline():
    lines = "\n".join(["The port of Marlow reopened on Monday"] * 20)
    assert load_summarizer("lead").summarize(Article(lines)).summaries[0].text


def test_long_states_the_main_point():
    others = "Gulls sit on the roofs of the market. Boats from Harlow and Skelbeach bring most of its herring."
    summary = written(f"Marlow wakes up early in spring. {others}", spec=LONG, article=_HARBOUR)
    assert _RULING in summary.text
    assert [sentence.from_article for sentence in summary.sentences].count(True) == 1
    # Told already, if in other words.
    told = "Marlow wakes up early in spring. A court ruled on Monday that Marlow must close its oldest quay."
    assert _RULING not in written(told, spec=LONG, article=_HARBOUR).text


def test_a_question_is_not_shown():
    texts = "The port of Marlow reopened on Monday. Why had the crane fallen? Two ships had to wait for nine hours."
    article = f"{ARTICLE} Why had the crane fallen?"
    assert "?" not in written(texts, spec=LONG, article=article).text


def test_long_has_two_sentences_if_the_article_has_another_one():
    questions = " ".join(f"Who runs quay number {number} of the port?" for number in range(1, 10))
    late = "A court ruled on Monday that the port of Marlow must close its oldest quay."
    article = f"The port of Marlow reopened on Sunday after a long strike. {questions} {late}"
    summary = written("The port of Marlow reopened on Sunday after a long strike.", spec=LONG, article=article)
    assert summary.text == f"The port of Marlow reopened on Sunday after a long strike. {late}"


def test_the_main_point_replaces_a_detail_if_there_is_no_room():
    details = (
        "Marlow wakes up early in spring. Gulls sit on the roofs of its market. Ida Fenn has run the port for nine "
        "years. Boats from Harlow and Skelbeach bring most of its herring."
    )
    summary = written(details, spec=LONG, article=_HARBOUR)
    assert _RULING in summary.text
    assert len(summary.sentences) == 4


def test_a_person_whom_the_summary_has_not_named_is_named_in_full():
    text = f"{_RULING} Fenn said on Tuesday that she would appeal against the ruling of the court."
    assert "Ida Fenn said on Tuesday" in written(text, spec=LONG, article=_HARBOUR).text
    named = text.replace(" Fenn said", " Ida Fenn has run the port for nine years. Fenn said")
    assert "years. Fenn said on Tuesday" in written(named, spec=LONG, article=_HARBOUR).text


def test_names_are_resolved_in_english_only():
    # "Hafen" means port: a capitalised noun, not a first name.
    article = (
        "Der Hafen Marlow ist seit Montag wieder offen, nachdem ein Kran auf den Kai gefallen war. "
        "Zwei Schiffe warteten neun Stunden lang vor der Mole auf die Einfahrt. "
        "Seit Jahren hat Marlow keinen neuen Kran gekauft, obwohl die Stadt das Geld hatte. "
        "Die Arbeiten auf dem Kai dauerten die ganze Nacht, und vierzig Leute halfen dabei."
    )
    text = "Seit Jahren hat Marlow keinen neuen Kran gekauft, obwohl die Stadt das Geld hatte."
    assert "Hafen Marlow keinen" not in written(text, article=article).text


def test_a_dateline_that_the_model_copies_is_not_shown():
    article = f"MARLOW, Oct. 22 — {ARTICLE}"
    assert written(f"MARLOW, Oct. 22 — {LEAD}", article=article).text == LEAD


def test_truncated_candidate_loses_its_last_sentence():
    summary = written(f"{LEAD} {MORE} {LAST} Two ships had to", spec=LONG, finish=FinishReason.TOKEN_LIMIT)
    assert summary.text == f"{LEAD} {MORE} {LAST}"
    assert summary.finish_reason is FinishReason.TOKEN_LIMIT


def test_sentence_cap_sets_the_finish_reason():
    summary = written(f"{GOOD} {MORE}")
    assert summary.text == GOOD
    assert summary.finish_reason is FinishReason.CAP


def test_long_of_one_sentence_has_a_warning():
    summary = written("The port of Marlow reopened on Monday.", spec=LONG, show_doubted=True)
    assert kinds(summary) == [WarningKind.FEWER_SENTENCES]


@pytest.mark.parametrize("texts", [("",), ("...",), ("the port of",)])
def test_unusable_output_becomes_an_article_sentence(texts):
    summary = written(*texts)
    assert summary.text == LEAD
    assert summary.finish_reason is FinishReason.EXTRACTIVE
    assert kinds(summary) == [WarningKind.EXTRACTIVE_FALLBACK]


def test_unfinished_sentence_is_shown_only_with_show_doubted():
    assert written("the port of Marlow and", finish=FinishReason.TOKEN_LIMIT).text == LEAD
    summary = written("the port of Marlow and", finish=FinishReason.TOKEN_LIMIT, show_doubted=True)
    assert summary.text == "the port of Marlow and …"
    assert WarningKind.INCOMPLETE_SENTENCE in kinds(summary)


def test_empty_output_still_gives_a_summary():
    assert written("").text


def test_summary_is_shorter_than_its_article():
    article = (
        "The bridge of Vell fell on Monday in a storm that nobody had seen coming. It was built of stone in 1801. "
    )
    article += "Its last repair was years ago."
    long = " ".join(
        f"The bridge fell for the {ordinal} time on this Monday." for ordinal in ("1st", "2nd", "3rd", "4th")
    )
    summary = written(long, article=article, spec=SHORT)
    assert len(summary.text.split()) < len(article.split())


@pytest.mark.parametrize(
    ("text", "kinds_expected"),
    [
        ("Die Brücke im Dorf wird neu gebaut. Das sagte der Bürgermeister.", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("Le pont du village sera reconstruit. Le maire l'a dit lundi.", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("市议会周二投票决定重建桥梁。没有人受伤。", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("أعيد فتح الميناء يوم الاثنين. لم يصب أحد بأذى.", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("Порт вновь открылся в понедельник. Никто не пострадал.", [WarningKind.LANGUAGE_NOT_SUPPORTED]),
        ("Mr Erdoğan met Xi Jinping, Nguyen Phu Trong and Søren Kjær in Đà Nẵng. Nobody spoke.", []),
        (ARTICLE, []),
    ],
)
def test_unsupported_language_has_a_warning_and_foreign_names_do_not(text, kinds_expected):
    lead = load_summarizer("lead")
    summarizer = Summarizer(lead.card.model_copy(update={"languages": ("en",)}), lead.engine)
    assert [one.kind for one in summarizer.summarize(Article(text)).warnings] == kinds_expected


def test_a_sentence_of_the_article_is_not_told_twice():
    fleet = "The ferry company has lost two ships this week and, rather like its rival Marlow Lines"
    case = "which has just won its long case in court"
    rest = "it is a little poorer, a little wiser and in need of a rest."
    article = f"{fleet}, {case}, {rest} A storm sank both of them off the cape. {ARTICLE}"
    summary = written(f"{fleet}, {rest} {fleet}, {case}. A storm sank both of them.", spec=LONG, article=article)
    assert summary.text.count("has lost two ships") == 1


def test_a_sentence_is_not_told_twice_in_more_words():
    article = ARTICLE.replace("across its main quay", "across its main quay, in a storm that Rundvik's masts foretold")
    first = "The port of Marlow reopened on Monday after a crane fell across its main quay."
    again = "The port of Marlow reopened on Monday after a crane fell, in a storm that Rundvik's masts foretold."
    assert again not in written(f"{first} {again} {MORE}", spec=LONG, article=article).text
