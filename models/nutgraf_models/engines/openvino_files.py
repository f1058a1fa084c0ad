"""Whether OpenVINO can run a model, decided from its card and files without importing OpenVINO."""

from pathlib import Path

from nutgraf_models.checkpoints.card import Card


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
