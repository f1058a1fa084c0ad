"""Attention to shared keys and values equals attention to copies for each row."""

import pytest
import torch
from torch import nn

from checkpoints import checkpoint
from nutgraf_models.checkpoints.card import Decoding
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines.base import GenerationRequest, Row
from nutgraf_models.engines.shared_attention import attend, grid
from nutgraf_models.engines.torch_engine import TorchEngine
from nutgraf_models.lengths import Length
from support.stories import run, stories

CPU = torch.device("cpu")
HEADS, POSITIONS, WIDTH = 2, 7, 4


@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
@pytest.mark.parametrize("owners", [[0, 0, 0], [0, 1, 2], [0, 0, 1, 1], [0, 1, 1, 1, 1, 2, 2], [0, 0, 0, 1]])
def test_shared_keys_give_the_same_output_as_copies(owners, padded):
    torch.manual_seed(0)
    articles = max(owners) + 1
    query = torch.randn(len(owners), HEADS, 1, WIDTH)
    key, value = torch.randn(2, articles, HEADS, POSITIONS, WIDTH)
    mask = torch.rand(articles, 1, 1, POSITIONS) < 0.7 if padded else None
    if mask is not None:
        mask[..., 0] = True
    copied = (key[owners], value[owners], None if mask is None else mask[owners])
    expected = nn.functional.scaled_dot_product_attention(query, *copied, scale=0.3).transpose(1, 2)
    bias = torch.zeros(1, HEADS, 1, POSITIONS)
    shared, _ = attend(
        nn.Module(), query, key, value, mask, scaling=0.3, position_bias=bias, grid=grid(owners, CPU), is_causal=False
    )
    torch.testing.assert_close(shared, expected)


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus"])
def test_beams_and_lengths_share_an_articles_keys(kind):
    folder = checkpoint(kind)
    engine = TorchEngine(find_card(str(folder)), folder)
    kept = set()

    def look(_module: nn.Module, _args: object, _output: object) -> None:
        for batch in engine._batches:
            layers = batch.rows._cache.cross_attention_cache.layers
            kept.update(len(layer.keys) for layer in layers)

    engine._model.get_decoder().register_forward_hook(look)
    beams = Row(Length.LONG, Decoding(max_new_tokens=20, num_beams=4), 10)
    greedy = Row(Length.SHORT, Decoding(max_new_tokens=8), 10)
    run(engine, *(GenerationRequest(" ".join(one), (beams, greedy)) for one in stories(3, seed=1)))
    assert max(kept) == 3
