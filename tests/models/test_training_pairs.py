"""Training pairs from public data."""

import json
from collections import Counter

import pytest
from click.testing import CliRunner

from nutgraf_models.evaluation.references import ReferenceRow
from nutgraf_models.lengths import Length
from nutgraf_models.text.normalize import normalize
from nutgraf_models.training.clean import Truecaser, clean_article, clean_reference, detokenize
from nutgraf_models.training.command import train
from nutgraf_models.training.pairs import Pair, article_key, make_pairs, read_pairs, write_pairs

ARTICLE = (
    "The port of Marlow reopened on Monday after a crane fell across its quay in a storm last week. Forty people "
    "worked through the night to clear it. Two ships waited for nine hours outside, and a third turned back to Henley. "
    "Ida Fenn, who runs the port, thanked them all. The crane was built in 1974, and was due to be replaced next year. "
    "Nobody was hurt, and the harbour master said that the damage to the quay was small. An inquiry will begin on "
    "Thursday morning in the town hall, where it will hear from the crew and from those who inspected the crane."
)
SHORT = "The port of Marlow has reopened after a crane fell across its quay in a storm."
HIGHLIGHTS = (
    "The port of Marlow reopened on Monday after a crane fell in a storm .\nTwo ships waited for nine hours outside ."
)


def make(reference: str, article: str = ARTICLE, **more: str) -> tuple[list[Pair], Counter[str]]:
    dropped: Counter[str] = Counter()
    return list(make_pairs([ReferenceRow("1", article, reference, **more)], dropped)), dropped


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("he said : `` it 's over , '' and left .", 'he said: "it\'s over," and left.'),
        ("they do n't ( yet ) know", "they don't (yet) know"),
        ("-lrb- CNN -rrb-", "(CNN)"),
        ('It\'s 3.5%, or £1,200: "fine" (he said).', 'It\'s 3.5%, or £1,200: "fine" (he said).'),
    ],
)
def test_tokenised_punctuation_is_joined(text, clean):
    assert detokenize(text) == clean


@pytest.mark.parametrize(
    "header",
    [
        "(CNN) -- ",
        "LONDON, England (CNN) -- ",
        "By. Helen Lawson. PUBLISHED:. 13:37 EST, 15 February 2013. |. UPDATED:. 13:21 EST, 16 February 2013. ",
    ],
)
def test_headers_are_removed(header):
    assert clean_article(header + "A trainee won.") == "A trainee won."


def test_training_articles_are_normalised_as_in_serving():
    text = "It cost \u00c2\u00a35m ,\xa0he  said.\n\n\u201cYes,\u201d\nshe said."
    assert clean_article(text) == normalize(text.replace(" ,", ",")).text
    assert clean_article(text).startswith("It cost \u00a35m, he said.")


def test_highlights_become_sentences():
    assert clean_reference("harry Reid wants out .\nErrol Louis says so .") == [
        "Harry Reid wants out.",
        "Errol Louis says so.",
    ]
    assert clean_reference("It cost 3.5 million . He left") == ["It cost 3.5 million.", "He left."]


def test_truecaser_restores_the_most_frequent_case():
    truecase = Truecaser(["When Ida Fenn came to Marlow, the port was shut.", "So the port of Marlow shut."])
    assert (
        truecase("ida fenn left. the port of marlow's crane fell.") == "Ida Fenn left. The port of Marlow's crane fell."
    )


SHORT_OF_QUAYLE = "The harbour master Tess Quayle has reopened the port of Marlow after a crane fell in a storm."
QUAYLE = (" Quayle sat, too.", " Mrs Quayle sat, too.")


def test_one_sentence_is_a_short_and_highlights_are_short_and_long():
    (short,), _ = make(SHORT)
    assert (short.short, short.long) == (SHORT, "")
    (both,), _ = make(HIGHLIGHTS)
    first = "The port of Marlow reopened on Monday after a crane fell in a storm."
    assert both.long == f"{first} Two ships waited for nine hours outside."
    assert both.short == first


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (
            "The port of Cookham Dean in Berkshire, England, has reopened after 3 cranes fell in a storm.",
            "name or number",
        ),
        ("A harbour has reopened.", "too short or too long"),
        (
            "Traders rejoiced once cargo vessels could dock again following several anxious days without business.",
            "words",
        ),
        ("It has reopened after a crane fell across its quay in a storm last week.", "points back"),
        ("Click here for all of the latest news of the port of Marlow and its crane.", "not a sentence"),
    ],
)
def test_unusable_reference_is_dropped_with_the_reason(reference, reason):
    pairs, dropped = make(reference)
    assert pairs == []
    assert [key for key in dropped if reason in key]


@pytest.mark.parametrize("where", ["Cookham", "Marlow in Berkshire"])
def test_short_may_have_a_few_unsupported_words(where):
    reference = f"The port of {where} has reopened after a crane fell across its quay in a storm."
    (pair,), _ = make(reference)
    assert pair.short == reference


def test_unsupported_first_name_is_dropped_for_a_title():
    kept, gone = (make_pairs([ReferenceRow("1", ARTICLE + more, SHORT_OF_QUAYLE)], Counter()) for more in QUAYLE)
    assert next(kept).short == SHORT_OF_QUAYLE
    assert next(gone).short == SHORT_OF_QUAYLE.replace("Tess ", "")


def test_unsupported_sentence_of_a_long_is_dropped():
    (pair,), _ = make(f"{HIGHLIGHTS}\nMayor Bob Quayle wept .")
    assert "Quayle" not in pair.long
    assert pair.long.count(".") == 2


def test_headline_is_used_without_another_short():
    long = "It reopened on Monday after a crane fell across the quay. Two ships waited nine hours outside Marlow."
    (pair,), _ = make(long, headline="Port of Marlow reopens days after a crane fell across its quay")
    assert pair.short == "Port of Marlow reopens days after a crane fell across its quay."


def test_duplicate_and_held_out_articles_are_dropped():
    rows = [ReferenceRow("1", ARTICLE, SHORT)] * 2
    dropped: Counter[str] = Counter()
    (pair,) = make_pairs(rows, dropped)
    assert dropped["article seen before"] == 1
    assert list(make_pairs(rows, dropped, {pair.key})) == []
    assert dropped["article held out"] == 2


def test_long_article_is_cut_at_a_sentence():
    filler = " ".join(
        f"It rained on day {number} and nothing else happened in the whole of it." for number in range(60)
    )
    (pair,), _ = make(SHORT, f"{ARTICLE} {filler}")
    assert pair.article.endswith("in the whole of it.")
    assert len(pair.article.split()) <= 300
    assert make(SHORT, f"{filler} {ARTICLE}")[0] == []


def test_pairs_round_trip(tmp_path):
    pairs = [Pair("1", "Ein Satz – „so“.", short="S."), Pair("2", "Two\nlines.", long="L.", source="xsum")]
    write_pairs(pairs, tmp_path / "pairs.jsonl")
    assert read_pairs(tmp_path / "pairs.jsonl") == pairs


def test_command_writes_pairs_and_reports_dropped_ones(tmp_path):
    data, dev, out = (tmp_path / name for name in ("data.jsonl", "dev.jsonl", "pairs.jsonl"))
    rows = [{"article": ARTICLE, "reference": reference} for reference in (SHORT, "Too short.")]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = CliRunner().invoke(train, ["pairs", str(data), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert [pair.short for pair in read_pairs(out)] == [SHORT]
    assert "2 rows, 1 articles with 1 short and 0 long summaries" in result.stderr
    assert "article seen before" in result.stderr
    dev.write_text(json.dumps({**rows[0], "article": f"  {ARTICLE}"}) + "\n")
    CliRunner().invoke(train, ["pairs", str(data), "--not-in", str(dev), "-o", str(out)])
    assert read_pairs(out) == []


def test_references_by_length_are_used_unchanged_with_dressed_articles():
    rows = [
        ReferenceRow(str(number), f"Story {number}. {ARTICLE}", headline="Port reopens", short=SHORT, long=HIGHLIGHTS)
        for number in range(60)
    ]
    pairs = list(make_pairs(rows, Counter()))
    assert {(pair.short, pair.long) for pair in pairs} == {(SHORT, HIGHLIGHTS)}
    assert all(f"Story {number}. {ARTICLE}"[-60:] in pair.article for number, pair in enumerate(pairs))
    # Half have a headline, some a dateline; captions are dropped as in serving.
    assert 15 <= sum(pair.article.startswith("Port reopens") for pair in pairs) <= 45
    assert any(") - Story" in pair.article or "— Story" in pair.article for pair in pairs)
    assert not any("Media playback" in pair.article for pair in pairs)
    assert pairs == list(make_pairs(rows, Counter()))


def test_rejected_answer_needs_a_right_one(tmp_path):
    data, out = tmp_path / "data.jsonl", tmp_path / "pairs.jsonl"
    row = {"article": ARTICLE, "short": SHORT, "short_rejected": "Nobody came.", "long_rejected": "Nobody. Came."}
    data.write_text(json.dumps(row) + "\n")
    assert CliRunner().invoke(train, ["pairs", str(data), "-o", str(out)]).exit_code == 0
    (pair,) = read_pairs(out)
    # Preferences need a right answer of the same length.
    assert pair.rejected() == {Length.SHORT: "Nobody came."}


def test_held_out_article_is_dropped_however_it_is_dressed():
    rows = [ReferenceRow(str(number), ARTICLE, headline="Port reopens", short=SHORT) for number in range(20)]
    dropped: Counter[str] = Counter()
    assert list(make_pairs(rows, dropped, {article_key(ARTICLE)})) == []
    assert dropped["article held out"] == 20
