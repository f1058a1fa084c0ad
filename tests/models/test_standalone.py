"""Self-contained sentences, and shortening of the article's own."""

import pytest

from nutgraf_models.checks.standalone import is_fragment, points_back
from nutgraf_models.extracts.decisive import decisive_sentences
from nutgraf_models.extracts.shorten import clean_start, shorten
from nutgraf_models.text.sentences import split, word_count
from support.long_articles import FACT, long_article, planted


@pytest.mark.parametrize(
    "text",
    [
        "By.",
        "1.",
        "(2)",
        "Dr.",
        "Texas Atty.",
        "Musical Oklahoma!",
        "By Ida Fenn and Tom Asker.",
        "Photo: Ida Fenn at the port.",
        "Image caption Ida Fenn at the port on Monday.",
        "Leaving Vell Street: Ida Fenn has quit her job at the port.",
        "Harbour: The crane fell across the quay on Monday.",
        "Ida Fenn, right, at the port on Monday, said that it was closed.",
        "Ida Fenn (pictured) was seen at the port.",
        "The port of Marlow was closed for a day According to Ida Fenn, it was late.",
        "Scroll down for video of the crane.",
        "A view of the port.",
        "Vandalized: Caretakers at the old port were shown the damage.",
        "Shocking transformation: Ida Fenn was seen at the port.",
        "Event', with a cryptic line, was sent on Monday.",
        "and the crane fell across the quay.",
        "The port reopened on Monday (after a crane fell.",
        "The port reopened on Monday …",
        "The port reopened on Monday",
        "Brell, Fenn, Orre and Orre have said that they will move their headquarters abroad.",
        "He was held in the harbour for four months for four months.",
        "Fenn, the mayor has said it, took a risk on a show that might fail, the mayor has said it took a risk.",
        "The idea: Housing is too dear for poor families.",
        '1. "The Grey Lady" is on at nine on Sunday.',
        "Large military trucks in the same beige color down a dark road late on Saturday past the lights of Marlow.",
        "Reveals that Ida Fenn saved the port.",
        "Admits he often put the port at risk before the crane fell.",
        "Film about the port set to premiere in Marlow.",
        "Mother-of-two says she saw the crane fall.",
        "Because this isn't any ordinary crane: it will be the tallest in Marlow.",
        "The crane is on its. home turf in the port of Marlow.",
        "For. the first time, the port has a crane.",
        "For the uninitiated, leaping out of a plane, free-falling at 120 miles per hour.",
        "The company is inviting journalists to a 'Special.",
        "Editor's Note: Ida Fenn is the mayor of Marlow.",
        "War, is based on what sailors saw in Marlow.",
        "Why more cranes haven't come to Marlow.",
        "More cranes have come to Marlow .",
        "The mayor took it to the next level when she said: .",
        'Ida "Crane" Fenn: Born in Marlow in 1974, she ran the port.',
        "Ida Fenn wore the helmet (right) when the port was closed.",
        "The chart above is based on 40 cranes.",
        "Foul by Ida Fenn.",
        "The Marlow News reported.",
        "Interest is high in the port of Marlow, where.",
        "Two versions of Fenn's crane on show at the port in Marlow: Yellow is the most popular colour, it was found.",
        "Ida Fenn (Marlow) wins a free kick in the defensive half.",
        "A father of four killed by a crane during a storm in Marlow.",
        "A trip to a former mayor's gaudy house.",
    ],
)
def test_fragments_are_detected(text):
    assert is_fragment(text)


@pytest.mark.parametrize(
    "text",
    [
        "He was killed.",
        "The port is open.",
        "Police arrested a man.",
        "By 2060, immigrants could account for a third of all growth.",
        "“We were lucky,” Ida Fenn said.",
        "It isn't over.",
        "The players' union, which met on Monday, has called a strike.",
        "The park and Park Street are closed, and so are Vell Castle and Castle Street.",
        "The plan has a new tax on firms and a new tax on fuel.",
        "Video from the port shows a crane that fell across the quay on Monday night.",
        "Because it was late, the port was closed.",
        "Claims that the crane was old are still being investigated, the mayor said.",
        "The port has approx. two hundred cranes.",
        "The port covers 4 sq. km of marsh, approx. 10 ft. below the sea and 6 in. below the marsh.",
        "The players' union called it a 'special' day in the '90s.",
        "Ida Fenn said: The port was closed for a day.",
        "Ida Fenn, left without a port, closed it.",
        "The film was set to open in Marlow.",
        "The mayor set a date for the new bridge.",
        "The port was closed by the mayor.",
        "It's over for the port.",
        "Nobody's sure about the crane.",
        "The mayor's house contains a crane.",
        "The map, above all, shows the port.",
        "Jurors in the harbour trial were shown a key piece of evidence: Ida Fenn's letters.",
        "Crane of Marlow, a show about cranes, summarizes and contextualizes Fenn's long career in a display of ships.",
    ],
)
def test_complete_sentences_are_not_fragments(text):
    assert not is_fragment(text)


@pytest.mark.parametrize(
    "text",
    [
        "He was arrested on Friday.",
        "But the port stayed shut.",
        "This followed a storm.",
        "Those passwords were stolen in May.",
        "Either scenario would end the deal.",
        "It is the strongest storm to make landfall since 2013.",
        "For Ida Fenn, it meant a new life.",
        "The group funds schools and programmes.",
        "Ida Fenn fled from that country's prisons.",
        "Tom Asker paid for the roof of that house.",
        "The company said it would appeal.",
        "The 25-year-old was jailed for a year.",
        "Its owner was fined.",
        "It is the strongest storm of the year.",
        "The Act was passed last year.",
        "Speaking at the port, she thanked the crew.",
        "We were lucky to be away.",
        "Some might find it annoying, others cute.",
        "Several were taken to hospital on Monday.",
        "Performance aside, the friendships of workers help a company.",
        "Friendships help a company for another reason: workers stay longer.",
        "Yes, there actually is a crane in Marlow.",
        "Yes this is the port of Marlow.",
        "That was the good news.",
        "One of them, a sailor, died later.",
        "Take a couple of cranes sold this week.",
        "More importantly, the decision cleared Ida Fenn.",
        "Nearly 30% said they had seen the crane fall.",
        "The 25-year-old man was jailed for a year.",
        "Ida Fenn has also closed the quay.",
        "The crane of Marlow is old, too.",
        "Enjoy the pictures of the port of Marlow.",
        "Let’s get a crane for that port of Marlow.",
        "Ida Fenn never did such a thing, according to the port.",
        "For as May ended, sailors took the port of Marlow.",
        "Sixty years earlier, the crane was sold to Marlow.",
        "What may surprise sailors, though, is that the crane is new.",
        "Finally, the crane of Marlow was sold.",
        "Incredibly, customers can buy a crane for $3.",
        "Imagine being in a crane at sea.",
        "The band was there, as well as Ida Fenn.",
        "Ida Fenn runs Marlow, another town with a port.",
        "Here's a look at cranes that fell.",
        "There were the cranes and the ships in May.",
        "Ida Fenn has little confidence in such statements.",
        "Ida Fenn was calm in that situation.",
        "Indicative of this was the sale of the crane in Marlow.",
        "In order to do this in Marlow, sailors have to ask the mayor.",
        "Ida Fenn stopped her car that night in April.",
        "Work in the fields of Texas and Spain earned him a dollar a day.",
    ],
)
def test_references_back_are_detected(text):
    assert points_back(text)


@pytest.mark.parametrize(
    "text",
    [
        "This week the port reopened.",
        "A device that lets ships wait was sold to a port that Ida Fenn runs.",
        "The port of Marlow and the owners of that port have been fined.",
        "It is thought that the crane was too old.",
        "It was the mayor who opened the port.",
        "Tom Asker said he was innocent.",
        "A man who shot his wife has been jailed.",
        "The Marlow Dock Act was passed in May, and the Act is in force.",
        "The company behind the port of Marlow has been fined.",
        "“We were lucky,” said Ida Fenn.",
        "Before she left, Ida Fenn thanked the crew.",
        "The US Army has a base there.",
        "The jury was told not to judge the morals of those involved.",
        "Nearly 30% of sailors said they had seen the crane fall.",
        "Half the sailors had seen the crane fall.",
        "One of the sailors died later.",
        "Look Crane, a show about cranes, opened in Marlow.",
        "Instead of a crane, Marlow has bought two ships.",
        "The home secretary has closed the port, as she had vowed.",
        "Reaching its centenary in May, the port of Marlow has closed.",
        "Ida Fenn closed the port of Marlow and also its quay.",
        "For the first time, the port of Marlow has a crane.",
        "Ida Fenn sold ships such as tugs to Marlow.",
        "There is a new crane in Marlow.",
        "There is the risk that the crane falls.",
        "Two years after the storm, the port of Marlow has reopened.",
    ],
)
def test_sentences_without_references_back_are_accepted(text):
    assert not points_back(text)


def test_references_to_preceding_text_are_resolved():
    assert points_back("He was arrested.")
    assert not points_back("He was arrested.", "Tom Asker left Marlow.")
    assert points_back("The Act is in force.", "Ida Fenn spoke.")
    assert points_back("She has little confidence in such statements.", "Ida Fenn sued the port.")
    assert not points_back("She has little confidence in such statements.", "Ida Fenn heard the statement of the port.")
    # What a list or a picture shows is not in the text before either.
    assert points_back("Here's a look at cranes that fell.", "A crane fell in Marlow.")
    assert not points_back("The Act is in force.", "The Marlow Dock Act was passed in May.")
    assert points_back("Nearly 30% said they had seen it.", "The crane in Marlow fell on Monday.")
    assert not points_back("Nearly 30% said they had seen it.", "A survey asked sailors about the crane in Marlow.")


@pytest.mark.parametrize(
    ("sentence", "clean"),
    [
        ("(CNN)The port reopened on Monday.", "The port reopened on Monday."),
        ("MARLOW, England (Reuters) - The port reopened on Monday.", "The port reopened on Monday."),
        ("OSTVIK, Nov. 12 — The port reopened on Monday.", "The port reopened on Monday."),
        ("Marlow (AP) — The port reopened on Monday.", "The port reopened on Monday."),
        ("By. Ida Fenn. The port reopened on Monday.", "The port reopened on Monday."),
        ("But the port reopened on Monday.", "The port reopened on Monday."),
        ("Reopened: The port let in two ships on Monday.", "The port let in two ships on Monday."),
        ("The port - or what is left of it - reopened.", "The port - or what is left of it - reopened."),
        ("iPhone sales rose.", "iPhone sales rose."),
    ],
)
def test_datelines_and_bylines_are_removed(sentence, clean):
    assert clean_start(sentence) == clean


LONG = (
    "The port of Marlow (in the south), which was built in 1820, reopened on Monday, the harbour master said, after a "
    "crane fell across its main quay."
)


@pytest.mark.parametrize(
    ("most", "short"),
    [
        (40, LONG),
        (25, LONG.replace(" (in the south)", "")),
        (
            20,
            "The port of Marlow reopened on Monday, the harbour master said, after a crane fell across its main quay.",
        ),
        (14, "The port of Marlow reopened on Monday, the harbour master said."),
    ],
)
def test_shortening_removes_asides_then_the_tail(most, short):
    assert shorten(LONG, most) == short
    assert word_count(short) <= most


@pytest.mark.parametrize(
    "sentence",
    [
        "The port of Marlow will not reopen on Monday, although two cranes have been mended, unless it stops raining.",
        "A man of 40 has been arrested in Marlow, police said, who is alleged to have set fire to two cranes.",
        "The port of Marlow reopened on Monday, which could be too early, according to the union of the dockers.",
        'The mayor of Marlow said on Monday: "We will reopen, after what has happened here, when it is safe to do so."',
    ],
)
def test_shortening_keeps_negations_hedges_and_attributions(sentence):
    assert shorten(sentence, 8) == sentence


def test_shortening_leaves_a_complete_sentence():
    text = "Energy used at rest was a quarter lower in teenagers of fifteen compared with when they were ten years old."
    assert shorten(text, 10) == text


@pytest.mark.parametrize("tenth", range(1, 10))
def test_decisive_sentence_is_found_at_any_position(tenth):
    article = planted(3000, tenth / 9)
    sentences = [one.text for one in split(article.text)]
    assert [sentences[place] for place in decisive_sentences(sentences)] == [FACT]


def test_article_without_such_an_event_has_no_decisive_sentence():
    assert decisive_sentences([one.text for one in split(long_article(3000))]) == []


@pytest.mark.parametrize(
    "event",
    [
        "Four people were killed when the roof of the hall fell.",
        "A study of roofs has been retracted by the journal that printed it.",
        "Henrik Sol was found guilty of theft by a court in Ostvik.",
        "The mayor has resigned, the council of Ostvik said.",
    ],
)
def test_kinds_of_decisive_events(event):
    dull = ["The hall was painted in May.", "A bench was set up beside it.", "The heating was found to be in order."]
    assert decisive_sentences([*dull, *dull, event, *dull]) == [6]
    # The beginning already mentions it.
    assert decisive_sentences([event, *dull, *dull, event]) == []
    assert decisive_sentences([*dull, *dull, f"If so, {event}"]) == []
