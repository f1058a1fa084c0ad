import pytest
import torch
from torch import nn

from checkpoints import checkpoint
from nutgraf_models.cards import find_card
from nutgraf_models.engines import float16, precision
from nutgraf_models.engines.torch_engine import TorchEngine

pytestmark = pytest.mark.skipif(not float16.is_available(), reason="FBGEMM is for x86")


@pytest.mark.parametrize("shape", [(1, 40), (5, 40), (2, 300, 40)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_does_what_the_layer_did(shape, bias):
    torch.manual_seed(0)
    layer = nn.Linear(40, 30, bias=bias)
    packed = nn.Sequential(layer)
    float16.pack(packed)
    values = torch.randn(shape)
    with torch.inference_mode():
        expected, got = layer(values), packed(values)
    assert isinstance(packed[0], float16.Float16Linear)
    assert got.shape == expected.shape
    assert got.dtype == torch.float32
    # Not in float32, and as near as float16 is.
    assert 0 < (got - expected).norm() / expected.norm() < 5e-4


def test_the_setting_for_quantized_layers_is_left_as_it_was():
    before = torch.backends.quantized.engine
    float16.pack(nn.Sequential(nn.Linear(4, 4)))
    assert torch.backends.quantized.engine == before


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus", "smollm"])
def test_an_engine_packs_every_linear_layer_where_bfloat16_is_slow(kind, monkeypatch):
    monkeypatch.setattr(precision, "_cpu_flags", lambda: frozenset({"avx2"}))
    folder = checkpoint(kind)
    engine = TorchEngine(find_card(str(folder)), folder)
    assert engine.precision == "float16"
    kinds = {type(module) for module in engine._model.modules()}
    assert float16.Float16Linear in kinds
    assert nn.Linear not in kinds


def test_without_fbgemm_an_engine_computes_with_float32_weights(monkeypatch):
    monkeypatch.setattr(precision, "_cpu_flags", lambda: frozenset({"avx2"}))
    monkeypatch.setattr(float16, "is_available", lambda: False)
    folder = checkpoint("bart")
    engine = TorchEngine(find_card(str(folder)), folder)
    assert engine.precision == "float32"
    assert float16.Float16Linear not in {type(module) for module in engine._model.modules()}
