"""Normalisation, sentence splitting and post-processing, without a model."""

import sys
import unicodedata

import pytest

from nutgraf_models.lengths import Length, Spec
from nutgraf_models.pipeline.postprocess import cap, cut_short, whole_sentences
from nutgraf_models.text.language import detect
from nutgraf_models.text.normalize import clean, normalize
from nutgraf_models.text.sentences import split, word_count
from support.growth import assert_linear


@pytest.mark.parametrize(
    ("sent", "clean"),
    [
        ("One.\r\n\r\nTwo.", "One.\n\nTwo."),
        ("One.\nTwo.", "One.\nTwo."),
        ("  One \t two.  ", "One two."),
        ("The port reopened after a\ncrane fell.", "The port reopened after a crane fell."),
        ("A headline\nThe port reopened.", "A headline\nThe port reopened."),
        ("“Curly” and it’s", '"Curly" and it\'s'),
        ("nul\0 and \x08control", "nul and control"),
        ("schÃ¶n", "schön"),
        ("cafe\u0301", "café"),
        ("ﬁne ﬂour", "fine flour"),
        ("<p>One &amp; two.</p><p>Three.</p>", "One & two.\n\nThree."),
        ("<p>One\n\ntwo.</p>\n<p>Three.</p>", "One two.\n\nThree."),
        ("One <b>two</b> here.\n\nThree.", "One two here.\n\nThree."),
        ("<div>A<script>if (a < b) { x }</script>B</div><br>", "AB"),
        ("<p>a<!-- never closed <p>b</p>", "a never closed\n\nb"),
        ("2 < 3 and 4 > 3", "2 < 3 and 4 > 3"),
        ("\u2028", ""),
        ("", ""),
    ],
)
def test_text_is_cleaned(sent, clean):
    assert normalize(sent).text == clean


def test_a_tokenised_line_in_small_letters_is_repaired():
    rest = "Ms Fenn spoke in Vell, where the EU owns a port. The Vell port is old."
    first = "ida fenn 's `` oldest '' port , vell , is owned by the eu ."
    assert clean(f"{first}\n{rest}").text == f'Ida Fenn\'s "oldest" port, Vell, is owned by the EU.\n{rest}'
    # Ordinary words stay, and so does a text in small letters as a whole.
    assert clean(f"the port of vell is closed .\n{rest}").text.startswith("The port of Vell is closed.")
    # A name's neighbour may belong to it.
    more = "A steel firm, Vell Steel, has paid for Port Vell Primary School. No other primary school has a port."
    first = "vell steel pays for a primary school in port vell ."
    assert clean(f"{first}\n{more}").text == f"Vell Steel pays for a primary school in Port Vell.\n{more}"
    lower = f"the port of vell is closed .\n\n{rest.lower()}"
    assert clean(lower).text == lower
    assert_linear(clean, lambda size: "the port of vell is closed " * 1000 * size + f".\n{rest}")


@pytest.mark.parametrize(
    "space", ["&nbsp;", "&#160;", "&#xA0;", "&ensp;", "&emsp;", "&thinsp;", "&#10;", "&#8195;", "&Tab;"]
)
@pytest.mark.parametrize("escapes", [0, 1, 2])
def test_white_space_reference_separates_words(space, escapes):
    reference = space.replace("&", "&" + "amp;" * escapes)
    sent = f"Monday{reference}after nine{reference}hours"
    assert normalize(sent).text.split() == ["Monday", "after", "nine", "hours"]
    assert normalize(f"<p>{sent}</p>").text == "Monday after nine hours"


@pytest.mark.parametrize("control", ["\0", "\0\0", "\x01", "\x08", "\x1c", "\x7f", "\x0b", "\x85", "&#1;", "&#8;"])
def test_control_character_separates_words(control):
    assert normalize(f"Monday{control}after").text.split() == ["Monday", "after"]


@pytest.mark.parametrize(
    ("sent", "clean"),
    [
        ("R&D at AT&T", "R&D at AT&T"),
        ("R&amp;D at AT&amp;T", "R&D at AT&T"),
        ("&copy2015 &copy; 2015", "&copy2015 © 2015"),
        ("&nosuch; &amp;nosuch;", "&nosuch; &nosuch;"),
        ("caf&eacute; caf&#233; caf&amp;eacute;", "café café café"),
        ("&ldquo;Go,&rdquo; she said. It&rsquo;s late.", '"Go," she said. It\'s late.'),
        ("<p>AT&T &lt;said&gt; 2&times;3 &#128512;</p>", "AT&T <said> 2×3 😀"),
        ("&#0;&#xD800;x", "\ufffd\ufffdx"),
    ],
)
def test_character_references_are_replaced(sent, clean):
    assert normalize(sent).text == clean


def test_format_characters_are_removed():
    characters = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]
    assert len(characters) > 160
    for one in characters:
        assert normalize(f"{one}har{one}bour {one} mas{one}{one}ter{one}").text == "harbour master"
    assert normalize("".join(characters)).text == ""


@pytest.mark.parametrize(
    "sent", ["har&shy;bour", "har&#8203;bour", "har&ZeroWidthSpace;bour", "har&amp;zwj;bour", "<p>har&zwnj;bour"]
)
def test_referenced_format_characters_are_removed(sent):
    assert normalize(sent).text == "harbour"


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d👩\u200d👧",
        "🏳️\u200d🌈",
        "❤️\u200d🔥",
        "👩🏽\u200d🚀",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم",
        "क्\u200dष",
    ],
)
def test_joiners_in_emoji_and_words_are_kept(text):
    assert normalize(f"{text} says hi.").text == f"{text} says hi."
    assert normalize(f"\u200d{text}\u200b says\u200c hi.\ufeff").text == f"{text} says hi."


def test_terminal_colours_are_removed():
    assert normalize("\x1b[1;31mRed\x1b[0m alert").text == "Red alert"


def test_hard_wrapped_lines_are_joined_within_paragraphs():
    wrapped = (
        "The town council voted on Tuesday to rebuild the bridge that the flood\n"
        "of last spring carried away. Work is to begin in May, and the mayor has\n"
        "said that it should end before the winter, if the weather does allow it.\n"
        "\n"
        "The ferry will run until then, and will be free of charge to all of the\n"
        "people who live on the far side of the river.\n"
    )
    paragraphs = normalize(wrapped).text.split("\n\n")
    assert len(paragraphs) == 2
    assert not any("\n" in paragraph for paragraph in paragraphs)


def test_list_items_stay_separate():
    points = [
        "- The town council voted to rebuild the bridge that the flood of spring\n  carried away",
        "- Work is to begin in May and should end before the winter, if the rain\n  allows it",
        "- The ferry will run until then and will be free of charge to everybody\n  who lives there",
    ]
    assert normalize("\n".join(points)).text.split("\n") == [" ".join(point.split()) for point in points]
    unmarked = [point[2:].split("\n")[0] for point in points]
    assert normalize("\n".join(unmarked)).text.split("\n") == unmarked


def test_clean_keeps_boilerplate():
    text = "By Ida Fenn\nThe port reopened.\nRead more"
    assert normalize(text).text == "The port reopened."
    assert clean(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "One “two”.\r\n\r\nThree\0 four.\r\nFive.",
        "<p>One <b>two</b>.</p>\n<p>Three four. Five.</p><script>six</script>",
        "Cafe\u0301 ole\u0301 schÃ¶n ﬁne. 👩‍👩‍👧 says hi. שלום עולם. Last one.",
    ],
)
def test_words_map_back_to_themselves(text):
    clean = normalize(text)
    for sentence in split(clean.text):
        start, end = clean.source_span(sentence.start, sentence.end)
        again = normalize(text[start:end]).text
        assert again.replace("\n", " ").split() == sentence.text.split()


@pytest.mark.parametrize(
    "make",
    [
        lambda k: "<p>" * (66_000 // k),
        lambda k: "<p><p><!--" + "<!--<p>" * (28_000 // k),
        lambda k: "é " * (100_000 // k),
        lambda k: "." * (200_000 // k),
        lambda k: "a. " * (30_000 // k),
        lambda k: "A.A" * (30_000 // k),
        lambda k: 'a?" A b, ' * (10_000 // k),
        lambda k: ". a " * (30_000 // k),
        lambda k: "a." + "'" * (200_000 // k),
        lambda k: "".join(f"\0{n}{'a' * (50 // k)}b\0 " for n in range(3500 // k)),
        lambda k: "&" + "amp;" * (50_000 // k),
        lambda k: "&amp;" * (40_000 // k),
        lambda k: "\u200d" * (200_000 // k),
        lambda k: "👩\u200d" * (100_000 // k),
        lambda k: "🏴" + "\U000e0067" * (200_000 // k),
        lambda k: "\x1b[" * (100_000 // k),
    ],
)
def test_time_is_linear_for_hostile_text(make):
    assert_linear(lambda text: split(normalize(text).text), make)


def test_span_outside_the_text_is_rejected():
    with pytest.raises(ValueError, match="not a span"):
        normalize("abc").source_span(1, 1)


def test_abbreviations_and_quotes_do_not_split_sentences():
    text = (
        "On Friday, Dec. 30, 2022, the U.S. Senate met. “We will not go,” said Mr. Xi. Lt. Gov. J. R. Smith paid $4.2 "
        "million. At 5 p.m. they left."
    )
    assert [sentence.text for sentence in split(text)] == [
        "On Friday, Dec. 30, 2022, the U.S. Senate met.",
        "“We will not go,” said Mr. Xi.",
        "Lt. Gov. J. R. Smith paid $4.2 million.",
        "At 5 p.m. they left.",
    ]


def test_sentences_have_positions():
    text = "One two. Three!\n\nFour? “Five.”"
    assert [text[one.start : one.end] for one in split(text)] == [one.text for one in split(text)]


@pytest.mark.parametrize(
    ("text", "words"), [("one two-three, four", 3), ("这是一个", 4), ("", 0), ("今日 is today", 4)]
)
def test_word_count(text, words):
    assert word_count(text) == words


def test_unfinished_last_sentence_is_dropped():
    assert whole_sentences("One is here. Two is not fin") == ["One is here."]


def test_repeated_sentence_is_dropped():
    text = "The bridge will be rebuilt in May. The bridge will be rebuilt in May! Work begins in May."
    assert whole_sentences(text) == ["The bridge will be rebuilt in May.", "Work begins in May."]


def test_near_duplicate_is_dropped_unless_it_adds_something():
    first = "Bishop has cared for her niece Zala since she was two days old, and plays in Seattle."
    assert whole_sentences(f"{first} She has cared for her niece since she was two days old.") == [first]
    longer = f"{first[:-1]}, where she trains."
    assert whole_sentences(f"{first} {longer}") == [first]
    assert whole_sentences(f"Bishop plays in Seattle. {first}") == [first]
    more = "She was two days old when her mother died."
    assert whole_sentences(f"{first} {more}") == [first, more]


@pytest.mark.parametrize(
    "sentence",
    [
        "Summary judgment was granted in the case: Apple must pay.",
        "Summary executions went on: 40 people died.",
        "Summary of the ruling: Apple must pay.",
        "Sure Start centres face closure: the council votes on Monday.",
        "Certainly nobody foresaw it: the crane fell at noon.",
        "Here is what we know: the port is shut.",
        "Here are the sentences that were handed down: four years and two.",
        "“Here is a man of few words,” said Ida Fenn: she runs the port.",
        "In summary trials: one man was jailed.",
    ],
)
def test_sentence_with_a_colon_is_not_a_preamble(sentence):
    assert whole_sentences(sentence) == [sentence]


@pytest.mark.parametrize(
    "preamble",
    [
        "Summary:",
        "**Summary:**",
        "In summary:",
        "A short summary:",
        "Summary of the article:",
        "The summary of this news article:",
        "Here is a summary of the article:",
        "Here's a one-sentence summary:",
        "Sure! Here is the article in one sentence:",
        "Certainly, here are two sentences that summarise the text:",
        "Sure:",
    ],
)
def test_preamble_is_removed(preamble):
    assert whole_sentences(f"{preamble} The port reopened.") == ["The port reopened."]


def test_preambles_marks_and_instructions_are_removed():
    text = "Here is a summary of the article:\n\n1. **One** is here.\n- Two is here.<n>Say it in one sentence."
    assert whole_sentences(text, "Say it in one sentence.") == ["One is here.", "Two is here."]


def test_cap_limits_words_and_sentences():
    sentences = ["One two three.", "Four five six.", "Seven eight nine."]
    assert cap(sentences, Spec(Length.LONG), 100) == sentences
    assert cap(sentences, Spec(Length.SHORT), 100) == sentences[:1]
    assert cap(sentences, Spec(Length.LONG, max_sentences=2), 100) == sentences[:2]
    assert cap(sentences, Spec(Length.LONG, max_words=8), 100) == sentences[:2]
    assert cap(sentences, Spec(Length.LONG), 9) == sentences[:2]
    assert cap(sentences, Spec(Length.LONG), 3) == []


def test_truncated_sentence_ends_with_an_ellipsis():
    assert cut_short("one two three four", 2) == "one two …"
    assert cut_short("One two.", 2) == "One two."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The town council voted on Tuesday to rebuild the bridge.", "en"),
        ("Der Stadtrat hat am Dienstag beschlossen, die Brücke wieder aufzubauen.", "de"),
        ("市议会周二投票决定重建去年春天被洪水冲走的桥梁。", "zh"),
        ("أعيد فتح الميناء يوم الاثنين بعد سقوط رافعة.", "ar"),
        ("Порт вновь открылся в понедельник после падения крана.", "ru"),
        ("Emmanuel Macron a rencontré Olaf Scholz à Paris lundi.", "fr"),
        ("Pedro Sánchez se reunió con Emmanuel Macron en Madrid.", "es"),
        ("Xi Jinping met Kim Jong-un, Nguyen Phu Trong and Ferdinand Marcos in Guangzhou, Shenzhen and Hanoi.", "en"),
        ("Recep Tayyip Erdoğan, Mevlüt Çavuşoğlu and Ahmet Davutoğlu spoke in Diyarbakır.", "en"),
        ("Hello.", "und"),
        ("12 13 14", "und"),
    ],
)
def test_language_is_detected(text, code):
    assert detect(text) == code


@pytest.mark.parametrize("caps", [{"max_sentences": 0}, {"max_sentences": 11}, {"max_words": 4}, {"max_words": 501}])
def test_cap_out_of_range_error_has_the_range(caps):
    with pytest.raises(ValueError, match="must be from"):
        Spec(Length.LONG, **caps)


def test_tokenised_text_is_joined():
    sent = (
        "the port , he said , is n't open . ida fenn 's ship ( a tug ) cost $ 5m .\n"
        "`` nobody knew , '' she said of the ` grey lady ' ; it 'll sail on monday from the sailors ' quay ."
    )
    text = normalize(sent)
    assert text.text == (
        "the port, he said, isn't open. ida fenn's ship (a tug) cost $5m.\n"
        "\"nobody knew,\" she said of the 'grey lady'; it'll sail on monday from the sailors' quay."
    )
    start = text.text.index("ida fenn's")
    assert sent[slice(*text.source_span(start, start + len("ida fenn's")))] == "ida fenn 's"


def test_an_empty_tokenised_quotation_keeps_its_marks():
    assert normalize("the ship , he said , was named `` '' . she wept ; so did i .").text == (
        'the ship, he said, was named "". she wept; so did i.'
    )


@pytest.mark.parametrize(
    "text", ["The port , once busy, is shut. Ships wait.", "Rock 'n' roll, they say, is dead . Or is it?", ""]
)
def test_text_with_a_stray_space_is_unchanged(text):
    assert normalize(text).text == text
