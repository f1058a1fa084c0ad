from collections.abc import Iterator

import pytest

from nutgraf_models.runtime import precision


@pytest.fixture(scope="module")
def without_bfloat16() -> Iterator[None]:
    """The torch engine computes in float32 on every CPU, for exact comparisons."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "_cpu_flags", frozenset)
        yield
