"""The version of the installed distribution."""

import functools


@functools.cache
def version() -> str:
    """The version of the distribution `nutgraf`, or "0+unknown" where it runs from a folder that nobody installed."""
    # Imported here because it costs more than the rest of `import nutgraf`.
    from importlib import metadata

    try:
        return metadata.version("nutgraf")
    except metadata.PackageNotFoundError:
        return "0+unknown"
