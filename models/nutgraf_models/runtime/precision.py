"""What to compute on and in."""

from pathlib import Path

import torch

# The instructions that make bfloat16 products faster than float32 ones. Without them it is several times slower.
_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def best_dtype(device: torch.device, family: str, *, packed: bool) -> torch.dtype:
    """What to load a model in: bfloat16 or float32.

    Args:
        family: the card's.
        packed: whether linear layers of a float32 model will get packed weights (see `packed`). They write faster than
            bfloat16 does. A decoder-only model also reads with them, for which AMX alone makes up.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if packed:
        return torch.bfloat16 if family == "causal" and has_amx() else torch.float32
    return torch.bfloat16 if multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether this processor does so in hardware."""
    return bool(_cpu_flags() & _BF16_FLAGS)


def has_amx() -> bool:
    """Whether this processor multiplies whole tiles, in bfloat16: a prompt is read faster than by any other means."""
    return "amx_bf16" in _cpu_flags()


def multiplies_int8() -> bool:
    """Whether this processor has those products of 8 bits that FBGEMM uses. Without them its sums overflow."""
    return "avx512_vnni" in _cpu_flags()


def _cpu_flags() -> frozenset[str]:
    """The processor's feature flags as Linux names them; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()
