"""Whether OpenVINO can run a model, by its card and files. OpenVINO is imported only to load a model."""

from pathlib import Path
from typing import TYPE_CHECKING

from nutgraf_models.checkpoints.card import Card

if TYPE_CHECKING:
    from nutgraf_models.engines.openvino_engine import OpenVinoEngine


def unsupported(card: Card, folder: Path) -> str | None:
    """The reason why the openvino engine cannot run the model as its card demands; None if it can."""
    if card.family != "causal":
        return "it is not a decoder-only model"
    if weights(folder) is None:
        return "it has no GGUF file"
    for decoding in (card.decoding.short, card.decoding.long):
        if decoding.repetition_penalty != 1.0 or (decoding.no_repeat_ngram_size and decoding.num_beams == 1):
            return "its presets use a repetition penalty, or n-gram blocking without beams"
    return None


def weights(folder: Path) -> Path | None:
    """The GGUF file in a model's folder, if any."""
    return next(iter(sorted(folder.glob("*.gguf"))), None)


def load_openvino(card: Card, folder: Path, threads: int | None) -> "OpenVinoEngine":
    """Loads a model; a function that `ProcessEngine` can pickle.

    Raises:
        ModelError: OpenVINO cannot load the model.
    """
    from nutgraf_models.engines.openvino_engine import OpenVinoEngine

    return OpenVinoEngine(card, folder, threads=threads)
