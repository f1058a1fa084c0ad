"""Cross-attention in which the rows of an article share one copy of its keys and values.

The cross-attention of transformers needs as many rows of keys and values as of queries. Four beams of two lengths would
need eight copies of an article, and reading these in each step would cost more than reading half of the weights.
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

# The `attn_implementation` to load a model with. Its `forward` then accepts `grid`.
NAME = "nutgraf_shared"


@dataclass(frozen=True)
class Grid:
    """A layout of rows in a flattened grid [articles, width]. `indices`, [rows], are their indices in it."""

    indices: torch.Tensor
    width: int


def grid(owners: Sequence[int], device: torch.device) -> Grid:
    """The grid for rows of the articles `owners`, which are numbered from 0 in the order of the rows."""
    width = max(Counter(owners).values())
    indices = [owner * width + row for owner, rows in groupby(owners) for row, _ in enumerate(rows)]
    return Grid(torch.tensor(indices, device=device), width)


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
    """The attention of transformers if each row has its own keys; its equivalent if rows share them.

    Args:
        query: [rows, heads, 1, width].
        key, value: [articles, heads, positions, width].
        attention_mask: [articles, 1, 1, positions], false for padding; None without padding.
        position_bias: ignored for shared keys: it is zero there, because only self-attention has a bias.
        grid: the article of each row; required if an article has several rows.

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
    queries[grid.indices] = query[:, :, 0]
    queries = queries.view(articles, grid.width, heads, width).transpose(1, 2)
    output = nn.functional.scaled_dot_product_attention(queries, key, value, attn_mask=attention_mask, scale=scaling)
    return output.transpose(1, 2).reshape(articles * grid.width, 1, heads, width)[grid.indices], None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
