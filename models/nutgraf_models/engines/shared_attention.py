"""Attention of several rows to keys and values that are there once: a decoder's rows to their articles.

transformers has a decoder's cross-attention read keys and values of as many rows as there are queries. Four beams of
two lengths would be eight copies of an article, which cost more to read in each step than half of the weights.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

# For `attn_implementation` when a model is loaded. Its `forward` then takes `grid`.
NAME = "nutgraf_shared"


@dataclass(frozen=True)
class Grid:
    """Where rows are in [articles, `width`], flattened: `places`, [rows]."""

    places: torch.Tensor
    width: int


def grid(owners: Sequence[int], device: torch.device) -> Grid:
    """The grid of rows whose articles are `owners`: numbers from nought, in the order of their rows."""
    width = max(Counter(owners).values())
    places = [owner * width + row for owner, rows in groupby(owners) for row, _ in enumerate(rows)]
    return Grid(torch.tensor(places, device=device), width)


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    position_bias: torch.Tensor | None = None,
    grid: Grid | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' own attention where there are keys for each row, and the same where there are not.

    Args:
        query: [rows, heads, 1, width].
        key, value: [articles, heads, positions, width].
        attention_mask: [articles, 1, 1, positions], false for padding; None where there is none.
        position_bias: zeros where keys are shared, as only self-attention has one.
        grid: which rows are of which article. Needed where an article has several.

    Returns:
        [rows, 1, heads, width].
    """
    if len(query) == len(key):
        attended: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, position_bias=position_bias, **rest
        )
        return attended
    assert grid is not None
    articles, heads, _, width = key.shape
    queries = query.new_zeros(articles * grid.width, heads, width)
    queries[grid.places] = query[:, :, 0]
    queries = queries.view(articles, grid.width, heads, width).transpose(1, 2)
    output = nn.functional.scaled_dot_product_attention(queries, key, value, attn_mask=attention_mask, scale=scaling)
    return output.transpose(1, 2).reshape(articles * grid.width, 1, heads, width)[grid.places], None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
