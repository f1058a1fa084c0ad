"""OpenVINO, imported without a word to its makers.

It reports to them that it is imported unless their package for that is missing; so it is, for as long as the import
takes. What others have imported of it stays theirs.
"""

import contextlib
import sys
from collections.abc import Iterator

_TELEMETRY = "openvino_telemetry"


@contextlib.contextmanager
def _without_telemetry() -> Iterator[None]:
    known = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if known is None:
            sys.modules.pop(_TELEMETRY, None)
        else:
            sys.modules[_TELEMETRY] = known


with _without_telemetry():
    import openvino
    import openvino_genai

__all__ = ["openvino", "openvino_genai"]
