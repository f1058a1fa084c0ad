"""Temporary silence of transformers while it loads; the host process's settings are restored."""

import contextlib
import logging
from collections.abc import Iterator

from transformers.utils import logging as transformers_logging


@contextlib.contextmanager
def quiet_transformers(level: int | None = None) -> Iterator[None]:
    """Hides progress bars, and log records below `level` if given, until the block ends."""
    logger = logging.getLogger("transformers")
    previous_level, had_bars = logger.level, transformers_logging.is_progress_bar_enabled()
    if level is not None:
        logger.setLevel(level)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logger.setLevel(previous_level)
        if had_bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
