"""What is computed in what, by what the processor says of itself."""

import pytest
import torch

from nutgraf_models.engines import precision


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ({"avx2", "fma"}, torch.float32),
        ({"avx2", "avx512f", "avx512_bf16"}, torch.bfloat16),
        ({"amx_tile", "amx_bf16"}, torch.bfloat16),
        ({"asimd", "bf16"}, torch.bfloat16),
        (set(), torch.float32),
    ],
)
def test_bfloat16_only_where_the_processor_multiplies_it(monkeypatch, flags, dtype):
    monkeypatch.setattr(precision, "_cpu_flags", lambda: frozenset(flags))
    assert precision.best_dtype(torch.device("cpu")) is dtype


def test_the_flags_of_this_processor_are_read():
    if not precision.Path("/proc/cpuinfo").exists():
        pytest.skip("not Linux")
    assert precision._cpu_flags()
