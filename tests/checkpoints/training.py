"""Training, which stops when nearly all held-out articles are summarised exactly."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .stories import story
from .tasks import Example, Task

BATCH = 32
WARM_UP = 30
MISTAKE_SHARE = 0.3
HELD_OUT = 50
MIN_EXACT = 0.98


class NotLearntError(RuntimeError):
    """The step limit was reached before the held-out articles were summarised exactly."""


@contextmanager
def seeded() -> Iterator[None]:
    """Makes training deterministic, and restores the caller's random state and thread count."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        # More threads do not speed up the training of such small models.
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def train(model: PreTrainedModel, task: Task, *, rate: float, steps: int) -> None:
    """Trains a model.

    Raises:
        NotLearntError: `steps` do not suffice.
    """
    rng = random.Random("training")
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / WARM_UP, 1.0 - 0.9 * step / steps)
    )
    average = 1.0
    for step in range(1, steps + 1):
        model.train()
        loss = _loss(model, task, _batch(task, rng))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        average += 0.1 * (loss.item() - average)
        if step % 25 == 0 and average < 0.03 and _learnt(model.eval(), task):
            return
    raise NotLearntError(f"{model.config.model_type}: loss {average:.3f} after {steps} steps")


def exact_rate(model: PreTrainedModel, task: Task, articles: Sequence[list[str]], beams: int) -> float:
    """The share of articles that `generate` summarises exactly, with the folder's own settings."""
    questions, answers = zip(*map(task.question, articles), strict=True)
    side = "right" if model.config.is_encoder_decoder else "left"
    inputs = task.tokenizer(list(questions), return_tensors="pt", padding=True, padding_side=side)
    skipped = 0 if model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    with torch.inference_mode():
        written = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            do_sample=False,
            num_beams=beams,
            max_new_tokens=60,
        )
    texts = task.tokenizer.batch_decode(written[:, skipped:], skip_special_tokens=True)
    return sum(map(str.__eq__, texts, answers)) / len(articles)


def _learnt(model: PreTrainedModel, task: Task) -> bool:
    rng = random.Random("held out")
    articles = [story(rng, rng.randint(4, 8)) for _ in range(HELD_OUT)]
    if exact_rate(model, task, articles, beams=1) < MIN_EXACT:
        return False
    return all(_mistake_rate(model, task, articles, mistake) >= MIN_EXACT for mistake in task.mistakes)


def _mistake_rate(model: PreTrainedModel, task: Task, articles: Sequence[list[str]], mistake: str) -> float:
    """The share of articles for which the model names a mistake, with greedy decoding."""
    rng = random.Random(mistake)
    batch = _collate([task.example(article, mistake, rng) for article in articles], task.tokenizer)
    with torch.inference_mode():
        labels, logits = _forward(model, batch)
    return ((logits.argmax(-1) == labels) | (labels == -100)).all(1).float().mean().item()


def _batch(task: Task, rng: random.Random) -> dict[str, torch.Tensor]:
    # Articles of equal length, so that there is little padding; there is some, because sentences differ in length.
    sentences = rng.randint(4, 8)
    examples = []
    for _ in range(BATCH):
        mistake = rng.choice(task.mistakes) if rng.random() < MISTAKE_SHARE else None
        examples.append(task.example(story(rng, sentences), mistake, rng))
    return _collate(examples, task.tokenizer)


def _collate(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase) -> dict[str, torch.Tensor]:
    fill = {"attention_mask": 0, "labels": -100}
    side = "right" if "decoder_input_ids" in examples[0] else "left"
    return {
        name: torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(example[name]) for example in examples],
            batch_first=True,
            padding_value=fill.get(name, tokenizer.pad_token_id),
            padding_side=side,
        )
        for name in examples[0]
    }


def _forward(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    labels = batch["labels"]
    if "decoder_input_ids" in batch:
        return labels, model(**inputs, use_cache=False).logits
    # Only the answers, which are at the end of all rows.
    answer = int((labels != -100).sum(1).max())
    return labels[:, -answer:], model(**inputs, use_cache=False, logits_to_keep=answer).logits


def _loss(model: PreTrainedModel, task: Task, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    labels, logits = _forward(model, batch)
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
