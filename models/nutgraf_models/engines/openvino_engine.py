"""Decoder-only models on a CPU: OpenVINO GenAI's continuous batching over a GGUF file.

Requests join and leave between steps. The rows of a request share the article's prefill through the prefix cache:
the second row is submitted only after the prefill of the first, because both would be prefilled in the same step
otherwise.
"""

import contextlib
import itertools
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from nutgraf_models.checkpoints import ranker
from nutgraf_models.checkpoints.card import Card, Decoding
from nutgraf_models.checkpoints.folder_card import read_json
from nutgraf_models.engines.base import Candidate, Completion, Engine, GenerationRequest, Handle, Row
from nutgraf_models.engines.openvino_files import unsupported, weights
from nutgraf_models.engines.ranker import Ranker
from nutgraf_models.engines.tokenizer import ArticleTokenizer, IsEnough
from nutgraf_models.errors import ModelError
from nutgraf_models.lengths import Length
from nutgraf_models.results import FinishReason
from nutgraf_models.runtime.memory import give_back_pages
from nutgraf_models.runtime.openvino_import import openvino, openvino_genai

_BLOCK_TOKENS = 32  # of OpenVINO's key-value cache, on a CPU
# Upper bound of the cache for models with very large context windows, over all parallel requests.
_MOST_CACHE_TOKENS = 1 << 16
# Prompt tokens per step; larger steps do not speed up prefill.
_TOKENS_PER_STEP = 256
# Prompt lookup decoding: if the last tokens written occur in the prompt, a step tries the tokens after them there.
# Summaries consist largely of the article's own words, above all where they continue a prefix. The output is the same
# as without it. More tokens save steps, but make each one slower for all requests; a few requests hardly notice, and
# after a prefix most of the tokens are right.
_LOOKUP_TOKENS, _MORE_LOOKUP_TOKENS = 5, 12
_FEW = 2
_LOOKUP_NGRAM = 3
# Shapes for which OpenVINO caches kernels.
_CACHED_SHAPES = 50
# The file names by which OpenVINO recognises its own format.
_MODEL, _WEIGHTS = "openvino_model.xml", "openvino_model.bin"


class OpenVinoEngine(Engine):
    """Loads a GGUF file, or its conversion by `save_openvino_model`. Decodes greedily or with beams; see `unsupported`.

    Args:
        card: the card that describes the checkpoint.
        folder: the checkpoint's files: a GGUF file, `tokenizer.json`, `generation_config.json` and perhaps a ranker.
        threads: CPU threads; None uses OpenVINO's default.

    Raises:
        ModelError: a file is missing or unusable, or the engine does not support the model.
    """

    name = "openvino"
    # A step reads the weights once for all of them, and that is most of its cost.
    parallel_requests = 8

    def __init__(self, card: Card, folder: Path, *, threads: int | None = None) -> None:
        reason = unsupported(card, folder)
        if reason is not None:
            raise ModelError(f"the openvino engine cannot run {card.id}: {reason}")
        file = weights(folder)
        assert file is not None
        self._card = card
        self._tokens = ArticleTokenizer.from_folder(folder)
        self._eos = _end_tokens(folder)
        prompt_tokens = self._tokens.count_prompt(card.prompt)
        self.max_input_tokens = card.max_article_tokens(prompt_tokens)
        scheduling = openvino_genai.SchedulerConfig()
        scheduling.enable_prefix_caching = True
        # Enough for the parallel requests. A larger cache fills with finished articles, at over 30 kB per token: with
        # 1 GB, the minimum of the setting in gigabytes, the default model's process grows from 1 GB to over 2 GB.
        scheduling.num_kv_blocks = self.parallel_requests * self._blocks(prompt_tokens)
        scheduling.max_num_batched_tokens = _TOKENS_PER_STEP
        # By default OpenVINO rounds the inputs of linear layers to 8 bits on CPUs with 8-bit products. Half of the
        # summaries of a model that was not trained with it would then differ from the reference engine's.
        rounded = card.adapter.round_inputs if card.adapter else None
        properties: dict[str, Any] = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": rounded or 0}
        # OpenVINO caches kernels for each shape: one for each number of tokens in a step. With its default of 5000, the
        # process grows by half a megabyte with each article, for hundreds of articles, and is no faster.
        properties["CPU_RUNTIME_CACHE_CAPACITY"] = _CACHED_SHAPES
        # OpenVINO supports prompt lookup or beams, not both.
        self._looks_up = not any(preset.num_beams > 1 for preset in (card.decoding.short, card.decoding.long))
        if self._looks_up:
            properties["prompt_lookup"] = True
        if threads is not None:
            properties["INFERENCE_NUM_THREADS"] = threads
        converted = (folder / _MODEL).is_file()
        # Mapped; last read during the first request, when OpenVINO copies the weights into its kernels' layout.
        self._read_once = folder / _WEIGHTS if converted else None
        # The ranker is loaded meanwhile.
        with ThreadPoolExecutor(1) as pool:
            has_ranker = (folder / ranker.FILE).is_file()
            ranking = pool.submit(Ranker, folder, self._tokens, threads=threads) if has_ranker else None
            try:
                with contextlib.nullcontext(folder) if converted else _writable(file) as place:
                    self._pipeline = openvino_genai.ContinuousBatchingPipeline(
                        str(place), scheduling, "CPU", properties
                    )
            except (RuntimeError, OSError) as error:
                raise ModelError(f"OpenVINO cannot load {card.id}: {str(error).strip().splitlines()[-1]}") from error
        # The file name contains the quantisation: "name.Q4_1.gguf".
        self.precision = file.stem.rpartition(".")[2] or "gguf"
        self._handles = itertools.count(1)
        self._ids = itertools.count(1)
        self._running: dict[Handle, list[_Row]] = {}
        self._ranker = ranking.result() if ranking else None
        self._to_rank: dict[Handle, tuple[str, ...]] = {}

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._tokens.count(texts)

    def submit(self, request: GenerationRequest) -> Handle:
        handle = Handle(next(self._handles))
        rows = [
            _Row(
                self._encode_prompt(request.article, row.length),
                self._tokens.encode(row.prefix),
                row,
                self._tokens.stop_rule(row),
            )
            for row in request.rows
        ]
        self._running[handle] = rows
        if self._ranker is not None and request.sentences:
            self._to_rank[handle] = request.sentences
        self._start(rows[0])
        return handle

    def step(self) -> list[Completion]:
        if self._pipeline.has_non_finished_requests():
            self._pipeline.step()
        completions = []
        for handle, rows in list(self._running.items()):
            for row in rows:
                row.read(self._eos)
            if rows[0].has_been_read:
                for row in rows[1:]:
                    if row.handle is None:
                        self._start(row)
            if all(row.ended for row in rows):
                del self._running[handle]
                completions.append(Completion(handle, tuple(self._candidates(row) for row in rows), self._rank(handle)))
        if completions and self._read_once is not None:
            give_back_pages(self._read_once)
            self._read_once = None
        return completions

    def cancel(self, handle: Handle) -> None:
        self._to_rank.pop(handle, None)
        for row in self._running.pop(handle, ()):
            if row.handle is not None:
                row.handle.cancel()

    def _rank(self, handle: Handle) -> tuple[float, ...]:
        sentences = self._to_rank.pop(handle, ())
        return self._ranker.scores(sentences) if self._ranker is not None and sentences else ()

    def _blocks(self, prompt_tokens: int) -> int:
        """Cache blocks that the longest request needs. Each answer begins a new block."""
        presets = (self._card.decoding.short, self._card.decoding.long)
        answers = sum(preset.num_beams for preset in presets)
        answer = max(preset.max_new_tokens for preset in presets) + _MORE_LOOKUP_TOKENS
        shared = min(self.max_input_tokens + prompt_tokens, _MOST_CACHE_TOKENS // self.parallel_requests)
        return math.ceil(shared / _BLOCK_TOKENS) + answers * (1 + math.ceil(answer / _BLOCK_TOKENS))

    def _encode_prompt(self, article: str, length: Length) -> list[int]:
        prompt = self._card.prompt
        # Encoded in two parts, so that the rows of a request share their prefix exactly, token by token.
        before = self._tokens.encode(prompt.before + self._tokens.as_text(article))
        return before + self._tokens.encode(prompt.after(length))

    def _start(self, row: "_Row") -> None:
        config = openvino_genai.GenerationConfig()
        config.max_new_tokens = max(1, row.decoding.max_new_tokens - len(row.prefix))
        config.min_new_tokens = max(0, row.decoding.min_new_tokens - len(row.prefix))
        config.eos_token_id = self._eos[0]
        config.stop_token_ids = set(self._eos)
        config.apply_chat_template = False
        beams = row.decoding.num_beams
        if self._looks_up:
            are_few = len(self._running) <= _FEW
            config.num_assistant_tokens = _MORE_LOOKUP_TOKENS if are_few or row.prefix else _LOOKUP_TOKENS
            config.max_ngram_size = _LOOKUP_NGRAM
        if beams > 1:
            config.num_beams = config.num_return_sequences = beams
            config.length_penalty = row.decoding.length_penalty
            config.no_repeat_ngram_size = row.decoding.no_repeat_ngram_size or config.no_repeat_ngram_size
            early = row.decoding.early_stopping
            criteria = openvino_genai.StopCriteria
            config.stop_criteria = criteria.EARLY if early else criteria.HEURISTIC
        prompt = openvino.Tensor(np.array([[*row.prompt, *row.prefix]], dtype=np.int64))
        row.handle = self._pipeline.add_request(next(self._ids), prompt, config)

    def _candidates(self, row: "_Row") -> tuple[Candidate, ...]:
        return tuple(
            Candidate(self._tokens.decode([*row.prefix, *tokens]), len(tokens), finish) for tokens, finish in row.ended
        )


class _Row:
    """A row of a request, with OpenVINO's handle once it has been submitted there."""

    def __init__(self, prompt: list[int], prefix: list[int], row: Row, is_enough: IsEnough) -> None:
        self.prompt = prompt
        self.prefix = prefix
        self.decoding: Decoding = row.decoding
        self.handle: Any = None
        self.ended: list[tuple[list[int], FinishReason]] = []
        self._tokens: list[int] = []
        self._is_enough = is_enough

    @property
    def has_been_read(self) -> bool:
        """Whether the prompt is in the cache, which the first token shows. Beams yield no token before the end."""
        return bool(self._tokens or self.ended)

    def read(self, eos: tuple[int, ...]) -> None:
        """Collects the tokens generated since the last call."""
        if self.handle is None or self.ended:
            return
        if self.decoding.num_beams > 1:
            if self.handle.get_status() != openvino_genai.GenerationStatus.RUNNING:
                outputs = sorted(self.handle.read_all(), key=lambda output: -output.score)
                self.ended = [self._end([one for one in output.generated_ids if one not in eos]) for output in outputs]
            return
        while self.handle.can_read():
            for output in self.handle.read().values():
                for token in output.generated_ids:
                    if token in eos:
                        self.ended = [(self._tokens, FinishReason.STOP)]
                        return
                    self._tokens.append(token)
                    if self._is_enough([*self.prefix, *self._tokens]):
                        self.ended = [(self._tokens, FinishReason.CAP)]
                        self.handle.stop()
                        return
        if self.handle.get_status() != openvino_genai.GenerationStatus.RUNNING:
            self.ended = [self._end(self._tokens)]

    def _end(self, tokens: list[int]) -> tuple[list[int], FinishReason]:
        return tokens, FinishReason.TOKEN_LIMIT if len(tokens) >= self.decoding.max_new_tokens else FinishReason.STOP


@contextlib.contextmanager
def _writable(file: Path) -> Iterator[Path]:
    """The file, or a temporary copy if it is read-only, as in a container: OpenVINO opens it for writing."""
    if os.access(file, os.W_OK):
        yield file
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copyfile(file, Path(folder) / file.name))


def _end_tokens(folder: Path) -> tuple[int, ...]:
    eos = (read_json(folder / "generation_config.json") or {}).get("eos_token_id")
    if eos is None:
        raise ModelError(f"generation_config.json of {folder.name} has no eos_token_id")
    return tuple(eos) if isinstance(eos, list) else (int(eos),)
