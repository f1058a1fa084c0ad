"""From the name of a model to a summariser that is ready."""

import os

from nutgraf_models import store
from nutgraf_models.cards import find_card
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_models.summarizer import Summarizer


def load_summarizer(model: str, *, threads: int | None = None) -> Summarizer:
    """Loads what `--model` names: a card's id, a card file, a local folder, a hub id. Fetches nothing.

    Raises:
        ModelError: the model is unknown, not on this machine, damaged, or not what its card says.
    """
    card = find_card(model)
    if card.family == "lead":
        return Summarizer(card, LeadEngine())
    folder = store.locate(card)
    # Everything needed is in the folder; a library that asks a hub all the same would only wait.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from nutgraf_models.engines.torch_engine import TorchEngine

    card = store.refine(card, folder)
    return Summarizer(card, TorchEngine(card, folder, threads=threads))
