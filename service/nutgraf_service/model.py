"""Loads the model of the settings. Imports nothing slow, so that the engine's process can start first."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from nutgraf_models.loading import start_loading as start
from nutgraf_service.settings import Settings

if TYPE_CHECKING:
    from nutgraf_models.pipeline.summarizer import Summarizer


def start_loading(settings: Settings) -> Callable[[], "Summarizer"]:
    """Starts to load the model.

    Returns:
        A function that completes the loading, in any thread. It may raise `ModelError` too.

    Raises:
        ModelError: the model is unknown, not on this machine, or damaged.
    """
    return start(
        settings.model, engine=settings.engine, threads=settings.threads, check=settings.check, own_process=True
    )
