"""The version of the installed distribution."""

import functools


@functools.cache
def version() -> str:
    """The version of the distribution `nutgraf`; "0+unknown" if it is not installed."""
    # Imported here because it costs more than the rest of `import nutgraf`.
    from importlib import metadata

    try:
        return metadata.version("nutgraf")
    except metadata.PackageNotFoundError:
        return "0+unknown"
