"""The precision for a model, by CPU flags."""

import pytest
import torch

from nutgraf_models.runtime import precision

CPU = torch.device("cpu")
AVX2 = {"avx2", "fma"}
AVX512 = AVX2 | {"avx512f", "avx512_bf16"}
AMX = AVX512 | {"amx_tile", "amx_bf16"}
ARM = {"asimd", "bf16"}


@pytest.mark.parametrize(
    ("flags", "family", "packed", "dtype"),
    [
        (AVX2, "causal", True, torch.float32),
        (AVX2, "causal", False, torch.float32),
        (AVX512, "causal", True, torch.float32),
        (AVX512, "causal", False, torch.bfloat16),
        (AVX512, "seq2seq", True, torch.float32),
        (AMX, "causal", True, torch.bfloat16),
        (AMX, "seq2seq", True, torch.float32),
        (AMX, "seq2seq", False, torch.bfloat16),
        (ARM, "causal", False, torch.bfloat16),
        (set(), "causal", False, torch.float32),
    ],
)
def test_bfloat16_needs_hardware_support_and_no_better_packed_weights(set_cpu_flags, flags, family, packed, dtype):
    set_cpu_flags(*flags)
    assert precision.best_dtype(CPU, family, packed=packed) is dtype


@pytest.mark.parametrize(("flags", "multiplies"), [(AVX2, False), (AVX512, True), (AMX, True), (ARM, True)])
def test_bfloat16_support_by_cpu_flags(set_cpu_flags, flags, multiplies):
    set_cpu_flags(*flags)
    assert precision.multiplies_bfloat16() is multiplies


@pytest.mark.parametrize(
    ("flags", "multiplies"), [(AVX2, False), (AVX2 | {"avx_vnni"}, False), (AVX512 | {"avx512_vnni"}, True)]
)
def test_int8_support_by_cpu_flags(set_cpu_flags, flags, multiplies):
    set_cpu_flags(*flags)
    assert precision.multiplies_int8() is multiplies


def test_cpu_flags_are_read():
    if not precision.Path("/proc/cpuinfo").exists():
        pytest.skip("not Linux")
    assert precision._cpu_flags()
