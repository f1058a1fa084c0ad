"""Pages without a story are distinguished from articles, including short ones and ones about such pages."""

import pytest

from nutgraf_models.article import Article
from nutgraf_models.loading import load_summarizer
from nutgraf_models.results import FinishReason, WarningKind
from nutgraf_models.text.no_story import is_no_story
from nutgraf_models.text.normalize import clean
from support.articles import ARTICLE, OTHER
from support.pages import MORE, PAGES, PAYWALLS
from support.server import ScriptedEngine, summarizer_with


def test_most_pages_without_a_story_are_detected():
    assert len(set(PAGES)) >= 80
    for pages in (PAGES, MORE):
        missed = [page for page in pages if not is_no_story(clean(page).text)]
        assert len(missed) <= len(pages) / 10, missed


STORIES = [
    ARTICLE,
    OTHER,
    "Subscribers to the Marlow Herald will pay £1 more from May. The paper has 4,000 of them, most of them on paper.",
    "The Herald has put up a paywall. Readers may see three articles a month and then have to subscribe, its "
    "editor said.",
    "Thousands of passwords were stolen from the port of Marlow on Monday. Users cannot log in, and the site "
    "says that it is working on it. Nobody knows who did it.",
    "A captcha asks you to prove that you are not a robot. Its inventor, Ida Fenn, has died in Rundvik at "
    "the age of 80. She made it in 1997 to keep machines out of a ticket office.",
    "“Page not found” is what callers of the council's website saw on Monday. A worker had deleted it by "
    "mistake, the council said, and it took nine hours to bring it back.",
    "Websites will have to ask before they store cookies. The law comes into force in May. Companies that do "
    "not comply face fines of up to €20m.",
    "Access to the quay is denied to all but its workers. The port reopens on Monday. A crane fell across it in May.",
    "The service is temporarily unavailable, passengers were told on Monday. No ferry has run since noon. It "
    "will be back on Tuesday, if the wind allows it.",
    "We are sorry, the bank told its customers. Your account may have been seen by others, it wrote to 4,000 "
    "people in Marlow. It has set up a telephone line for them.",
    "Here is how to protect your account. Use a password of four words. Do not use it twice. Experts in "
    "Rundvik found that half of all people do, and that one in ten has it on a note beside the screen.",
    "You must be 18 to vote in Marlow. The council wants to lower that to 16. It decides on Monday.",
    "Error 404 is a bar in Rundvik. It opened in May in a former server room, and its drinks are named after bugs.",
]


@pytest.mark.parametrize("text", STORIES)
def test_articles_about_such_topics_are_stories(text):
    assert not is_no_story(clean(text).text)


@pytest.mark.parametrize("around", ["{page}\n\n{article}", "{article}\n\n{page}"])
def test_article_with_boilerplate_around_it_is_a_story(around):
    for page in PAGES[::7]:
        text = around.format(page=clean(page).text, article=ARTICLE)
        assert not is_no_story(clean(text).text)


def test_page_without_a_story_is_extractive_with_a_warning():
    engine = ScriptedEngine({})
    summary = summarizer_with(engine).summarize(Article(PAYWALLS[10]))
    assert engine.asked == []
    assert [warning.kind for warning in summary.warnings] == [WarningKind.NO_STORY]
    page = " ".join(PAYWALLS[10].split())
    for one in summary.summaries:
        assert one.text in page
        assert one.finish_reason is FinishReason.EXTRACTIVE
        assert all(sentence.from_article for sentence in one.sentences)
        assert [warning.kind for warning in one.warnings] == [WarningKind.NO_STORY]


def test_page_without_a_story_is_answered_in_its_own_words():
    summarizer = load_summarizer("lead")
    for page in PAGES:
        for one in summarizer.summarize(Article(page)).summaries:
            words = clean(page).text.split()
            assert set(one.text.removesuffix(" …").split()) <= {*words, *(word.capitalize() for word in words)}
