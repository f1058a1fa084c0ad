"""A training run: reads pairs, writes an adapter and its card."""

import datetime
import importlib.metadata
import json
import logging
import platform
import random
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.adapter import digest, rank_of
from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.errors import ModelError
from nutgraf_models.training.decoder import LoraDecoder
from nutgraf_models.training.pairs import Pair, count_answers, describe, read_pairs
from nutgraf_models.training.preferences import Example
from nutgraf_models.training.trainer import Recipe, encode, mean_loss, total_steps, train

logger = logging.getLogger(__name__)
_DEV_PAIRS = 80


def train_adapter(
    pairs_file: Path,
    dev_file: Path,
    output: Path,
    model: str,
    recipe: Recipe,
    *,
    start: Path | None = None,
    limit: int | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Trains, and writes `output/adapter` and `output/card.toml`; returns the report in `adapter/training.json`.

    `start`: the folder of an adapter to start from; its rank and alpha override the recipe's.

    Raises:
        ModelError: the model or the pairs are unusable, or `output` contains another run.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from nutgraf_models.runtime.precision import best_device, best_dtype

    if threads is not None:
        torch.set_num_threads(threads)
    card = find_card(model).model_copy(update={"adapter": None, "ranker": None})
    if card.family != "causal":
        raise ModelError(f"{card.id} is not a decoder-only model; training supports no other kind")
    folder = store.pull(card)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    end = _answer_end(card, tokenizer)

    def examples(pairs: list[Pair]) -> list[Example]:
        encoded = [encode(pair, card.prompt, tokenizer, end) for pair in pairs]
        return [example for example in encoded if len(example.tokens) <= recipe.max_tokens]

    pairs, dev_pairs = read_pairs(pairs_file), read_pairs(dev_file)
    shared = {pair.key for pair in pairs} & {pair.key for pair in dev_pairs}
    if shared:
        raise ModelError(f"{len(shared)} article(s) are in both {pairs_file.name} and {dev_file.name}")
    random.Random(recipe.seed).shuffle(pairs)
    random.Random(recipe.seed).shuffle(dev_pairs)
    pairs, dev_pairs = pairs[:limit], dev_pairs[:_DEV_PAIRS]
    training, dev = examples(pairs), examples(dev_pairs)
    if not training or not dev:
        raise ModelError("no training pair or no dev pair fits the maximum number of tokens")
    logger.info("%s; %d steps", describe(pairs), total_steps(len(training), recipe))

    torch.manual_seed(recipe.seed)
    base: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    base.to(best_device())
    if start is not None:
        rank, alpha = rank_of(start)
        recipe = replace(recipe, rank=rank, alpha=alpha, start=digest(start))
    dtype = best_dtype(base.device, card.family, packed=False)
    adapted = LoraDecoder(
        base, recipe.rank, recipe.alpha, dtype=dtype, seed=recipe.seed, round_inputs=recipe.round_inputs
    )
    if start is not None:
        adapted.load(start)
    del base
    before = mean_loss(adapted, dev) if not (output / "checkpoint").exists() else None
    state = train(adapted, training, dev, recipe, output)

    adapter = output / "adapter"
    shutil.copytree(output / "best", adapter, dirs_exist_ok=True)
    report: dict[str, Any] = {
        "base": {"source": card.source, "sha256": card.sha256},
        "pairs": {
            "articles": len(training),
            "short": count_answers(pairs, "short"),
            "long": count_answers(pairs, "long"),
        },
        "dev_pairs": len(dev),
        "recipe": asdict(recipe),
        "steps": total_steps(len(training), recipe),
        "best_step": state.best_step,
        "dev_loss_before": before,
        "dev_loss": state.best_loss,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "transformers")},
        "precision": str(dtype).removeprefix("torch."),
        "python": platform.python_version(),
    }
    (adapter / "training.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (output / "card.toml").write_text(_card_text(card, adapter, recipe.round_inputs), encoding="utf-8")
    return report


def _answer_end(card: Card, tokenizer: Any) -> int:
    """The token that ends an answer: the prompt template's end of turn, else the tokenizer's end of text."""
    turn_end = "<|im_end|>"
    return int(
        tokenizer.convert_tokens_to_ids(turn_end) if turn_end in card.prompt.after_short else tokenizer.eos_token_id
    )


def _card_text(card: Card, adapter: Path, round_inputs: int) -> str:
    """The card as TOML, with the `adapter` next to it. JSON strings, numbers and lists are valid TOML."""
    fields = card.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude={"scores", "adapter"})
    fields["adapter"] = {"folder": adapter.name, "sha256": digest(adapter)}
    if round_inputs:
        fields["adapter"]["round_inputs"] = round_inputs
    decoding = fields.pop("decoding")
    tables = {f"decoding.{length}": preset for length, preset in decoding.items()}
    tables |= {name: fields.pop(name) for name in ("prompt", "adapter") if name in fields}
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"
