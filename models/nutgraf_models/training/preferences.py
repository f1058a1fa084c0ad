"""Direct preference optimisation on pairs of a right and a wrong answer.

Rafailov et al. 2023, "Direct Preference Optimization: Your Language Model is Secretly a Reward Model". The right answer
also contributes its cross entropy, which keeps its probability from falling (Pang et al. 2024, "Iterative Reasoning
Preference Optimization").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from nutgraf_models.training.decoder import LoraDecoder


@dataclass(frozen=True)
class Preference:
    """Token indexes of a right (`chosen`) and a wrong (`rejected`) answer to one article.

    `reference`: the log odds, in nats, of the right answer over the wrong one under the initial model.
    """

    chosen: list[int]
    rejected: list[int]
    reference: float = 0.0


@dataclass(frozen=True)
class Example:
    """The concatenated tokens of an article and its answers, with their positions and training targets.

    `segments[i]` is 0 for the article and k for the k-th answer; `targets` are the indexes of predicted tokens.
    `openings`: those of `targets` that begin an answer, and so decide what it is about.
    """

    tokens: list[int]
    positions: list[int]
    segments: list[int]
    targets: list[int]
    openings: frozenset[int] = frozenset()
    preferences: tuple[Preference, ...] = ()

    def weights(self, opening_weight: float) -> torch.Tensor:
        """The weight of each target in the loss, shape (targets)."""
        return torch.tensor([opening_weight if index in self.openings else 1.0 for index in self.targets])


def mask(segments: Sequence[int]) -> torch.Tensor:
    """The attention mask, shape (tokens, tokens): true where a token (row) attends to another (column)."""
    ids = torch.tensor(segments)
    is_visible = (ids[:, None] == ids[None, :]) | (ids[None, :] == 0)
    return is_visible & torch.ones(len(segments), len(segments), dtype=torch.bool).tril()


def measure(
    model: LoraDecoder, example: Example, opening_weight: float = 1.0
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The weighted sum of the targets' cross entropy, and the log odds of each preference, in nats."""
    groups = [example.targets]
    for preference in example.preferences:
        groups += [preference.chosen, preference.rejected]
    targets = [index for group in groups for index in group]
    losses = model.nll(example.tokens, example.positions, mask(example.segments), targets)
    answers, *others = torch.split(losses, [len(group) for group in groups])
    sums = [part.sum() for part in others]
    weighted = (answers * example.weights(opening_weight).to(answers.device)).sum()
    return weighted, [wrong - right for right, wrong in zip(sums[::2], sums[1::2], strict=True)]


def with_reference(model: LoraDecoder, example: Example) -> Example:
    """The example with the log odds of its preferences under `model` as references."""
    if not example.preferences:
        return example
    with torch.no_grad():
        _, odds = measure(model, example)
    measured = [
        replace(preference, reference=value.item()) for preference, value in zip(example.preferences, odds, strict=True)
    ]
    return replace(example, preferences=tuple(measured))


def preference_loss(example: Example, odds: Sequence[torch.Tensor], beta: float) -> list[torch.Tensor]:
    """The loss of each preference: small once its log odds exceed the reference by more than about 1 / `beta`."""
    return [
        functional.softplus(-beta * (value - preference.reference))
        for preference, value in zip(example.preferences, odds, strict=True)
    ]
