"""transformers without bars and remarks while it loads, and as it was afterwards: the process is another's."""

import contextlib
import logging
from collections.abc import Iterator

from transformers.utils import logging as transformers_logging


@contextlib.contextmanager
def quiet_transformers(level: int | None = None) -> Iterator[None]:
    """No progress bars, and where a `level` is given no log lines below it, until the block ends."""
    logger = logging.getLogger("transformers")
    was, had_bars = logger.level, transformers_logging.is_progress_bar_enabled()
    if level is not None:
        logger.setLevel(level)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logger.setLevel(was)
        if had_bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
