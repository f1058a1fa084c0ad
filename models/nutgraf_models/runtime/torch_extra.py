"""torch and transformers, which an installation may lack: OpenVINO runs the default model without them."""

import importlib.util

INSTALL = "pip install 'nutgraf-server[torch]'"


def has_torch() -> bool:
    """Whether both are installed. Imports neither."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))
