"""Linear layers with packed weights, for float32 models on CPUs.

FBGEMM multiplies by prepacked float16 weights, with float32 arithmetic, in a tenth to half of the time of PyTorch's
float32 product. On CPUs with 8-bit products, its 8-bit product takes a third to half of that again, but also rounds the
activations.
"""

import warnings
from typing import Any

import torch
from torch import nn

_TINY = 1e-12


def is_available() -> bool:
    """Whether FBGEMM is available, which needs an x86 CPU and a PyTorch that includes it."""
    return "fbgemm" in torch.backends.quantized.supported_engines and hasattr(
        torch.ops.quantized, "linear_prepack_fp16"
    )


def has_int8() -> bool:
    """Whether this PyTorch can quantise weights for `Int8Linear`; it has announced the removal of this function."""
    return is_available() and hasattr(torch, "quantize_per_channel")


def pack(model: nn.Module, kind: "type[Float16Linear | Int8Linear | BFloat16Linear]") -> None:
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

    Weights have a scale for each output, and activations a scale for each token. The layer of PyTorch has one scale for
    a whole batch: a large number in one token would reduce the precision of all others, and the result of a row would
    depend on the rest of the batch.
    """

    weight = None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        scales = weight.abs().amax(dim=1).double().clamp(min=_TINY) / 127
        with warnings.catch_warnings():
            # PyTorch warns of the planned removal (see `has_int8`).
            warnings.simplefilter("ignore", UserWarning)
            zeros = torch.zeros_like(scales, dtype=torch.long)
            quantized = torch.quantize_per_channel(weight, scales, zeros, axis=0, dtype=torch.qint8)
        self._packed: Any = torch.ops.quantized.linear_prepack(quantized, None)
        self._bias = None if linear.bias is None else linear.bias.detach()
        # FBGEMM derives its scale from the minimum and maximum of all rows. This additional row makes them -1 and 1.
        self._range = torch.zeros(linear.in_features)
        self._range[0], self._range[-1] = 1.0, -1.0

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        rows = values.flatten(end_dim=-2)
        largest = torch.maximum(rows.amax(dim=-1, keepdim=True), -rows.amin(dim=-1, keepdim=True)).clamp_(min=_TINY)
        scaled = rows.new_empty(len(rows) + 1, rows.shape[1])
        torch.div(rows, largest, out=scaled[:-1])
        scaled[-1] = self._range
        product: torch.Tensor = torch.ops.quantized.linear_dynamic(scaled, self._packed, False)[:-1].mul_(largest)
        if self._bias is not None:
            product.add_(self._bias)
        return product.view(*values.shape[:-1], product.shape[-1])


class BFloat16Linear(nn.Module):
    """A linear layer from and to float32, [..., in] to [..., out], whose product is computed in bfloat16."""

    weight = None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._weight = linear.weight.detach().bfloat16()
        self._bias = None if linear.bias is None else linear.bias.detach().bfloat16()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(values.bfloat16(), self._weight, self._bias).float()
