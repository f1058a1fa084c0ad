"""Detection of torch and transformers, which are optional: OpenVINO runs the default model without them."""

import importlib.util

INSTALL = "pip install 'nutgraf-server[torch]'"


def has_torch() -> bool:
    """Whether torch and transformers are installed, without importing them."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))
