"""The model that the settings name. Nothing slow is imported here: its process is to be started first of all."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from nutgraf_models.loading import start_loading as start
from nutgraf_service.settings import Settings

if TYPE_CHECKING:
    from nutgraf_models.pipeline.summarizer import Summarizer


def start_loading(settings: Settings) -> Callable[[], "Summarizer"]:
    """Starts to load the model; what is returned waits for it, in any thread.

    Raises:
        ModelError: the model cannot be loaded; so does what is returned.
    """
    return start(
        settings.model, engine=settings.engine, threads=settings.threads, check=settings.check, own_process=True
    )
