"""Linear layers with weights in float16, for CPUs that multiply float32 best.

Arithmetic stays in float32. For the few rows that a model writes at a time, FBGEMM's product with weights that were
packed beforehand takes a tenth to a half of the time of PyTorch's own; for an article that is read about the same.
"""

from typing import Any

import torch
from torch import nn


def is_available() -> bool:
    """Whether this machine and this PyTorch have FBGEMM, which is for x86."""
    return "fbgemm" in torch.backends.quantized.supported_engines and hasattr(
        torch.ops.quantized, "linear_prepack_fp16"
    )


def pack(model: nn.Module) -> None:
    """Replaces each linear layer of a float32 model, the output projection included."""
    engine = torch.backends.quantized.engine
    # Weights are packed for the engine in use.
    torch.backends.quantized.engine = "fbgemm"
    try:
        for parent in list(model.modules()):
            for name, layer in parent.named_children():
                if isinstance(layer, nn.Linear):
                    setattr(parent, name, Float16Linear(layer))
    finally:
        torch.backends.quantized.engine = engine


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
