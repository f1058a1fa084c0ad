import pytest
import torch
from torch import nn

from checkpoints import checkpoint
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines import packed, torch_engine
from nutgraf_models.engines.torch_engine import TorchEngine

pytestmark = pytest.mark.skipif(not packed.is_available(), reason="FBGEMM is for x86")


def load(kind: str) -> TorchEngine:
    folder = checkpoint(kind)
    return TorchEngine(find_card(str(folder)), folder)


# The maximum relative error of rounding the weights, or the weights and activations.
@pytest.mark.parametrize(
    ("kind", "max_error"), [(packed.Float16Linear, 5e-4), (packed.BFloat16Linear, 5e-3), (packed.Int8Linear, 2e-2)]
)
@pytest.mark.parametrize("shape", [(1, 40), (5, 40), (2, 300, 40)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_has_nearly_the_same_output(kind, max_error, shape, bias):
    torch.manual_seed(0)
    layer = nn.Linear(40, 30, bias=bias)
    model = nn.Sequential(layer)
    packed.pack(model, kind)
    values = torch.randn(shape)
    with torch.inference_mode():
        expected, got = layer(values), model(values)
    assert isinstance(model[0], kind)
    assert got.shape == expected.shape
    assert got.dtype == torch.float32
    assert 0 < (got - expected).norm() / expected.norm() < max_error


def test_large_numbers_in_a_token_do_not_affect_other_tokens_in_8_bits():
    """The results are equal to the last bit, whatever the other tokens."""
    torch.manual_seed(0)
    layer = nn.Linear(40, 30)
    model = nn.Sequential(layer)
    packed.pack(model, packed.Int8Linear)
    small, large = torch.randn(1, 40), 1000 * torch.randn(3, 40)
    with torch.inference_mode():
        alone, together = model(small), model(torch.cat([small, large]))[:1]
        expected = layer(small)
    assert torch.equal(alone, together)
    assert (together - expected).norm() / expected.norm() < 2e-2


def test_in_8_bits_numbers_of_one_sign_have_all_steps():
    torch.manual_seed(0)
    layer = nn.Linear(400, 30)
    # These weights lose nothing.
    largest = packed.largest_weight()
    layer.weight.data = torch.randint(-largest, largest + 1, (30, 400)).float()
    layer.weight.data[:, 0] = largest
    model = nn.Sequential(layer)
    packed.pack(model, packed.Int8Linear)
    values = torch.randn(50, 400).relu()
    with torch.inference_mode():
        expected, got = layer(values), model(values)
    assert (got - expected).norm() / expected.norm() < 5e-3


def layer_with_a_large_channel() -> tuple[nn.Linear, torch.Tensor]:
    """And what it multiplies."""
    torch.manual_seed(0)
    values = torch.randn(50, 400)
    values[:, 7] = 30 + 10 * values[:, 7]
    return nn.Linear(400, 30), values


def test_in_8_bits_a_channel_seen_to_be_large_leaves_the_others_their_precision():
    layer, values = layer_with_a_large_channel()
    model, unseen = nn.Sequential(layer), nn.Sequential(layer)
    channels = packed.observe(model, lambda: model(values))[layer]
    packed.pack(model, lambda one: packed.Int8Linear(one, channels))
    packed.pack(unseen, packed.Int8Linear)
    new = values + torch.randn(50, 400) / 10
    with torch.inference_mode():
        expected = layer(new)
        error, unseen_error = ((one(new) - expected).norm() / expected.norm() for one in (model, unseen))
    assert error < unseen_error * 42 / packed.largest_weight()


def test_in_8_bits_a_channel_seen_idle_may_still_wake():
    layer, values = layer_with_a_large_channel()
    model = nn.Sequential(layer)
    idle = values.clone()
    idle[:, 100:] = 0
    channels = packed.observe(model, lambda: model(idle))[layer]
    packed.pack(model, lambda one: packed.Int8Linear(one, channels))
    with torch.inference_mode():
        expected, got = layer(values), model(values)
    assert (got - expected).norm() / expected.norm() < 1.27 / packed.largest_weight()


def test_observing_leaves_nothing_behind():
    layer = nn.Linear(4, 4)
    packed.observe(layer, lambda: layer(torch.ones(1, 4)))
    assert not layer._forward_pre_hooks


def test_zeros_in_8_bits_give_the_bias():
    layer = nn.Linear(40, 30)
    model = nn.Sequential(layer)
    packed.pack(model, packed.Int8Linear)
    with torch.inference_mode():
        assert torch.allclose(model(torch.zeros(2, 40)), layer.bias.expand(2, -1))


def test_packing_in_8_bits_emits_no_warning(recwarn):
    packed.pack(nn.Sequential(nn.Linear(4, 4)), packed.Int8Linear)
    assert not recwarn.list


def test_packing_restores_the_engine_for_quantized_layers():
    before = torch.backends.quantized.engine
    packed.pack(nn.Sequential(nn.Linear(4, 4)), packed.Float16Linear)
    assert torch.backends.quantized.engine == before


def layers(model: nn.Module) -> set[type[nn.Module]]:
    """The kinds of linear layers in a model."""
    linear = {nn.Linear, packed.Float16Linear, packed.BFloat16Linear, packed.Int8Linear}
    return {type(module) for module in model.modules()} & linear


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus", "smollm"])
def test_an_engine_packs_every_linear_layer(kind, set_cpu_flags):
    set_cpu_flags("avx2")
    engine = load(kind)
    assert engine.precision == "float16"
    assert layers(engine._model) == {packed.Float16Linear}


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus"])
@pytest.mark.parametrize(("flags", "finer"), [((), packed.Float16Linear), (("avx512_bf16",), packed.BFloat16Linear)])
def test_an_encoder_decoder_computes_in_8_bits_if_the_cpu_supports_it(kind, flags, finer, set_cpu_flags, monkeypatch):
    """Except for the encoder's first layers."""
    monkeypatch.setattr(torch_engine, "_FINER_LAYERS", 1)
    set_cpu_flags("avx2", "avx512_vnni", *flags)
    engine = load(kind)
    encoder = engine._model.get_encoder()
    first, *others = encoder.block if kind == "t5" else encoder.layers
    assert engine.precision == "int8"
    assert layers(first) == {finer}
    assert [layers(one) for one in others] == [{packed.Int8Linear}] * len(others)
    assert layers(engine._model.get_decoder()) == {packed.Int8Linear}


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus"])
def test_with_amx_an_encoder_computes_in_bfloat16(kind, set_cpu_flags):
    set_cpu_flags("avx2", "avx512_vnni", "avx512_bf16", "amx_bf16")
    engine = load(kind)
    assert engine.precision == "bfloat16 and int8"
    assert layers(engine._model.get_encoder()) == {packed.BFloat16Linear}
    assert layers(engine._model.get_decoder()) == {packed.Int8Linear}


def test_a_decoder_only_model_keeps_float16(set_cpu_flags):
    set_cpu_flags("avx2", "avx512_vnni")
    engine = load("smollm")
    assert layers(engine._model) == {packed.Float16Linear}


def test_without_8_bit_weights_in_pytorch_float16_is_used(monkeypatch, set_cpu_flags):
    set_cpu_flags("avx2", "avx512_vnni")
    monkeypatch.delattr(torch, "quantize_per_channel")
    engine = load("bart")
    assert layers(engine._model) == {packed.Float16Linear}


def test_without_fbgemm_weights_are_float32(monkeypatch, set_cpu_flags):
    set_cpu_flags("avx2")
    monkeypatch.setattr(packed, "is_available", lambda: False)
    engine = load("bart")
    assert engine.precision == "float32"
    assert layers(engine._model) == {nn.Linear}
