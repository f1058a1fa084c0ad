"""The training loop on a small Llama, and the whole recipe from pairs to a model that is served."""

import itertools
import json
from dataclasses import replace

import peft
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from nutgraf_models.errors import ModelError
from nutgraf_models.training import trainer
from nutgraf_models.training.trainer import Example, Recipe, losses, mask, mean_loss, schedule, train

RECIPE = Recipe(rank=4, alpha=8, epochs=6, batch_articles=2, learning_rate=0.01, check_every=4)


def model(adapter_seed: int = 7):
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
    base = LlamaForCausalLM(config)
    torch.manual_seed(adapter_seed)
    lora = peft.LoraConfig(r=RECIPE.rank, lora_alpha=RECIPE.alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    return peft.get_peft_model(base, lora)


def example(article: list[int], *answers: list[int]) -> Example:
    """As `encode` makes it: each answer is preceded by an instruction of two tokens."""
    tokens, positions, segments, targets = list(article), list(range(len(article))), [0] * len(article), []
    for number, answer in enumerate(answers, 1):
        block = [60, 60 + number, *answer]
        targets += range(len(tokens) + 2, len(tokens) + len(block))
        tokens += block
        segments += [number] * len(block)
        positions += range(len(article), len(article) + len(block))
    return Example(tokens, positions, segments, targets)


def some(count: int, seed: int) -> list[Example]:
    """Whatever the article is, the answer is the same for a length."""
    generator = torch.Generator().manual_seed(seed)
    articles = torch.randint(1, 50, (count, 8), generator=generator).tolist()
    return [example(article, [51, 52, 63], [53, 54, 55, 63]) for article in articles]


def test_answers_that_share_an_article_cost_what_each_costs_alone():
    article, short, long = [5, 9, 2, 7], [11, 12, 63], [13, 14, 15, 16, 63]
    adapted = model().eval()
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    expected = 0.0
    for number, answer in enumerate((short, long), 1):
        tokens = torch.tensor([[*article, 60, 60 + number, *answer]])
        with torch.no_grad():
            logits = adapted(tokens).logits[0]
        start = len(article) + 2
        expected += functional.cross_entropy(logits[start - 1 : -1], tokens[0, start:], reduction="sum").item()
    assert losses(adapted, example(article, short, long)).item() == pytest.approx(expected, rel=1e-4)


def test_an_answer_does_not_see_the_other():
    seen = mask([0, 0, 1, 1, 2])[0, 0].int().tolist()
    assert seen == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 0, 0, 1]]


def test_training_teaches_what_the_pairs_show_and_keeps_the_best(tmp_path):
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


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    training, dev = some(8, seed=1), some(4, seed=2)
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
    # The weights that the adapter starts from are drawn anew, and replaced by the checkpoint's.
    assert all(torch.equal(last[0][name], last[1][name]) for name in last[0])


def test_a_folder_of_another_recipe_is_not_overwritten(tmp_path):
    train(model(), some(4, seed=1), some(2, seed=2), replace(RECIPE, epochs=1), tmp_path)
    with pytest.raises(ModelError, match="another recipe"):
        train(model(), some(4, seed=1), some(2, seed=2), replace(RECIPE, epochs=2), tmp_path)


def test_the_rate_rises_and_falls():
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.01


def test_each_epoch_has_every_example_once_in_another_order():
    examples = some(10, seed=1)
    steps = [list(trainer.batch_of(step, examples, RECIPE)) for step in range(10)]
    first, second = (list(itertools.chain(*steps[start : start + 5])) for start in (0, 5))
    assert first != second
    assert all(one in first and one in second for one in examples)
