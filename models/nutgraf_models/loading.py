"""Loading a summariser by model name."""

import os
from functools import partial
from pathlib import Path
from typing import Literal

from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines.base import Engine
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_models.engines.openvino_files import unsupported
from nutgraf_models.engines.process import ProcessEngine
from nutgraf_models.errors import ModelError
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_models.runtime.cpus import usable_cpus
from nutgraf_models.runtime.torch_extra import INSTALL, has_torch

EngineName = Literal["auto", "openvino", "torch"]


def load_summarizer(
    model: str,
    *,
    engine: EngineName = "auto",
    threads: int | None = None,
    beams: int | None = None,
    check: bool = True,
    own_process: bool = False,
) -> Summarizer:
    """Loads a model by card id, card file, local folder or hub id. Downloads nothing.

    `threads`: CPU threads of the model; `default_threads` if not given. `beams` overrides the card's presets. `check`:
    see `Summarizer`. `own_process`: runs OpenVINO, whose steps hold the GIL, in a process of its own; the caller must
    close the engine.

    Raises:
        ModelError: the model is unknown, not on this machine, damaged, or different from its card.
    """
    card = find_card(model)
    if card.family == "lead":
        return Summarizer(card, LeadEngine(), check=check)
    folder = store.locate(card)
    card = store.refine(card, folder)
    if beams is not None:
        card = card.model_copy(update={"decoding": card.decoding.with_beams(beams)})
    return Summarizer(card, _load_engine(card, folder, engine, threads or default_threads(), own_process), check=check)


def default_threads() -> int | None:
    """The CPUs of the affinity or container quota; None without such a limit, since engines detect the cores."""
    cpus = usable_cpus()
    return cpus if cpus < (os.cpu_count() or 1) else None


def _load_engine(card: Card, folder: Path, engine: EngineName, threads: int | None, own_process: bool) -> Engine:
    """OpenVINO if it supports the model, else torch. Only the one in use is imported."""
    if engine == "openvino" or (engine == "auto" and unsupported(card, folder) is None):
        if own_process:
            return ProcessEngine(partial(_load_openvino, card, folder, threads), folder)
        return _load_openvino(card, folder, threads)
    if not has_torch():
        raise ModelError(f"{card.id} needs the torch engine: {INSTALL}")
    if list(folder.glob("*.gguf")) and not list(folder.glob("*.safetensors")):
        raise ModelError(
            f"{card.id} was pulled without torch's weights, because torch was not installed; "
            f"fetch them with: nutgraf models pull {card.id}"
        )
    from nutgraf_models.engines.torch_engine import TorchEngine

    return TorchEngine(card, folder, threads=threads)


def _load_openvino(card: Card, folder: Path, threads: int | None) -> Engine:
    from nutgraf_models.engines.openvino_engine import OpenVinoEngine

    return OpenVinoEngine(card, folder, threads=threads)
