"""Runs the ranker of main points that `checkpoints/ranker.py` builds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nutgraf_models.checkpoints.ranker import FILE
from nutgraf_models.engines.tokenizer import ArticleTokenizer
from nutgraf_models.errors import ModelError
from nutgraf_models.runtime.memory import give_back_pages
from nutgraf_models.runtime.openvino_import import openvino

# Of the article, as in training: in 98 % of the marked articles, these have a sentence that states the main point.
MAX_TOKENS = 400
QUESTION = "\n\nMain point:"
# Shapes for which OpenVINO caches kernels: one for each number of tokens.
_CACHED_SHAPES = 20


class Ranker:
    """Ranks an article's first sentences by how likely they state its main point.

    Raises:
        ModelError: OpenVINO cannot load the ranker.
    """

    def __init__(self, folder: Path, tokens: ArticleTokenizer, *, threads: int | None = None) -> None:
        self._tokens = tokens
        self._question = tokens.encode(QUESTION)
        properties: dict[str, Any] = {"CPU_RUNTIME_CACHE_CAPACITY": _CACHED_SHAPES}
        if threads is not None:
            properties["INFERENCE_NUM_THREADS"] = threads
        # Mapped; last read during the first request, when OpenVINO copies the weights into its kernels' layout.
        self._read_once: Path | None = (folder / FILE).with_suffix(".bin")
        try:
            self._model = openvino.Core().compile_model(str(folder / FILE), "CPU", properties)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot load {FILE}: {str(error).strip().splitlines()[-1]}") from error
        self._request = self._model.create_infer_request()

    def scores(self, sentences: Sequence[str]) -> tuple[float, ...]:
        """The scores of the sentences in the first `MAX_TOKENS` tokens, at least of one."""
        ids, ends = encode(sentences, self._tokens)
        result = self._request.infer([np.array([[*ids, *self._question]]), np.array(ends)])[0]
        if self._read_once is not None:
            give_back_pages(self._read_once)
            self._read_once = None
        return tuple(result.tolist())


def encode(sentences: Sequence[str], tokens: ArticleTokenizer) -> tuple[list[int], list[int]]:
    """The tokens of the sentences within `MAX_TOKENS`, at least of one, and the index of each sentence's last token."""
    ids: list[int] = []
    ends: list[int] = []
    for sentence in sentences:
        more = tokens.encode(tokens.as_text(f" {sentence}" if ids else sentence))
        if ends and len(ids) + len(more) > MAX_TOKENS:
            break
        ids += more
        ends.append(len(ids) - 1)
    return ids, ends
