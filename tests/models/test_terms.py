"""Numbers, names and quotations of a summary, looked up in its article: what is found there however it is written."""

import pytest

from nutgraf_models.results import TermKind
from nutgraf_models.terms import TermIndex


def unsupported(summary: str, article: str, title: str = "") -> list[str]:
    return [summary[term.span.start : term.span.end] for term in TermIndex(article, title).unsupported(summary)]


SAME_NUMBERS = [
    # number words and digits
    ("He was 25.", "He was twenty-five."),
    ("He was twenty five.", "He was 25."),
    ("It has 12 rooms.", "It has twelve rooms."),
    ("It took nine hours.", "It took 9 hours."),
    ("A dozen ships came.", "12 ships came."),
    ("24 ships came.", "Two dozen ships came."),
    ("Two million people left.", "2,000,000 people left."),
    ("2.5 million people left.", "Two and a half million people left."),
    ("250 people left.", "Two hundred and fifty people left."),
    ("1,500 people left.", "One thousand five hundred people left."),
    ("A million people left.", "1,000,000 people left."),
    ("Half a million people left.", "500,000 people left."),
    ("It has two owners.", "Both owners spoke."),
    # separators
    ("He paid 1200.", "It cost 1,200."),
    ("He paid 1,200.", "It cost 1200."),
    ("He paid 12,34,567.", "It cost 1234567."),
    # amounts
    ("They paid $3m.", "They paid 3 million dollars."),
    ("They paid $3,000,000.", "They paid $3m."),
    ("They paid 3 million dollars.", "They paid $3,000,000."),
    ("They paid £1.2bn.", "They paid £1.2 billion."),
    ("They paid 1.2 billion pounds.", "They paid £1,200,000,000."),
    ("They paid 50p.", "They paid 50 pence."),
    ("They paid 40 crore rupees.", "They paid Rs 400 million."),
    ("They paid £2m to £3m.", "They paid between £2 and £3m."),
    ("They paid US$5.", "They paid five dollars."),
    # shares
    ("It rose by 5%.", "It rose by 5 per cent."),
    ("It rose by 5 percent.", "It rose by five per cent."),
    ("It rose by five percent.", "It rose by 5%."),
    ("It rose by 5%.", "It rose by 5 to 7 per cent."),
    ("Half of the ships left.", "50% of the ships left."),
    ("50% of the ships left.", "Half of the ships left."),
    ("Two-thirds of them left.", "Two thirds of them left."),
    ("A third of them left.", "One third of them left."),
    ("A quarter of them left.", "25% of them left."),
    ("Three-quarters of them left.", "75 per cent of them left."),
    # units that stick to the number
    ("It is five kilometres long.", "It is 5km long."),
    ("It is 5km long.", "It is 5 kilometres long."),
    ("A 20-year-old was hurt.", "A man, aged twenty, was hurt."),
    ("A six-storey house fell.", "A house of 6 storeys fell."),
    # ordinals
    ("He came third.", "He came 3rd."),
    ("He came 21st.", "He came twenty-first."),
    ("He was first to come.", "Nobody came before him."),
    # dates
    ("It was on 3 May.", "It was on May 3rd."),
    ("It was on May 3.", "It was on the 3rd of May."),
    ("It was on May 3, 2015.", "It was on 3/5/2015."),
    ("It was on 4 May.", "It was on 3 and 4 May."),
    ("It was on 3 January.", "It was on Jan 3."),
    ("It was in 2015.", "It was in the season 2014-15."),
    ("It was in 2014-15.", "It was in 2014-2015."),
    ("It was in 2014/15.", "It was in 2014 and 2015."),
    ("It was in the 1990s.", "It was in 1994."),
    # times
    ("It began at 5.30pm.", "It began at 17:30."),
    ("It began at 17:30.", "It began at 5:30 p.m."),
    ("It began at 5pm.", "It began at 5 p.m."),
    ("It began at noon.", "It began at 12:00."),
    # scores
    ("They won 2-1.", "They lost 1-2."),
    ("They won 2-1.", "They won 2–1."),
    ("They won 2-1.", "They won by two goals to one."),
    # vague numbers
    ("Thousands fled.", "About 4,200 people fled."),
    ("Hundreds fled.", "Hundreds of people fled."),
    ("Tens of thousands fled.", "Some 30,000 fled."),
    # roundings that call themselves so
    ("More than 200 fled.", "212 people fled."),
    ("Nearly 300 fled.", "288 people fled."),
    ("About $2m was paid.", "$1.97m was paid."),
]


@pytest.mark.parametrize(("summary", "article"), SAME_NUMBERS)
def test_a_number_is_found_however_it_is_written(summary, article):
    assert unsupported(summary, article) == []


@pytest.mark.parametrize(
    ("summary", "article", "terms"),
    [
        ("He was twenty-six.", "He was 25.", ["twenty-six"]),
        ("He was 25.", "He was five and had 20 hens.", ["25"]),
        ("Two million people left.", "2,000 people left.", ["Two million"]),
        ("2.5 million people left.", "25 million people left.", ["2.5 million"]),
        ("They paid $3m.", "They paid $3,000.", ["$3m"]),
        ("They paid $3m.", "They paid £3m.", ["$3m"]),
        ("They paid €40 to 30 men.", "They paid $40 to 30 men.", ["€40"]),
        ("It rose by 5%.", "It rose by 5 pounds.", ["5%"]),
        ("It rose by six per cent.", "It rose by 5%.", ["six per cent"]),
        ("Half of the ships left.", "A third of the ships left.", ["Half"]),
        ("Two-thirds of them left.", "Three-fifths of them left.", ["Two-thirds"]),
        ("It was on 4 May.", "It was on 3 May, when 4 ships had come.", ["4 May"]),
        ("It was on 3 June.", "It was on 3 May. In June it was over.", ["3 June"]),
        ("It was in 1947.", "It was in 1974.", ["1947"]),
        ("It was in 2015-16.", "It was in 2014-15.", ["2015-16"]),
        ("It was in the 1980s.", "It was in 1994.", ["1980s"]),
        ("It began at 5.30pm.", "It began at 5.30am.", ["5.30pm"]),
        ("It began at 18:30.", "It began at 5.30pm.", ["18:30"]),
        ("They won 3-1.", "They won 2-1, their 3rd win.", ["3-1"]),
        ("He came fourth.", "He came third.", ["fourth"]),
        ("Thousands fled.", "About 420 people fled.", ["Thousands"]),
        ("More than 200 fled.", "312 people fled.", ["200"]),
        ("More than 200 fled.", "190 people fled.", ["200"]),
        ("200 fled.", "212 people fled.", ["200"]),
        ("Nearly 31% fled.", "30% fled.", ["31%"]),
        ("Zwei Männer und 7 Frauen", "Nine people", ["Zwei Männer", "7", "Frauen"]),
    ],
)
def test_a_number_that_the_article_lacks_is_found_where_it_stands(summary, article, terms):
    assert unsupported(summary, article) == terms


SAME_NAMES = [
    # people
    ("Mr Xi spoke.", "Xi Jinping spoke."),
    ("Then Ida Fenn's boat sank.", "The boat of Ida Fenn sank."),
    ("Then the Fenns left.", "Ida and Tom Fenn left."),
    ("Then Zoe left.", "Zoë left."),
    ("Then Søren left.", "Soren left."),
    ("Then O’Brien left.", "O'Brien left."),
    ("Then OBrien left.", "O'Brien left."),
    ("Then JRR Asker left.", "J.R.R. Asker left."),
    ("Then FENN left.", "Fenn left."),
    ("Then President Fenn left.", "Fenn, the president, left."),
    ("Then Ida Fenn left.", "Mrs Fenn left, said Ida."),
    ("Then Jean Luc left.", "Jean-Luc left."),
    # countries and their people
    ("Then the Russian president left.", "Russia's president left."),
    ("Then Russia's president left.", "The Russian president left."),
    ("Then a French man left.", "A man left France."),
    ("Then two Danes left.", "Two men left Denmark."),
    ("Then the Dutch left.", "They left the Netherlands."),
    ("Then Italy won.", "The Italians won."),
    ("Then the Chinese won.", "China won."),
    ("Then Britain won.", "The UK won."),
    ("Then the U.S. won.", "The US won."),
    ("Then America won.", "The United States won."),
    # acronyms
    ("Then the NHS paid.", "The National Health Service paid."),
    ("Then the National Health Service paid.", "The NHS paid."),
    ("Then the DoT paid.", "The Department of Transport paid."),
    ("Then the MPs paid.", "An MP paid."),
    ("Then the N.H.S. paid.", "NHS paid."),
    ("Then the PM paid.", "The prime minister paid."),
    # days and months
    ("It was on Monday.", "It was on Mon."),
    ("It was in September.", "It was in Sept."),
    # hyphens
    ("Then the Anglo-Danish boat sank.", "A boat of Anglo and Danish make sank."),
    ("Then the Trans-Atlantic boat sank.", "The Transatlantic boat sank."),
    # names with digits
    ("Then the G20 met.", "The G20 met."),
    # capitals that are no names
    ("Officials were relieved.", "They were glad."),
    ("Award-winning boats sank.", "They sank."),
    ("Then I left.", "She left."),
    ('She said: "Boats sank."', "She said boats sank."),
    ("Notably, boats sank.", "They sank."),
    ("Campaigners celebrated.", "They did."),
]


@pytest.mark.parametrize(("summary", "article"), SAME_NAMES)
def test_a_name_is_found_however_it_is_written(summary, article):
    assert unsupported(summary, article) == []


@pytest.mark.parametrize(
    ("summary", "article", "terms"),
    [
        ("Then Ida Penn left.", "Ida Fenn left.", ["Penn"]),
        ("Then Tom Penn left.", "Ida Fenn left.", ["Tom Penn"]),
        ("Rundvik lost.", "Marlow lost.", ["Rundvik"]),
        ("Tom Penn left.", "Ida Fenn left.", ["Tom Penn"]),
        ("Then the USA sent help.", "They sent us help.", ["USA"]),
        ("Then the US sent help.", "They sent us help.", ["US"]),
        ("It was on Tuesday.", "It was on Monday.", ["Tuesday"]),
        ("It was in May.", "It may be in March.", ["May"]),
        ("Then the Russian president left.", "The Danish president left.", ["Russian"]),
        ("Then the NHS paid.", "The National Heritage Board paid.", ["NHS"]),
        ("Then the National Health Service paid.", "The National Grid paid.", ["Health Service"]),
        ("Then the G8 met.", "The G20 met.", ["G8"]),
        ("Then Lee-Fenn left.", "Ida Fenn left.", ["Lee"]),
        # the first name of one with the last name of another
        ("Then John Carter left.", "John Asker met Mary Carter.", ["John Carter"]),
        ("Then Carter, Mary Asker and Tom left.", "Tom and John Asker met Mary Carter.", ["Mary Asker"]),
    ],
)
def test_a_name_that_the_article_lacks_is_found_where_it_stands(summary, article, terms):
    assert unsupported(summary, article) == terms


@pytest.mark.parametrize(
    ("summary", "article"),
    [
        ("Then President Carter met Mr Asker.", "John Carter, the president, met President Asker."),
        (
            "Then Danish Prime Minister Carter left.",
            "Mary Carter is prime minister. Danish Foreign Minister Abel left.",
        ),
        ("Then Marlow's Carter left.", "Marlow Town's John Carter left."),
        ("Then Marlow captain John Carter left.", "John Carter plays for Marlow Town."),
    ],
)
def test_titles_and_places_before_a_name_do_not_make_it_another(summary, article):
    assert unsupported(summary, article) == []


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
    ],
)
def test_words_of_the_article_may_be_quoted(summary, article):
    assert unsupported(summary, article) == []


@pytest.mark.parametrize(
    ("summary", "article", "terms"),
    [
        ("“We were happy,” she said.", '"We were lucky," said Ida Fenn.', ["“We were happy,”"]),
        ("She called it 'a sad day'.", "It was a day, and she was sad.", ["'a sad day'"]),
        ('It was "40 days in Rundvik".', "It was long.", ['"40 days in Rundvik"']),
        ("She said «non» twice.", "She said no twice.", ["«non»"]),
    ],
)
def test_a_quotation_that_the_article_lacks_is_found_with_its_marks(summary, article, terms):
    assert unsupported(summary, article) == terms
    assert {term.kind for term in TermIndex(article).unsupported(summary)} == {TermKind.QUOTATION}


def test_the_kinds_are_told_apart_and_come_in_the_order_of_the_text():
    terms = TermIndex("Nobody was hurt.").unsupported('It cost Marlow $5m, and "a lot of time".')
    assert [term.kind for term in terms] == [TermKind.NAME, TermKind.NUMBER, TermKind.QUOTATION]


def test_a_title_with_accents_that_stand_apart_counts():
    assert unsupported("Then Zoë left.", "She left.", title="Zoe\u0308 leaves") == []


@pytest.mark.parametrize(
    "text", ["9" * 100_000, "1," * 50_000, "two hundred and " * 20_000, '"' * 100_000, "A " * 100_000]
)
@pytest.mark.timeout(60)
def test_hostile_text_takes_no_more_time_than_its_length(text):
    TermIndex(text).unsupported(text[:2000])
