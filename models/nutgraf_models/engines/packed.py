"""Linear layers with packed weights, for float32 models on CPUs.

FBGEMM multiplies by prepacked float16 weights, with float32 arithmetic, in a tenth to half of the time of PyTorch's
float32 product. On CPUs with 8-bit products, its 8-bit product takes a third to half of that again, but also rounds the
activations.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nutgraf_models.runtime import precision

_TINY = 1e-12


def is_available() -> bool:
    """Whether FBGEMM is available, which needs an x86 CPU and a PyTorch that includes it."""
    return "fbgemm" in torch.backends.quantized.supported_engines and hasattr(
        torch.ops.quantized, "linear_prepack_fp16"
    )


def has_int8() -> bool:
    """Whether this PyTorch can quantise weights for `Int8Linear`; it has announced the removal of this function."""
    return is_available() and hasattr(torch, "quantize_per_channel")


def largest_weight() -> int:
    """The largest weight of an `Int8Linear`, in steps.

    Without VNNI, FBGEMM adds pairs of products in 16 bits, which overflow unless the weights have only 7 bits.
    """
    return 127 if precision.multiplies_int8() else 63


@dataclass(frozen=True)
class Channels:
    """Statistics of a linear layer's input, [in]: each channel's mean, and its largest distance from the mean."""

    mean: torch.Tensor
    reach: torch.Tensor


def observe(model: nn.Module, run: Callable[[], object]) -> dict[nn.Module, Channels]:
    """Statistics of the linear layers' inputs while `run` calls the model; of several calls, the last one's."""
    seen: dict[nn.Module, Channels] = {}

    def record(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        rows = inputs[0].flatten(end_dim=-2)
        mean = rows.mean(dim=0)
        seen[layer] = Channels(mean, torch.maximum(rows.amax(dim=0) - mean, mean - rows.amin(dim=0)))

    hooks = [layer.register_forward_pre_hook(record) for layer in model.modules() if isinstance(layer, nn.Linear)]
    try:
        with torch.inference_mode():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def pack(model: nn.Module, kind: "Callable[[nn.Linear], Float16Linear | Int8Linear | BFloat16Linear]") -> None:
    """Replaces all linear layers of a float32 model, or of a part of it, that have not been replaced yet."""
    engine = torch.backends.quantized.engine
    # Weights are packed for the current engine.
    torch.backends.quantized.engine = "fbgemm"
    try:
        for parent in list(model.modules()):
            for name, layer in parent.named_children():
                if isinstance(layer, nn.Linear):
                    setattr(parent, name, kind(layer))
    finally:
        torch.backends.quantized.engine = engine


class Float16Linear(nn.Module):
    """A linear layer from and to float32, [..., in] to [..., out]."""

    # Some models convert activations to the type of a layer's weight, unless it is None.
    weight = None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        bias = None if linear.bias is None else linear.bias.detach()
        self._packed: Any = torch.ops.quantized.linear_prepack_fp16(linear.weight.detach(), bias)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16(values, self._packed)
        return product


class Int8Linear(nn.Module):
    """A linear layer from and to float32, [..., in] to [..., out], whose product is computed in 8 bits.

    Weights have a scale for each output. Inputs have a range for each token, from its smallest number to its largest,
    in 256 steps; a symmetric range would waste half of them on the output of activation functions, nearly all of it
    positive. PyTorch's own layer has one range for a whole batch: a large number in one token would take the others'
    precision, and a row's result would depend on its neighbours.

    Args:
        channels: statistics of typical inputs. In a few channels of a model, numbers are always far larger than in the
            others, or far from zero, and would leave the others few of the steps. So each channel's mean is subtracted
            and added to the bias, and large channels are scaled down and their weights up. This affects nothing but
            rounding, so rough statistics are enough.
    """

    weight = None

    def __init__(self, linear: nn.Linear, channels: Channels | None = None) -> None:
        super().__init__()
        weight = linear.weight.detach()
        bias = weight.new_zeros(len(weight)) if linear.bias is None else linear.bias.detach()
        self._factors: torch.Tensor | None = None
        if channels is not None:
            self._factors = _factors(weight, channels)
            self._offsets = -channels.mean * self._factors
            bias = bias + weight @ channels.mean
            weight = weight / self._factors
        scales = weight.abs().amax(dim=1).double().clamp(min=_TINY) / largest_weight()
        with warnings.catch_warnings():
            # PyTorch warns of the planned removal (see `has_int8`).
            warnings.simplefilter("ignore", UserWarning)
            zeros = torch.zeros_like(scales, dtype=torch.long)
            quantized = torch.quantize_per_channel(weight, scales, zeros, axis=0, dtype=torch.qint8)
        self._packed: Any = torch.ops.quantized.linear_prepack(quantized, None)
        # The sum of each output's weights, which restores the product of the smallest number that `forward` subtracts.
        self._sums = quantized.dequantize().sum(dim=1)
        self._bias = bias
        # FBGEMM derives its scale from the minimum and maximum of all rows. This additional row makes them 0 and 1.
        self._range = torch.zeros(linear.in_features)
        self._range[0] = 1.0

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        rows = values.flatten(end_dim=-2)
        if self._factors is not None:
            rows = torch.addcmul(self._offsets, rows, self._factors)
        # `aminmax` takes twenty times as long as both.
        least, largest = rows.amin(dim=-1, keepdim=True), rows.amax(dim=-1, keepdim=True)
        span = largest.sub_(least).clamp_(min=_TINY)
        scaled = rows.new_empty(len(rows) + 1, rows.shape[1])
        torch.sub(rows, least, out=scaled[:-1]).div_(span)
        scaled[-1] = self._range
        product = torch.ops.quantized.linear_dynamic(scaled, self._packed, False)[:-1]
        result = torch.addcmul(self._bias, least, self._sums).addcmul_(product, span)
        return result.view(*values.shape[:-1], result.shape[-1])


def _factors(weight: torch.Tensor, channels: Channels) -> torch.Tensor:
    """The factor of each channel, at most 1 (Xiao et al. 2023, "SmoothQuant").

    The square root moves half of the difference to the weights, which are rounded too.
    """
    # A channel with a small reach may only have been idle in the sample, so it counts as average.
    reach = torch.maximum(channels.reach, channels.reach.mean()).clamp(min=_TINY)
    ratios = (weight.abs().amax(dim=0).clamp(min=_TINY) / reach).sqrt()
    return (ratios / ratios.median()).clamp(max=1)


class BFloat16Linear(nn.Module):
    """A linear layer from and to float32, [..., in] to [..., out], whose product is computed in bfloat16."""

    weight = None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._weight = linear.weight.detach().bfloat16()
        self._bias = None if linear.bias is None else linear.bias.detach().bfloat16()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(values.bfloat16(), self._weight, self._bias).float()
