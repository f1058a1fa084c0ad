"""An engine that articles can break, in its own process, with the small trained chat model."""

import ctypes
import os
import signal
from functools import partial
from pathlib import Path

from nutgraf_models.checkpoints.card import Card, Decoding, DecodingPresets
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines.base import Completion, GenerationRequest, Handle
from nutgraf_models.engines.openvino_engine import OpenVinoEngine
from nutgraf_models.engines.process import ProcessEngine
from nutgraf_models.pipeline.summarizer import Summarizer

# Words in an article that make the engine die, raise an error, or hang (once for each pipe "hang").
KILLS, BREAKS, HANGS = "Killingham", "Breakwater", "Hangleton"
GREEDY = Decoding(max_new_tokens=60)


class Fragile(OpenVinoEngine):
    """`marks`: a folder. If it has a file "load", loading ends the process; the pipe "hang" is opened before a hang."""

    def __init__(self, card: Card, folder: Path, marks: Path) -> None:
        if (marks / "load").exists():
            os._exit(7)
        super().__init__(card, folder)
        self._marks = marks
        self._articles: dict[Handle, str] = {}

    def submit(self, request: GenerationRequest) -> Handle:
        handle = super().submit(request)
        self._articles[handle] = request.article
        return handle

    def cancel(self, handle: Handle) -> None:
        self._articles.pop(handle, None)
        super().cancel(handle)

    def step(self) -> list[Completion]:
        running = " ".join(self._articles.values())
        if KILLS in running:
            os.kill(os.getpid(), signal.SIGKILL)
        if BREAKS in running:
            raise RuntimeError(running)
        pipe = self._marks / "hang"
        if HANGS in running and pipe.exists():
            with pipe.open("w"):
                pipe.unlink()
            # Holds the interpreter's lock, so the process hangs until it is killed.
            ctypes.PyDLL(None).pause()
        completions = super().step()
        for one in completions:
            del self._articles[one.handle]
        return completions


def fragile_summarizer(folder: Path, marks: Path) -> Summarizer:
    card = find_card(str(folder)).model_copy(update={"decoding": DecodingPresets(short=GREEDY, long=GREEDY)})
    return Summarizer(card, ProcessEngine(partial(Fragile, card, folder, marks), folder).wait())
