"""Choice of device and precision."""

from pathlib import Path

import torch

# Instructions that make bfloat16 products faster than float32; without them, bfloat16 is several times slower.
_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def best_dtype(device: torch.device, family: str, *, packed: bool) -> torch.dtype:
    """The precision to load a model in: bfloat16 or float32.

    Args:
        family: the card's family.
        packed: whether linear layers of a float32 model will get packed weights (see `packed`). These decode faster
            than bfloat16. Decoder-only models also prefill with them, more slowly than bfloat16 on a CPU with AMX.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if packed:
        return torch.bfloat16 if family == "causal" and has_amx() else torch.float32
    return torch.bfloat16 if multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware."""
    return bool(_cpu_flags() & _BF16_FLAGS)


def has_amx() -> bool:
    """Whether the CPU has AMX for bfloat16, the fastest means of prefill."""
    return "amx_bf16" in _cpu_flags()


def multiplies_int8() -> bool:
    """Whether the CPU has 8-bit products (VNNI), as FBGEMM uses them: with sums in 32 bits."""
    return "avx512_vnni" in _cpu_flags()


def _cpu_flags() -> frozenset[str]:
    """The CPU's feature flags under Linux; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()
