"""Resumable training of a LoRA adapter on articles and their summaries, on a CPU or a GPU.

An example is an article with all its answers: the article is encoded once, and each answer attends to the article, its
own instruction and itself, as in an engine that shares the prefill between SHORT and LONG.
"""

import json
import logging
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nutgraf_models.checkpoints.card import Prompt
from nutgraf_models.errors import ModelError
from nutgraf_models.evaluation.reference_check import unsupported_spans
from nutgraf_models.lengths import Length
from nutgraf_models.training.decoder import LoraDecoder
from nutgraf_models.training.pairs import Pair
from nutgraf_models.training.preferences import Example, Preference, mask, measure, preference_loss, with_reference

logger = logging.getLogger(__name__)
# Enough to tell which of the article's sentences an answer begins with.
_OPENING_TOKENS = 4


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run."""

    rank: int = 32
    alpha: int = 64
    epochs: float = 1.0
    batch_articles: int = 8
    learning_rate: float = 4e-4
    warmup: float = 0.05  # share of the steps
    weight_decay: float = 0.0
    max_tokens: int = 1500  # article, instructions and answers together; longer examples are dropped
    check_every: int = 50  # steps between evaluations on the dev pairs, each with a checkpoint
    preference_weight: float = 0.5  # weight of the preference loss relative to the cross entropy
    preference_beta: float = 0.2  # larger values keep the model closer to its start
    opening_weight: float = 1.0  # weight of an answer's first tokens, which decide what it is about
    round_inputs: int = 0  # see `LoraDecoder`
    seed: int = 7
    start: str = ""  # digest of the initial adapter, if any


def encode(pair: Pair, prompt: Prompt, tokenizer: Any, end: int) -> Example:
    """Tokenises a pair with the prompt; names and numbers that the article lacks are not training targets.

    Excluding unsupported tokens from the loss follows Goyal and Durrett (2021, "Annotating and Modeling Fine-grained
    Factuality in Summarization").
    """

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    tokens = ids(prompt.before + pair.article)
    prefix = len(tokens)
    positions, segments, targets = list(range(prefix)), [0] * prefix, list[int]()
    openings = set[int]()
    preferences = []

    def add(length: Length, answer: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Appends an instruction and its answer; returns the answer's token indexes and their spans in its text."""
        instruction = ids(prompt.after(length))
        encoded = tokenizer(answer, add_special_tokens=False, return_offsets_mapping=True)
        answered = [*encoded["input_ids"], end]
        start, count = len(tokens) + len(instruction), len(instruction) + len(answered)
        tokens.extend(instruction + answered)
        segments.extend([segments[-1] + 1] * count)
        positions.extend(range(prefix, prefix + count))
        return list(range(start, len(tokens))), [*encoded["offset_mapping"], (len(answer), len(answer))]

    for length, answer in pair.answers().items():
        chosen, spans = add(length, answer)
        openings.update(chosen[:_OPENING_TOKENS])
        unsupported = unsupported_spans(answer, pair.article)
        targets += [
            index
            for index, (start, stop) in zip(chosen, spans, strict=True)
            if not any(start < last and first < stop for first, last in unsupported)
        ]
        if length in pair.rejected():
            preferences.append(Preference(chosen, add(length, pair.rejected()[length])[0]))
    return Example(tokens, positions, segments, targets, frozenset(openings), tuple(preferences))


def loss_of(model: LoraDecoder, example: Example) -> torch.Tensor:
    """The summed cross entropy, in nats, of the target tokens."""
    return model.nll(example.tokens, example.positions, mask(example.segments), example.targets).sum()


def _backward(model: LoraDecoder, batch: Sequence[Example], recipe: Recipe) -> dict[str, float]:
    """Computes the gradients of a batch; returns the weighted cross entropy per token and the loss per preference."""
    tokens = sum(float(example.weights(recipe.opening_weight).sum()) for example in batch)
    preferences = max(1, sum(len(example.preferences) for example in batch))
    losses = {"loss": 0.0, "preference_loss": 0.0}
    for example in batch:
        nll, odds = measure(model, example, recipe.opening_weight)
        preference = torch.stack([nll.new_zeros(()), *preference_loss(example, odds, recipe.preference_beta)]).sum()
        (nll / tokens + recipe.preference_weight * preference / preferences).backward()  # type: ignore[no-untyped-call]
        losses["loss"] += nll.item() / tokens
        losses["preference_loss"] += preference.item() / preferences
    return losses


@dataclass(frozen=True)
class _State:
    """Progress of a run; with the weights and the optimiser's state, enough to resume."""

    step: int = 0
    best_step: int = 0
    best_loss: float = math.inf


def train(
    model: LoraDecoder, examples: Sequence[Example], dev: Sequence[Example], recipe: Recipe, output: Path
) -> _State:
    """Trains, and saves the adapter with the lowest loss on `dev` to `output/best`; resumes from `output/checkpoint`.

    Each step adds a line to `output/log.jsonl`, with losses in nats per token. The recipe's seed determines the order
    of the examples and all other randomness.
    """
    output.mkdir(parents=True, exist_ok=True)
    steps = total_steps(len(examples), recipe)
    parameters = model.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    # Before the checkpoint is loaded, so that a resumed run has the same references as an uninterrupted one.
    examples = [with_reference(model, example) for example in examples]
    state = _resume(output / "checkpoint", recipe, parameters, optimizer)
    model.refresh()
    started = time.perf_counter()
    for step in range(state.step, steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * schedule(step, steps, recipe.warmup)
        losses = _backward(model, list(batch_of(step, examples, recipe)), recipe)
        model.collect_gradients()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0).item()
        optimizer.step()
        optimizer.zero_grad()
        model.refresh()
        record = {"step": step + 1, "of": steps, **losses, "norm": norm, "seconds": time.perf_counter() - started}
        state = _State(step + 1, state.best_step, state.best_loss)
        if (step + 1) % recipe.check_every == 0 or step + 1 == steps:
            record["dev_loss"] = mean_loss(model, dev)
            if record["dev_loss"] < state.best_loss:
                state = _State(step + 1, step + 1, record["dev_loss"])
                model.save(output / "best")
            _checkpoint(output / "checkpoint", recipe, state, parameters, optimizer)
        logger.info("%s", json.dumps(record))
        with (output / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
    return state


def total_steps(examples: int, recipe: Recipe) -> int:
    return max(1, round(examples * recipe.epochs / recipe.batch_articles))


def schedule(step: int, steps: int, warmup: float) -> float:
    """The factor of the learning rate at a step, from 0: linear warm-up, then cosine decay to zero."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def batch_of(step: int, examples: Sequence[Example], recipe: Recipe) -> Iterator[Example]:
    """The examples of a step. Each epoch visits all examples in its own order."""
    for position in range(step * recipe.batch_articles, (step + 1) * recipe.batch_articles):
        epoch, index = divmod(position, len(examples))
        order = list(range(len(examples)))
        random.Random(f"{recipe.seed} {epoch}").shuffle(order)
        yield examples[order[index]]


def mean_loss(model: LoraDecoder, examples: Sequence[Example]) -> float:
    """The mean loss in nats per target token."""
    with torch.no_grad():
        total = sum(loss_of(model, example).item() for example in examples)
    return total / sum(len(example.targets) for example in examples)


def _checkpoint(
    folder: Path, recipe: Recipe, state: _State, parameters: Sequence[torch.Tensor], optimizer: torch.optim.Optimizer
) -> None:
    """Replaces the checkpoint atomically, so that a run killed while writing finds the previous one."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "state.partial"
    weights = [parameter.detach() for parameter in parameters]
    everything = {"recipe": asdict(recipe), "state": asdict(state), "weights": weights}
    torch.save({**everything, "optimizer": optimizer.state_dict()}, partial)
    partial.replace(folder / "state.pt")


def _resume(
    folder: Path, recipe: Recipe, parameters: Sequence[torch.Tensor], optimizer: torch.optim.Optimizer
) -> _State:
    file = folder / "state.pt"
    if not file.exists():
        return _State()
    saved = torch.load(file, weights_only=True)
    if saved["recipe"] != asdict(recipe):
        raise ModelError(f"{folder.parent} contains a run with another recipe; use another folder, or remove it")
    with torch.no_grad():
        for parameter, value in zip(parameters, saved["weights"], strict=True):
            parameter.copy_(value)
    optimizer.load_state_dict(saved["optimizer"])
    logger.info("resuming after step %d", saved["state"]["step"])
    return _State(**saved["state"])
