"""Learning from pairs of answers, one right and one wrong (direct preference optimisation).

Rafailov et al. 2023, "Direct Preference Optimization: Your Language Model is Secretly a Reward Model". The right answer
is learned as any other besides, which keeps its own probability from falling (Pang et al. 2024, "Iterative Reasoning
Preference Optimization").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from nutgraf_models.training.decoder import LoraDecoder


@dataclass(frozen=True)
class Preference:
    """Positions of the tokens of two answers to one article: the right one and a wrong one.

    `reference` is the log odds, in nats, of the right answer over the wrong one under the model that training starts
    from.
    """

    chosen: list[int]
    rejected: list[int]
    reference: float = 0.0


@dataclass(frozen=True)
class Example:
    """Token ids of an article and its answers in a row, where each stands, and which are to be learned.

    `segments[i]` is 0 for the article and k for the k-th answer; `targets` are positions whose token is predicted.
    """

    tokens: list[int]
    positions: list[int]
    segments: list[int]
    targets: list[int]
    preferences: tuple[Preference, ...] = ()


def mask(segments: Sequence[int]) -> torch.Tensor:
    """Shape (tokens, tokens), true where a token (row) sees another (column)."""
    of = torch.tensor(segments)
    same = (of[:, None] == of[None, :]) | (of[None, :] == 0)
    return same & torch.ones(len(segments), len(segments), dtype=torch.bool).tril()


def measure(model: LoraDecoder, example: Example) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The summed cross entropy of the targets, and the log odds of each preference, in nats."""
    groups = [example.targets, *(half for one in example.preferences for half in (one.chosen, one.rejected))]
    places = [place for group in groups for place in group]
    losses = model.nll(example.tokens, example.positions, mask(example.segments), places)
    sums = [part.sum() for part in torch.split(losses, [len(group) for group in groups])]
    return sums[0], [wrong - right for right, wrong in zip(sums[1::2], sums[2::2], strict=True)]


def with_reference(model: LoraDecoder, example: Example) -> Example:
    """The example with the log odds that `model` gives its preferences now."""
    if not example.preferences:
        return example
    with torch.no_grad():
        _, odds = measure(model, example)
    measured = [replace(one, reference=value.item()) for one, value in zip(example.preferences, odds, strict=True)]
    return replace(example, preferences=tuple(measured))


def preference_loss(example: Example, odds: Sequence[torch.Tensor], beta: float) -> list[torch.Tensor]:
    """A loss for each preference: small where the odds have grown since the start, by more than about 1 / `beta`."""
    return [
        functional.softplus(-beta * (value - one.reference))
        for one, value in zip(example.preferences, odds, strict=True)
    ]
