"""Linear layers of 16-bit weights, for CPUs, in models that stay in float32 otherwise.

Those that write are given few rows at a time. FBGEMM's product with float16 weights that were packed beforehand takes a
tenth to a half of the time of PyTorch's own in float32, and its arithmetic is float32. An encoder is given all tokens
of an article at once, which is work for the processor's bfloat16 products where it has them.
"""

from typing import Any

import torch
from torch import nn


def is_available() -> bool:
    """Whether this machine and this PyTorch have FBGEMM, which is for x86."""
    return "fbgemm" in torch.backends.quantized.supported_engines and hasattr(
        torch.ops.quantized, "linear_prepack_fp16"
    )


def pack(model: nn.Module, bfloat16: nn.Module | None = None) -> None:
    """Replaces each linear layer of a float32 model, the output projection included.

    Weights become float16; those in `bfloat16`, a part of the model, become that.
    """
    if bfloat16 is not None:
        _replace(bfloat16, BFloat16Linear)
    engine = torch.backends.quantized.engine
    # Weights are packed for the engine in use.
    torch.backends.quantized.engine = "fbgemm"
    try:
        _replace(model, Float16Linear)
    finally:
        torch.backends.quantized.engine = engine


def _replace(model: nn.Module, kind: "type[Float16Linear | BFloat16Linear]") -> None:
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.Linear):
                setattr(parent, name, kind(layer))


class Float16Linear(nn.Module):
    """A linear layer from and to float32, [..., in] to [..., out]."""

    # Some models look at a layer's weight for its type; there is none to convert to.
    weight = None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        bias = None if linear.bias is None else linear.bias.detach()
        self._packed: Any = torch.ops.quantized.linear_prepack_fp16(linear.weight.detach(), bias)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16(values, self._packed)
        return product


class BFloat16Linear(nn.Module):
    """A linear layer from and to float32, [..., in] to [..., out], whose product is computed in bfloat16."""

    weight = None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._weight = linear.weight.detach().bfloat16()
        self._bias = None if linear.bias is None else linear.bias.detach().bfloat16()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(values.bfloat16(), self._weight, self._bias).float()
