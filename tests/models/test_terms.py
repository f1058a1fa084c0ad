"""Quotations of a summary, and rules for all terms."""

import pytest

from nutgraf_models.checks.terms import TermIndex
from nutgraf_models.results import TermKind
from support.growth import assert_linear
from support.terms import unsupported


@pytest.mark.parametrize(
    ("summary", "article"),
    [
        ("“We were lucky,” she said.", '"We were lucky," said Ida Fenn.'),
        ("She called it 'a lucky day'.", "It was a lucky day, she said."),
        ("She called it “a … day”.", "It was a lucky day."),
        ("She said “[we] were lucky”.", "We were lucky."),
        ('It was "lucky".', "It was Lucky!"),
        ("They read “The Long Crane”.", "They read The Long Crane."),
        ("The Fenns' and Askers' boats sank.", "The boats of the Fenns and the Askers sank."),
        ("Fenn's and Asker's boats sank.", "The boats of Fenn and Asker sank."),
        ("It fell in the 'dark ages' of '94.", "It fell in '94, in the dark ages."),
        ("It is 6' by 4'.", "It is 6 by 4."),
        # inches
        ('It is 6".', "It is 6 inches."),
        ('It is 6" by 4".', "It is six inches by four."),
        ('The 6" board and the 4" board fell.', "Boards of six and four inches fell."),
        ('A 12" record was "lucky".', "It was lucky: a record of 12 inches."),
        ('He is 6\' 2" tall, and "lucky".', "He is 6ft 2in tall. It was lucky."),
        ('"It was 6" deep," he said.', '"It was 6" deep," said Tom Asker.'),
        # omissions
        ('She called it "a lucky ... in May".', "It was a lucky, cold day in May."),
        ('She called it "a lucky [day] in May".', "It was a lucky one in May."),
    ],
)
def test_quotation_of_article_words_is_supported(summary, article):
    assert unsupported(summary, article) == []


@pytest.mark.parametrize(
    ("summary", "article", "terms"),
    [
        ("“We were happy,” she said.", '"We were lucky," said Ida Fenn.', ["“We were happy,”"]),
        ("She called it 'a sad day'.", "It was a day, and she was sad.", ["'a sad day'"]),
        ('It was "40 days in Rundvik".', "It was long.", ['"40 days in Rundvik"']),
        ("She said «non» twice.", "She said no twice.", ["«non»"]),
        ('The 6" board was a "disaster".', "The 6 inches of board were long.", ['"disaster"']),
        ('It was 6" of "disaster".', "It was 6 inches.", ['"disaster"']),
        # the parts in another order
        ('She called it "a day ... lucky".', "It was lucky, a day of sun.", ['"a day ... lucky"']),
        ("She called it “in May … a lucky day”.", "It was a lucky day in May.", ["“in May … a lucky day”"]),
    ],
)
def test_unsupported_quotation_is_reported_with_its_marks(summary, article, terms):
    assert unsupported(summary, article) == terms
    assert {term.kind for term in TermIndex(article).unsupported(summary)} == {TermKind.QUOTATION}


def test_terms_have_kinds_and_text_order():
    terms = TermIndex("Nobody was hurt.").unsupported('It cost Marlow $5m, and "a lot of time".')
    assert [term.kind for term in terms] == [TermKind.NAME, TermKind.NUMBER, TermKind.QUOTATION]


def test_title_with_combining_accents_matches():
    assert unsupported("Then Zoë left.", "She left.", title="Zoe\u0308 leaves") == []


@pytest.mark.parametrize(
    "make",
    [
        lambda k: "9" * (100_000 // k),
        lambda k: "1," * (50_000 // k),
        lambda k: "1-" * (50_000 // k),
        lambda k: "two hundred and " * (20_000 // k),
        lambda k: "one in four " * (15_000 // k),
        lambda k: "".join(f"more than £{number} " for number in range(100, 6000 // k)),
        lambda k: '"' * (100_000 // k),
        lambda k: "A " * (100_000 // k),
        lambda k: "Ab-" * (50_000 // k),
        lambda k: "the Ab " * (30_000 // k),
    ],
)
def test_time_is_linear_for_hostile_text(make):
    assert_linear(lambda text: TermIndex(text).unsupported(text[:2000]), make)
