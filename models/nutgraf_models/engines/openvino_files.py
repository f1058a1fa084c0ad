"""What OpenVINO can run, known from the card and the files alone: OpenVINO is imported only to load a model."""

from pathlib import Path
from typing import TYPE_CHECKING

from nutgraf_models.checkpoints.card import Card

if TYPE_CHECKING:
    from nutgraf_models.engines.openvino_engine import OpenVinoEngine


def unsupported(card: Card, folder: Path) -> str | None:
    """Why the openvino engine cannot run the model as its card wants; None if it can."""
    if card.family != "causal":
        return "it is no decoder-only model"
    if weights(folder) is None:
        return "there is no GGUF file of it"
    for decoding in (card.decoding.short, card.decoding.long):
        if decoding.repetition_penalty != 1.0 or (decoding.no_repeat_ngram_size and decoding.num_beams == 1):
            return "its presets ask for greedy decoding without repeats"
    return None


def weights(folder: Path) -> Path | None:
    """The GGUF file of a model's folder."""
    return next(iter(sorted(folder.glob("*.gguf"))), None)


def load_openvino(card: Card, folder: Path, threads: int | None) -> "OpenVinoEngine":
    """Raises:
    ModelError: OpenVINO cannot load the model.
    """
    from nutgraf_models.engines.openvino_engine import OpenVinoEngine

    return OpenVinoEngine(card, folder, threads=threads)
