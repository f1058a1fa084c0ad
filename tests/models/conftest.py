from collections.abc import Callable, Iterator

import pytest

from nutgraf_models.runtime import precision


@pytest.fixture
def set_cpu_flags(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the engines see a CPU with the given flags, such as "avx2"."""

    def set_flags(*flags: str) -> None:
        monkeypatch.setattr(precision, "_cpu_flags", lambda: frozenset(flags))

    return set_flags


@pytest.fixture(scope="module")
def without_bfloat16() -> Iterator[None]:
    """The torch engine computes in float32 on every CPU, for exact comparisons."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "_cpu_flags", frozenset)
        yield
