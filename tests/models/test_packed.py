import pytest
import torch
from torch import nn

from checkpoints import checkpoint
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines import packed
from nutgraf_models.engines.torch_engine import TorchEngine
from nutgraf_models.runtime import precision

pytestmark = pytest.mark.skipif(not packed.is_available(), reason="FBGEMM is for x86")


def pretend(monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    """Makes the processor one that has these flags, as far as the engine knows."""
    monkeypatch.setattr(precision, "_cpu_flags", lambda: frozenset(flags))


def load(kind: str) -> TorchEngine:
    folder = checkpoint(kind)
    return TorchEngine(find_card(str(folder)), folder)


def kinds_of_layers(model: nn.Module) -> set[type[nn.Module]]:
    return {type(module) for module in model.modules()}


# The most that rounding weights, or weights and products, to so many bits may change.
@pytest.mark.parametrize(("kind", "most"), [(packed.Float16Linear, 5e-4), (packed.BFloat16Linear, 5e-3)])
@pytest.mark.parametrize("shape", [(1, 40), (5, 40), (2, 300, 40)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_does_what_the_layer_did(kind, most, shape, bias):
    torch.manual_seed(0)
    layer = nn.Linear(40, 30, bias=bias)
    model = nn.Sequential(layer)
    packed.pack(model, bfloat16=model if kind is packed.BFloat16Linear else None)
    values = torch.randn(shape)
    with torch.inference_mode():
        expected, got = layer(values), model(values)
    assert isinstance(model[0], kind)
    assert got.shape == expected.shape
    assert got.dtype == torch.float32
    assert 0 < (got - expected).norm() / expected.norm() < most


def test_the_setting_for_quantized_layers_is_left_as_it_was():
    before = torch.backends.quantized.engine
    packed.pack(nn.Sequential(nn.Linear(4, 4)))
    assert torch.backends.quantized.engine == before


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus", "smollm"])
def test_an_engine_packs_every_linear_layer_where_bfloat16_is_slow(kind, monkeypatch):
    pretend(monkeypatch, "avx2")
    engine = load(kind)
    assert engine.precision == "float16"
    kinds = kinds_of_layers(engine._model)
    assert packed.Float16Linear in kinds
    assert not {nn.Linear, packed.BFloat16Linear} & kinds


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus"])
def test_an_encoder_computes_in_bfloat16_where_the_processor_does(kind, monkeypatch):
    pretend(monkeypatch, "avx2", "avx512_bf16")
    engine = load(kind)
    assert engine.precision == "bfloat16 and float16"
    encoder, decoder = engine._model.get_encoder(), engine._model.get_decoder()
    assert packed.BFloat16Linear in kinds_of_layers(encoder)
    assert packed.Float16Linear in kinds_of_layers(decoder)
    assert not {nn.Linear, packed.Float16Linear} & kinds_of_layers(encoder)
    assert not {nn.Linear, packed.BFloat16Linear} & kinds_of_layers(decoder)


def test_without_fbgemm_an_engine_computes_with_float32_weights(monkeypatch):
    pretend(monkeypatch, "avx2")
    monkeypatch.setattr(packed, "is_available", lambda: False)
    engine = load("bart")
    assert engine.precision == "float32"
    assert packed.Float16Linear not in kinds_of_layers(engine._model)
