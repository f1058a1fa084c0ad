"""Loading a summariser by model name.

The engine's process is started before the slow imports, so that both processes import at the same time.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines.base import Engine
from nutgraf_models.engines.openvino_files import load_openvino, unsupported
from nutgraf_models.engines.process import ProcessEngine
from nutgraf_models.errors import ModelError
from nutgraf_models.runtime.cpus import usable_cpus
from nutgraf_models.runtime.memory import give_back_freed
from nutgraf_models.runtime.torch_extra import INSTALL, has_torch

if TYPE_CHECKING:
    from nutgraf_models.pipeline.summarizer import Summarizer

EngineName = Literal["auto", "openvino", "torch"]


def load_summarizer(
    model: str,
    *,
    engine: EngineName = "auto",
    threads: int | None = None,
    beams: int | None = None,
    check: bool = True,
    own_process: bool = False,
) -> "Summarizer":
    """Loads a model by card id, card file, local folder or hub id. Downloads nothing.

    `threads`: CPU threads of the model; `default_threads` if not given. `beams` overrides the card's presets. `check`:
    see `Summarizer`. `own_process`: runs OpenVINO, whose steps hold the GIL, in a process of its own; the caller must
    close the engine.

    Raises:
        ModelError: the model is unknown, not on this machine, damaged, or different from its card.
    """
    load = start_loading(model, engine=engine, threads=threads, beams=beams, check=check, own_process=own_process)
    return load()


def start_loading(
    model: str,
    *,
    engine: EngineName = "auto",
    threads: int | None = None,
    beams: int | None = None,
    check: bool = True,
    own_process: bool = False,
) -> Callable[[], "Summarizer"]:
    """Starts to load a summariser, without waiting.

    With `own_process`, the new process already loads the model.

    Returns:
        A function that completes the loading, as `load_summarizer` does. Any thread may call it, once.

    Raises:
        ModelError: the model is unknown, not on this machine, or damaged. The function raises it for other reasons.
    """
    card = find_card(model)
    if card.family == "lead":
        return partial(_complete, card, _load_lead, check)
    folder = store.locate(card)
    card = store.refine(card, folder)
    if beams is not None:
        card = card.model_copy(update={"decoding": card.decoding.with_beams(beams)})
    threads = threads or default_threads()
    if engine == "openvino" or (engine == "auto" and unsupported(card, folder) is None):
        load: Callable[[], Engine] = partial(load_openvino, card, folder, threads)
        if own_process:
            load = ProcessEngine(load, folder).wait
    else:
        load = partial(_load_torch, card, folder, threads)
    return partial(_complete, card, load, check)


def _complete(card: Card, load: Callable[[], Engine], check: bool) -> "Summarizer":
    # Imported here, so that the engine's process, if any, starts first.
    from nutgraf_models.pipeline.summarizer import Summarizer
    from nutgraf_models.text import language

    language.load()
    summarizer = Summarizer(card, load(), check=check)
    give_back_freed()
    return summarizer


def default_threads() -> int | None:
    """The CPUs of the affinity or container quota; None without such a limit, since engines detect the cores."""
    cpus = usable_cpus()
    return cpus if cpus < (os.cpu_count() or 1) else None


def _load_lead() -> Engine:
    from nutgraf_models.engines.lead import LeadEngine

    return LeadEngine()


def _load_torch(card: Card, folder: Path, threads: int | None) -> Engine:
    if not has_torch():
        raise ModelError(f"{card.id} needs the torch engine: {INSTALL}")
    if list(folder.glob("*.gguf")) and not list(folder.glob("*.safetensors")):
        raise ModelError(
            f"{card.id} was pulled without torch's weights, because torch was not installed; "
            f"fetch them with: nutgraf models pull {card.id}"
        )
    from nutgraf_models.engines.torch_engine import TorchEngine

    return TorchEngine(card, folder, threads=threads)
