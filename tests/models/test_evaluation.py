"""`nutgraf eval` on known data, with the lead as the model, so that all figures are known."""

import csv
import json

import pytest
from click.testing import CliRunner
from rouge_score.rouge_scorer import RougeScorer

from nutgraf_models.cli import evaluate

LEAD = "The port of Marlow reopened on Monday after a crane fell across its quay in a storm."
ARTICLE = (
    f"{LEAD} Forty people worked through the night to clear it. Two ships waited for nine hours outside. "
    "Ida Fenn, who runs the port, thanked them all. The crane was built in 1974, and was due to be replaced next year. "
    "Nobody was hurt, and the harbour master said that the damage was small. An inquiry will begin on Thursday morning."
)
REFERENCE = "The port of Marlow has reopened after a crane fell in a storm in Kent."


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "articles.jsonl"
    rows = [{"id": "a", "article": ARTICLE, "reference": REFERENCE}, {"article": ARTICLE, "reference": LEAD}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + "\n")
    return file


def run(*arguments: object):
    return CliRunner().invoke(evaluate, [str(argument) for argument in arguments])


def test_json_report_is_complete_and_correct(data):
    result = run(data, "--length", "short", "--model", "lead", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    rouge = RougeScorer(["rouge1", "rouge2", "rougeLsum"], use_stemmer=True).score(REFERENCE, LEAD)
    for name, score in rouge.items():
        expected = (100 * score.fmeasure + 100) / 2
        assert report[name] == pytest.approx(expected)
        assert report["lead"][name] == pytest.approx(expected)
        assert report["intervals"][name][0] <= expected <= report["intervals"][name][1]
        assert report["over_lead"][name] == [0, 0]
    assert (report["n"], report["model"], report["length"]) == (2, "lead", "short")
    assert report["coverage"] == 1.0
    assert report["mean_words"] == 17
    assert report["full_stop_share"] == report["right_length_share"] == 1.0
    assert report["fragment_share"] == report["doubted_share"] == 0.0
    assert report["plain_unsupported_share"] == report["repeats_share"] == 0.0
    # Only a reference has "Kent".
    assert report["reference"]["plain_unsupported_share"] == 0.5
    assert report["articles_per_second"] > 0


def test_references_are_selected_by_length(tmp_path):
    file = tmp_path / "both.jsonl"
    rows = [
        {"article": ARTICLE, "short": REFERENCE, "long": f"{LEAD} Two ships waited."},
        {"article": ARTICLE, "short": LEAD},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    reports = {}
    for length in ("short", "long"):
        result = run(file, "--length", length, "--model", "lead", "--json")
        assert result.exit_code == 0, result.output
        reports[length] = json.loads(result.stdout)
    assert (reports["short"]["n"], reports["long"]["n"]) == (2, 1)
    assert reports["short"]["rouge1"] < 100
    assert reports["long"]["reference"]["mean_sentences"] == 2


def test_the_table_names_the_baseline_and_shows_intervals(data):
    result = run(data, "--length", "long", "--model", "lead", "--limit", 1)
    assert result.exit_code == 0, result.output
    assert "lead-3" in result.stdout
    assert "rougeLsum" in result.stdout
    assert " 1 articles" in result.stdout


def test_csv_has_all_texts_and_scores(data, tmp_path):
    result = run(data, "--length", "short", "--model", "lead", "--csv", tmp_path / "rows.csv")
    assert result.exit_code == 0, result.output
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["a", "2"]
    assert rows[0]["text"] == rows[0]["lead"] == LEAD
    assert (rows[0]["reference"], rows[0]["article"]) == (REFERENCE, ARTICLE)
    assert float(rows[1]["rouge1"]) == 100


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "has no articles"),
        ('{"article": "A."}\n', "line 1"),
        ('{"article": "A.", "reference": "B."}\nnonsense\n', "line 2"),
        ("[1]\n", "line 1"),
    ],
)
def test_bad_data_error_names_the_line(tmp_path, content, complaint):
    file = tmp_path / "bad.jsonl"
    file.write_text(content)
    result = run(file, "--length", "short", "--model", "lead")
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert "Traceback" not in result.output
