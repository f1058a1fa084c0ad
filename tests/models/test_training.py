"""Training of a small Llama, and the whole recipe from pairs to a served model."""

import hashlib
import itertools
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import peft
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch.nn import functional
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from checkpoints import vocab
from nutgraf_models.article import Article
from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.adapter import digest
from nutgraf_models.checkpoints.card import Prompt
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.errors import ModelError
from nutgraf_models.lengths import DEFAULT_SPECS
from nutgraf_models.loading import load_summarizer
from nutgraf_models.text.normalize import normalize
from nutgraf_models.training import trainer
from nutgraf_models.training.command import train as command
from nutgraf_models.training.decoder import LoraDecoder, rounded
from nutgraf_models.training.pairs import Pair, write_pairs
from nutgraf_models.training.preferences import Example, Preference, mask, measure, with_reference
from nutgraf_models.training.trainer import Recipe, encode, loss_of, mean_loss, schedule, train
from support.articles import ARTICLE
from support.tiny_llama import serve_as_only_package, write_random_gguf

RECIPE = Recipe(rank=4, alpha=8, epochs=6, batch_articles=2, learning_rate=0.01, check_every=4)


def base() -> LlamaForCausalLM:
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        initializer_range=0.2,
    )
    return LlamaForCausalLM(config).eval()


def model(adapter_seed: int = 7, dtype: torch.dtype = torch.float32) -> LoraDecoder:
    return LoraDecoder(base(), RECIPE.rank, RECIPE.alpha, dtype=dtype, seed=adapter_seed)


def example(article: list[int], *answers: list[int]) -> Example:
    """An example like those of `encode`: each answer is preceded by an instruction of two tokens."""
    tokens, positions, segments, targets = list(article), list(range(len(article))), [0] * len(article), []
    for number, answer in enumerate(answers, 1):
        block = [60, 60 + number, *answer]
        targets += range(len(tokens) + 2, len(tokens) + len(block))
        tokens += block
        segments += [number] * len(block)
        positions += range(len(article), len(article) + len(block))
    return Example(tokens, positions, segments, targets)


def some(count: int, seed: int) -> list[Example]:
    """Examples whose answer depends only on the length."""
    generator = torch.Generator().manual_seed(seed)
    articles = torch.randint(1, 50, (count, 8), generator=generator).tolist()
    return [example(article, [51, 52, 63], [53, 54, 55, 63]) for article in articles]


def preferring(article: list[int], right: list[int], wrong: list[int]) -> Example:
    both = example(article, right, wrong)
    places = [[place for place, segment in enumerate(both.segments) if segment == number][2:] for number in (1, 2)]
    return replace(both, targets=places[0], preferences=(Preference(*places),))


def drawn(adapted: LoraDecoder, folder: Path) -> object:
    """Randomises the adapter's weights; returns the same adapter and model in PEFT and transformers."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in adapted.parameters():
            # In float16, like the file.
            parameter.copy_(torch.randn(parameter.shape, generator=generator).mul(0.2).half())
    adapted.refresh()
    adapted.save(folder)
    return peft.PeftModel.from_pretrained(base(), str(folder), is_trainable=True).eval()


def test_shared_prefill_loss_matches_peft(tmp_path):
    article, short, long = [5, 9, 2, 7], [11, 12, 63], [13, 14, 15, 16, 63]
    adapted = model()
    reference = drawn(adapted, tmp_path)
    expected = 0.0
    for number, answer in enumerate((short, long), 1):
        tokens = torch.tensor([[*article, 60, 60 + number, *answer]])
        with torch.no_grad():
            logits = reference(tokens).logits[0]
        start = len(article) + 2
        expected += functional.cross_entropy(logits[start - 1 : -1], tokens[0, start:], reduction="sum").item()
    assert loss_of(adapted, example(article, short, long)).item() == pytest.approx(expected, rel=1e-4)


def test_gradients_match_peft(tmp_path):
    adapted = model()
    reference = drawn(adapted, tmp_path)
    tokens = torch.tensor([[5, 9, 2, 7, 60, 61, 11, 12, 63]])
    logits = reference(tokens).logits[0]
    functional.cross_entropy(logits[5:-1], tokens[0, 6:], reduction="sum").backward()
    loss_of(adapted, example([5, 9, 2, 7], [11, 12, 63])).backward()
    adapted.collect_gradients()
    expected = {
        name.replace(".default", ""): parameter.grad
        for name, parameter in reference.named_parameters()
        if "lora_" in name
    }
    for (index, layer), parameter in adapted.down.items():
        name = f"base_model.model.model.layers.{index}.{layer}.lora_A.weight"
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-3, atol=1e-5)
    for (index, layer), parameter in adapted.up.items():
        name = f"base_model.model.model.layers.{index}.{layer}.lora_B.weight"
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-3, atol=1e-5)


def test_bfloat16_training_matches_float32(tmp_path):
    losses = []
    for dtype in (torch.float32, torch.bfloat16):
        adapted = model(dtype=dtype)
        state = train(adapted, some(8, seed=1), some(4, seed=2), RECIPE, tmp_path / str(dtype))
        losses.append(state.best_loss)
        assert {parameter.dtype for parameter in adapted.parameters()} == {torch.float32}
    assert losses[1] == pytest.approx(losses[0], rel=0.2)


def test_inputs_are_rounded_to_8_bits_by_group():
    values = torch.tensor([[1.0, -0.5, 0.003, 0.0, 254.0, 3.0, -0.9, 1.1], [0.0] * 8], requires_grad=True)
    result = rounded(values, 4)
    steps = torch.tensor([1 / 127] * 4 + [2.0] * 4)
    assert torch.allclose(result, (values / steps).round() * steps)
    result.backward(weight := torch.arange(16.0).view(2, 8))
    assert torch.equal(values.grad, weight)


def test_training_with_rounded_inputs_differs_little():
    one = example([1, 2, 3], [51, 52, 63])
    plain, rounding = (loss_of(LoraDecoder(base(), 4, 8, round_inputs=group), one).item() for group in (0, 32))
    assert plain != rounding
    assert rounding == pytest.approx(plain, rel=0.05)


def test_openings_can_weigh_more():
    one = example([1, 2, 3], [51, 52, 63])
    opening, rest = one.targets[:1], one.targets[1:]
    adapted = model()
    first, others = (loss_of(adapted, replace(one, targets=part)).item() for part in (opening, rest))
    weighted, _ = measure(adapted, replace(one, openings=frozenset(opening)), opening_weight=8.0)
    assert weighted.item() == pytest.approx(8 * first + others, rel=1e-4)


def test_adapter_of_another_rank_is_rejected(tmp_path):
    model().save(tmp_path)
    with pytest.raises(ModelError, match="not an adapter for this model"):
        LoraDecoder(base(), RECIPE.rank + 1, RECIPE.alpha).load(tmp_path)


def test_unsupported_tokens_are_not_targets(tmp_path):
    vocab.smollm_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    prompt = Prompt(before="user\n", after_short="\nShort.\n", after_long="\nLong.\n")
    pair = Pair("1", "The port is open.", short="The port of Cookham is open after 3 days.")
    encoded = encode(pair, prompt, tokenizer, end=0)
    learned = tokenizer.decode([encoded.tokens[place] for place in encoded.targets[:-1]])
    assert learned.split() == ["The", "port", "of", "is", "open", "after", "days."]
    assert "Cookham is open after 3 days." in tokenizer.decode(encoded.tokens)
    assert encoded.tokens[encoded.targets[-1]] == 0
    opening = tokenizer.decode([encoded.tokens[place] for place in sorted(encoded.openings)])
    assert opening
    assert tokenizer.decode(encoded.tokens).partition("Short.\n")[2].startswith(opening)


def test_answers_do_not_attend_to_each_other():
    seen = mask([0, 0, 1, 1, 2]).int().tolist()
    assert seen == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 0, 0, 1]]


def test_preference_log_odds_match_its_answers(tmp_path):
    article, right, wrong = [5, 9, 2, 7], [11, 12, 63], [13, 14, 15, 16, 63]
    adapted = model()
    drawn(adapted, tmp_path)
    one = preferring(article, right, wrong)
    nll, (odds,) = measure(adapted, one)
    costs = [
        loss_of(adapted, replace(one, targets=half))
        for half in (one.preferences[0].chosen, one.preferences[0].rejected)
    ]
    assert nll.item() == pytest.approx(costs[0].item(), rel=1e-5)
    assert odds.item() == pytest.approx((costs[1] - costs[0]).item(), rel=1e-4)
    assert with_reference(adapted, one).preferences[0].reference == pytest.approx(odds.item(), rel=1e-5)


def test_preference_training_lowers_the_rejected_answer(tmp_path):
    odds = {}
    for weight in (0.0, 1.0):
        adapted = model()
        # The two differ in one token, like a false statement and its correction.
        examples = [preferring(one.tokens[:8], [51, 52, 53, 63], [51, 54, 53, 63]) for one in some(8, seed=1)]
        before = [measure(adapted, one)[1][0].item() for one in examples]
        train(adapted, examples, some(2, seed=2), replace(RECIPE, preference_weight=weight), tmp_path / str(weight))
        after = [measure(adapted, one)[1][0].item() for one in examples]
        odds[weight] = sum(after) - sum(before)
    assert odds[1.0] > odds[0.0] > 0


def test_pair_with_a_rejected_answer_is_one_example(tmp_path):
    vocab.smollm_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    prompt = Prompt(before="user\n", after_short="\nShort.\n", after_long="\nLong.\n")
    pair = Pair("1", "The port is open.", "The port is open.", long="It is.", short_rejected="The port is not open.")
    encoded = encode(pair, prompt, tokenizer, end=0)
    assert max(encoded.segments) == 3
    (preference,) = encoded.preferences
    texts = [
        tokenizer.decode([encoded.tokens[place] for place in half]) for half in (preference.chosen, preference.rejected)
    ]
    assert texts == [tokenizer.decode([*tokenizer(text)["input_ids"], 0]) for text in (pair.short, pair.short_rejected)]
    assert set(preference.chosen) <= set(encoded.targets)
    assert not set(preference.rejected) & set(encoded.targets)


def test_training_lowers_the_loss_and_keeps_the_best(tmp_path):
    adapted, dev = model(), some(6, seed=2)
    before = mean_loss(adapted, dev)
    state = train(adapted, some(16, seed=1), dev, replace(RECIPE, epochs=20), tmp_path)
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == list(range(1, 161))
    looks = {record["step"]: record["dev_loss"] for record in records if "dev_loss" in record}
    assert state.best_loss == min(looks.values()) == looks[state.best_step]
    assert state.best_loss < 0.2 * before
    kept = load_file(tmp_path / "best" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float16}
    assert str(tmp_path) not in (tmp_path / "best" / "adapter_config.json").read_text()


def test_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    dev = some(4, seed=2)
    training = [*some(6, seed=1), *(preferring(one.tokens[:8], [51, 52, 63], [51, 53, 63]) for one in some(2, seed=3))]
    train(model(), training, dev, RECIPE, tmp_path / "whole")
    calls = itertools.count()

    def stopped(step: int, *rest: object):
        if next(calls) == 11:
            raise KeyboardInterrupt
        return batch_of(step, *rest)

    batch_of = trainer.batch_of
    monkeypatch.setattr(trainer, "batch_of", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(model(), training, dev, RECIPE, tmp_path / "stopped")
    monkeypatch.undo()
    state = train(model(adapter_seed=8), training, dev, RECIPE, tmp_path / "stopped")
    assert state.step == 24
    last = [load_file(tmp_path / name / "best" / "adapter_model.safetensors") for name in ("whole", "stopped")]
    assert last[0].keys() == last[1].keys()
    # The initial weights are drawn again, and replaced by the checkpoint's.
    assert all(torch.equal(last[0][name], last[1][name]) for name in last[0])


def test_run_with_another_recipe_is_not_overwritten(tmp_path):
    train(model(), some(4, seed=1), some(2, seed=2), replace(RECIPE, epochs=1), tmp_path)
    with pytest.raises(ModelError, match="another recipe"):
        train(model(), some(4, seed=1), some(2, seed=2), replace(RECIPE, epochs=2), tmp_path)


def test_learning_rate_schedule():
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.01


def test_epochs_visit_every_example_in_their_own_order():
    examples = some(10, seed=1)
    steps = [list(trainer.batch_of(step, examples, RECIPE)) for step in range(10)]
    first, second = (list(itertools.chain(*steps[start : start + 5])) for start in (0, 5))
    assert first != second
    assert all(one in first and one in second for one in examples)


SAID = {"short": "The port is open.", "long": "The port is open. It was shut."}


def pairs(count: int) -> list[Pair]:
    """The model learns one constant answer, which is enough to see that it was trained."""
    return [
        Pair(str(number), normalize(f"{number} ships came. {ARTICLE}").text, SAID["short"], SAID["long"])
        for number in range(count)
    ]


def card_text(content: bytes) -> str:
    return (
        'id = "tiny"\ndescription = ""\nfamily = "causal"\nsource = "pypi:tinymodel==1.0!tinymodel/tiny.F16.gguf"\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\ncontext_window = 2048\n'
        '[prompt]\nbefore = "<|im_start|>user\\n"\n'
        'after_short = "\\nOne sentence.<|im_end|>\\n"\nafter_long = "\\nThree sentences.<|im_end|>\\n"\n'
        "[decoding.short]\nmax_new_tokens = 30\n[decoding.long]\nmax_new_tokens = 60\n"
    )


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """The card of a model in a package."""
    content = write_random_gguf(tmp_path / "tiny.F16.gguf").read_bytes()
    serve_as_only_package(tmp_path / "index", "tinymodel/tiny.F16.gguf", content, monkeypatch)
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path / "home"))
    (tmp_path / "card.toml").write_text(card_text(content))
    return tmp_path / "card.toml"


def run(tmp_path: Path, card: Path, *more: object):
    write_pairs(pairs(8), tmp_path / "train.jsonl")
    write_pairs(pairs(12)[8:], tmp_path / "dev.jsonl")
    arguments = ["run", tmp_path / "train.jsonl", "--dev", tmp_path / "dev.jsonl", "-o", tmp_path / "run"]
    options = ["--model", card, "--rank", 8, "--threads", 1, *more]
    return CliRunner().invoke(command, [str(one) for one in (*arguments, *options)])


def test_trained_card_produces_summaries(tmp_path, tiny):
    result = run(tmp_path, tiny, "--epochs", 60, "--learning-rate", 0.01)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "run" / "adapter" / "training.json").read_text())
    assert report["pairs"] == {"articles": 8, "short": 8, "long": 8}
    assert report["dev_loss"] < 0.1 < report["dev_loss_before"]
    assert set(report["versions"]) == {"torch", "transformers"}
    trained = tmp_path / "run" / "card.toml"
    facts = tomllib.loads(trained.read_text())
    assert facts["prompt"] == tomllib.loads(tiny.read_text())["prompt"]
    store.pull(find_card(str(trained)))
    for engine in ("torch", "openvino"):
        summarizer = load_summarizer(str(trained), engine=engine, threads=1)
        article = Article(pairs(9)[8].article)
        summaries = summarizer.summarize(article, DEFAULT_SPECS, show_doubted=True).summaries
        assert [summary.text for summary in summaries] == list(SAID.values())


def test_run_can_start_from_an_adapter(tmp_path, tiny):
    assert run(tmp_path, tiny, "--epochs", 20, "--learning-rate", 0.01).exit_code == 0
    first = json.loads((tmp_path / "run" / "adapter" / "training.json").read_text())
    start = (tmp_path / "run").rename(tmp_path / "first") / "adapter"
    result = run(tmp_path, tiny, "--from", start, "--epochs", 1, "--learning-rate", 0.0001)
    assert result.exit_code == 0, result.output
    second = json.loads((tmp_path / "run" / "adapter" / "training.json").read_text())
    assert second["recipe"]["start"] == digest(start)
    assert second["recipe"]["rank"] == 8
    # Stored in float16 in between.
    assert second["dev_loss_before"] == pytest.approx(first["dev_loss"], rel=0.05)
    assert first["dev_loss"] < 0.5 * first["dev_loss_before"]


def test_adapter_with_a_wrong_digest_is_not_merged(tmp_path, tiny):
    assert run(tmp_path, tiny, "--epochs", 1).exit_code == 0
    weights = tmp_path / "run" / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="does not have the SHA-256 in the card"):
        store.pull(find_card(str(tmp_path / "run" / "card.toml")))


def test_article_in_both_train_and_dev_is_rejected(tmp_path, tiny):
    write_pairs(pairs(2), tmp_path / "both.jsonl")
    arguments = [
        "run",
        tmp_path / "both.jsonl",
        "--dev",
        tmp_path / "both.jsonl",
        "-o",
        tmp_path / "run",
        "--model",
        tiny,
    ]
    result = CliRunner().invoke(command, [str(one) for one in arguments])
    assert result.exit_code == 1
    assert "2 article(s) are in both" in result.stderr


def test_unsupported_model_is_rejected(tmp_path, tiny):
    result = run(tmp_path, Path("facebook/bart-large-cnn"))
    assert result.exit_code == 1
    assert "not a decoder-only model" in result.stderr
