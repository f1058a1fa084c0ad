"""The seed articles and their facts."""

import re
import runpy
import tomllib
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from nutgraf_models.article import Article
from nutgraf_models.loading import load_summarizer

SEEDS = sorted((Path(__file__).parents[1] / "seeds").glob("*.txt"))


def read(path: Path) -> tuple[str, str, dict]:
    title, _, text = path.read_text(encoding="utf-8").partition("\n")
    return title, text.strip(), tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))


def test_seeds_cover_different_subjects():
    subjects = {read(path)[2]["topic"] for path in SEEDS}
    wanted = {"politics", "business", "science", "sport", "weather", "courts", "technology", "health"}
    assert wanted <= subjects


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_facts_are_in_the_article(path):
    title, text, facts = read(path)
    assert facts["title"] == title
    assert 250 <= len(text.split()) <= 900
    joined = " ".join(f"{title} {text}".split())
    assert [fact for kind in ("names", "numbers", "dates") for fact in facts[kind] if fact not in joined] == []
    assert facts["must_hold"]
    assert facts["must_not_say"]


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_lead_of_a_seed_is_supported_and_prose(path):
    title, text, _ = read(path)
    summary = load_summarizer("lead").summarize(Article(text, title))
    assert summary.language == "en"
    assert summary.warnings == ()
    for one in summary.summaries:
        assert one.unsupported_terms == ()
        assert all(sentence.is_supported and sentence.support > 0.95 for sentence in one.sentences)
        for sentence in one.sentences:
            span = sentence.evidence[0].span
            said = one.text[sentence.span.start : sentence.span.end]
            # It may be shortened, but never reworded.
            source = iter(re.findall(r"[\w%$]+", text[span.start : span.end]))
            assert all(word in source for word in re.findall(r"[\w%$]+", said))


def test_demo_writes_a_page_of_every_article_and_prints_its_path(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("NUTGRAF_MODEL", "lead")
    demo = runpy.run_path(str(SEEDS[0].with_name("demo.py")))
    assert demo["PAGE"].parent.name == ".cache"  # which git ignores, and `make clean` removes
    assert demo["main"](tmp_path / "new" / "a page.html") == 0
    address = urlparse(capfd.readouterr().out.splitlines()[-1])
    assert address.scheme == "file"
    page = Path(unquote(address.path))
    assert page == tmp_path / "new" / "a page.html"
    html = page.read_text(encoding="utf-8")
    for number, path in enumerate(SEEDS, 1):
        assert f'id="title-{number}" lang="en" dir="auto">{escape(read(path)[0])}<' in html
    assert html.count("Short summary") == html.count("Long summary") == len(SEEDS)
