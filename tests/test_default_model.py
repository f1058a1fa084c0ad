"""The default model on the seed articles, through a server process and the Python client."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nutgraf import Article, Client, FinishReason, Length
from support.long_articles import long_article
from support.process import children, entry, serve
from test_seeds import SEEDS, read

TIMEOUT = 200


@pytest.fixture(scope="module")
def process() -> Iterator["subprocess.Popen[str]"]:
    with serve() as started:
        yield started


@pytest.fixture(scope="module")
def client(process) -> Iterator[Client]:
    address = entry(process, "listening")["address"]
    entry(process, "serving")
    with Client(address, timeout=TIMEOUT) as connected:
        yield connected


def test_default_model_uses_openvino(client):
    info = client.server_info()
    assert (info.model, info.family, info.engine) == ("smollm2-135m-nutgraf", "causal", "openvino")


def test_torch_is_not_loaded(client, process):
    if not Path("/proc").exists():
        pytest.skip("this system does not show what a process has loaded")
    (engine,) = children(process.pid)
    server_has, engine_has = (Path(f"/proc/{pid}/maps").read_text(encoding="utf-8") for pid in (process.pid, engine))
    assert "libopenvino" in engine_has
    assert "libopenvino" not in server_has
    assert "libtorch" not in server_has + engine_has


@pytest.mark.parametrize("path", SEEDS[:4], ids=lambda path: path.stem)
def test_seed_gets_two_summaries_shorter_than_itself(client, path):
    title, text, _ = read(path)
    result = client.summarize(text, title=title)
    assert [summary.length for summary in result.summaries] == [Length.SHORT, Length.LONG]
    for summary in result.summaries:
        assert 3 <= len(summary.text.split()) < len(text.split()) / 2
        if summary.finish_reason is not FinishReason.EXTRACTIVE and not summary.warnings:
            assert all(sentence.text[-1] in '.!?"”' for sentence in summary.sentences)
        assert summary.sentences
    assert len(result.short.sentences) == 1
    # The summaries are about this article, and their evidence is in it.
    sources = [source for summary in result.summaries for sentence in summary.sentences for source in sentence.sources]
    assert sources
    assert all(text[source.start : source.end] == source.text for source in sources)


def test_article_over_the_window_is_read_in_chunks(client):
    text = "\n\n".join(read(path)[1] for path in SEEDS[:4])
    result = client.summarize(text)
    assert result.article.input_token_count > client.server_info().limits.max_input_tokens
    assert result.article.chunk_count > 1
    assert result.warnings == ()
    for summary in result.summaries:
        assert 3 <= len(summary.text.split()) < 120
        assert all(
            text[source.start : source.end] == source.text for one in summary.sentences for source in one.sources
        )


@pytest.mark.slow
def test_longest_accepted_article_is_read_completely():
    text = long_article(40_000)[:190_000]
    with serve() as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with Client(address, timeout=280) as client:
            result = client.summarize(text)
    assert result.article.input_token_count > 30_000
    assert result.article.chunk_count > 50
    assert result.warnings == ()
    assert len(result.short.sentences) == 1
    assert len(result.long.sentences) >= 2
    for summary in result.summaries:
        assert all(
            text[source.start : source.end] == source.text for one in summary.sentences for source in one.sources
        )


def test_many_articles_get_their_own_answers(client):
    articles = [Article(read(path)[1][:1500], id=path.stem) for path in SEEDS[:3]]
    answers = list(client.summarize_many(articles, summaries="short"))
    assert [answer.id for answer in answers] == [article.id for article in articles]
    for answer, article in zip(answers, articles, strict=True):
        sources = answer.unwrap().short.sentences[0].sources
        assert all(article.text[source.start : source.end] == source.text for source in sources)
