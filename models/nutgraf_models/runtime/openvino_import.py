"""Import of OpenVINO without telemetry.

OpenVINO sends telemetry on import if the `openvino_telemetry` package is available, so that package is hidden during
the import. An `openvino_telemetry` that was already imported is restored afterwards.
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
