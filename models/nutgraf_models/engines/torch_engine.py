"""The reference engine: transformers' models under this project's own decode loop.

Each request has a cache of its own, in which the article is read once: an encoder-decoder's encoder output, or the
prefix of a decoder-only model's prompt, serves all rows. Rows of one request advance together and leave when they are
done. Several requests advance in turn.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from nutgraf_models.card import Card
from nutgraf_models.engines.base import Candidate, Completion, GenerationRequest, Handle
from nutgraf_models.engines.precision import best_device, best_dtype
from nutgraf_models.engines.rows import CausalRows, Rows, Seq2SeqRows
from nutgraf_models.engines.search import Hypothesis, Search, SpecialTokens, start_search
from nutgraf_models.engines.tokens import Tokens
from nutgraf_models.errors import ModelError


class TorchEngine:
    """Loads a folder in the hub's format and generates with it.

    Args:
        card: what to know of the checkpoint.
        folder: its files; weights in safetensors only.
        threads: CPU threads; None leaves torch's choice, one for each core.

    Raises:
        ModelError: the folder does not hold what the card says.
    """

    name = "torch"
    parallel_requests = 1

    def __init__(self, card: Card, folder: Path, *, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        device = best_device()
        dtype = best_dtype(device)
        auto = AutoModelForSeq2SeqLM if card.family == "seq2seq" else AutoModelForCausalLM
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = auto.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=dtype)
        except Exception as error:  # what damaged files raise is of many types, and of none where Rust raises it
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(f"cannot load {card.id}: {reason}") from error
        self._card = card
        self._model = model.eval().to(device)
        self._device = device
        self._tokens = Tokens(tokenizer.backend_tokenizer)
        self._special = _special_tokens(card, model)
        self._handles = itertools.count(1)
        self._running: dict[Handle, _Generation] = {}
        self.precision = str(dtype).removeprefix("torch.")
        self.max_input_tokens = card.room_for_article(self._tokens.count_prompt(card.prompt))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._tokens.count(texts)

    def submit(self, request: GenerationRequest) -> Handle:
        handle = Handle(next(self._handles))
        self._running[handle] = _Generation(self._start_rows(request), self._searches(request))
        return handle

    def step(self) -> list[Completion]:
        completions = []
        for handle, generation in list(self._running.items()):
            try:
                with torch.inference_mode():
                    done = generation.advance()
                completion = Completion(handle, self._candidates(generation)) if done else None
            except Exception as error:
                completion = Completion(handle, error=error)
            if completion is not None:
                del self._running[handle]
                completions.append(completion)
        return completions

    def cancel(self, handle: Handle) -> None:
        self._running.pop(handle, None)

    def _start_rows(self, request: GenerationRequest) -> Rows:
        prompt = self._card.prompt
        if self._card.family == "seq2seq":
            ids = self._tokens.encode(prompt.before + request.article + prompt.after_long, special=True)
            assert self._special.start is not None
            return Seq2SeqRows(self._model, self._device, ids, self._special.start, len(request.rows))
        prefix = self._tokens.encode(prompt.before + request.article)
        suffixes = [self._tokens.encode(prompt.after(row.length)) for row in request.rows]
        return CausalRows(self._model, self._device, prefix, suffixes)

    def _searches(self, request: GenerationRequest) -> list[Search]:
        return [start_search(row.decoding, self._special, self._tokens.stop_rule(row)) for row in request.rows]

    def _candidates(self, generation: "_Generation") -> tuple[tuple[Candidate, ...], ...]:
        return tuple(
            tuple(self._candidate(hypothesis) for hypothesis in search.hypotheses()) for search in generation.searches
        )

    def _candidate(self, hypothesis: Hypothesis) -> Candidate:
        text = self._tokens.decode(hypothesis.tokens)
        return Candidate(text, len(hypothesis.tokens), hypothesis.finish)


class _Generation:
    """A running request: which searches still go on, and the rows of the model's batch that are theirs."""

    def __init__(self, rows: Rows, searches: list[Search]) -> None:
        self.searches = searches
        self._rows = rows
        self._active = list(range(len(searches)))

    def advance(self) -> bool:
        """Reads a piece of the article, or moves every search on by a token. True: all have ended."""
        if not self._rows.is_ready:
            self._rows.prepare()
            return False
        logits = self._rows.logits()
        origins: list[int] = []
        tokens: list[int] = []
        still_active = []
        first = 0
        for index in self._active:
            search = self.searches[index]
            width = search.width
            move = search.advance(logits[first : first + width])
            if move is not None:
                origins += [first + origin for origin in move.origins]
                tokens += move.tokens
                still_active.append(index)
            first += width
        self._active = still_active
        if not still_active:
            return True
        self._rows.extend(origins, tokens)
        return False


def _special_tokens(card: Card, model: Any) -> SpecialTokens:
    generation, config = model.generation_config, model.config
    eos = generation.eos_token_id if generation.eos_token_id is not None else config.eos_token_id
    if eos is None:
        raise ModelError(f"{card.id} names no end token (eos_token_id) in its generation_config.json or config.json")
    ends = tuple(eos) if isinstance(eos, (list, tuple)) else (int(eos),)
    if card.family == "causal":
        return SpecialTokens(ends)
    start = generation.decoder_start_token_id
    if start is None:
        start = getattr(config, "decoder_start_token_id", None)
    if start is None:
        raise ModelError(f"{card.id} names no decoder_start_token_id in its generation_config.json or config.json")
    return SpecialTokens(ends, int(start), generation.forced_bos_token_id)
