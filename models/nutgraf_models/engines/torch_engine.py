"""The reference engine: models of transformers in this project's own decoding loop.

An article is read once: all rows share the encoder output of an encoder-decoder, or the cached prefix of a decoder-only
model. Requests to an encoder-decoder share a batch, which accepts more until it begins to generate; each request to a
decoder-only model has its own batch. Finished rows leave their batch. Each step advances all batches.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from nutgraf_models.checkpoints.card import Card
from nutgraf_models.engines import packed, shared_attention
from nutgraf_models.engines.base import Candidate, Completion, Engine, GenerationRequest, Handle
from nutgraf_models.engines.batch_rows import BatchRows, CausalRows, Seq2SeqRows
from nutgraf_models.engines.search import Hypothesis, Search, SpecialTokens, start_search
from nutgraf_models.engines.tokenizer import ArticleTokenizer
from nutgraf_models.errors import ModelError
from nutgraf_models.runtime import precision
from nutgraf_models.runtime.precision import best_device, best_dtype
from nutgraf_models.runtime.transformers_logging import quiet_transformers

# Requests in a batch of an encoder-decoder; larger batches do not increase throughput.
_BATCH_REQUESTS = 8
# The second batch collects the requests that arrive while the first one generates.
_MAX_BATCHES = 2

# Encoder layers with 16-bit weights: rounding errors of the first layers pass through all others.
_FINER_LAYERS = 2
# A text for measuring the inputs of a model's layers. Its content is unimportant, and more tokens gain nothing.
_SAMPLE_TOKENS = 128
_SAMPLE = (
    "The city council voted on Tuesday to close the old harbour bridge for repairs, officials said. The work, which "
    'will cost 4.2 million, is expected to last until March 2019. "We have no choice," said the mayor, Anna Keller. '
    "Shop owners nearby fear that they will lose customers, and more than 300 people have signed a letter against it."
)


class TorchEngine(Engine):
    """Runs a checkpoint from a folder in the hub's format.

    Args:
        card: the card that describes the checkpoint.
        folder: the checkpoint's files, with weights in safetensors.
        threads: CPU threads; None uses torch's default, one per core.

    Raises:
        ModelError: the files are missing, damaged, or not those of the card's model.
    """

    name = "torch"

    def __init__(self, card: Card, folder: Path, *, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        device = best_device()
        is_seq2seq = card.family == "seq2seq"
        can_pack = device.type == "cpu" and packed.is_available()
        dtype = best_dtype(device, card.family, packed=can_pack)
        auto = AutoModelForSeq2SeqLM if is_seq2seq else AutoModelForCausalLM
        try:
            with quiet_transformers():
                tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
                model = auto.from_pretrained(
                    folder,
                    local_files_only=True,
                    use_safetensors=True,
                    dtype=dtype,
                    attn_implementation=shared_attention.NAME if is_seq2seq else None,
                )
        except Exception as error:  # damaged files raise many types; the Rust code raises plain Exception
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(f"cannot load {card.id}: {reason}") from error
        self._card = card
        self._model = model.eval().to(device)
        self.precision = str(dtype).removeprefix("torch.")
        self._device = device
        self._tokens = ArticleTokenizer(tokenizer.backend_tokenizer)
        self._special = _special_tokens(card, model)
        if can_pack and dtype == torch.float32:
            self.precision = self._pack(is_seq2seq)
        self._handles = itertools.count(1)
        self._waiting: dict[Handle, GenerationRequest] = {}
        self._batches: list[_Batch] = []
        self.parallel_requests = _BATCH_REQUESTS if is_seq2seq else 1
        self.max_input_tokens = card.max_article_tokens(self._tokens.count_prompt(card.prompt))

    def _pack(self, is_seq2seq: bool) -> str:
        """Packs the linear layers; returns their precision."""
        if not (is_seq2seq and precision.multiplies_int8() and packed.has_int8()):
            packed.pack(self._model, packed.Float16Linear)
            return "float16"
        seen = packed.observe(self._model, self._read_sample)
        encoder = self._model.get_encoder()
        finer = packed.BFloat16Linear if precision.multiplies_bfloat16() else packed.Float16Linear
        name = "int8"
        if precision.has_amx():
            # An encoder multiplies all tokens of an article at once, which AMX does faster; FBGEMM does not use AMX.
            packed.pack(encoder, finer)
            name = "bfloat16 and int8"
        for layer in _layers(encoder)[:_FINER_LAYERS]:
            packed.pack(layer, finer)
        packed.pack(self._model, lambda layer: packed.Int8Linear(layer, seen.get(layer)))
        return name

    def _read_sample(self) -> None:
        """Calls the model with the sample as its input and output."""
        ids = self._tokens.encode(self._card.prompt.before + _SAMPLE + self._card.prompt.after_long, special=True)
        tokens = torch.tensor([ids[:_SAMPLE_TOKENS]])
        start = torch.tensor([[self._special.start]])
        self._model(input_ids=tokens, decoder_input_ids=torch.cat([start, tokens[:, :-1]], dim=1), use_cache=False)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._tokens.count(texts)

    def submit(self, request: GenerationRequest) -> Handle:
        handle = Handle(next(self._handles))
        self._waiting[handle] = request
        return handle

    def step(self) -> list[Completion]:
        completions = self._take_in()
        for batch in self._batches:
            try:
                with torch.inference_mode():
                    ended = batch.advance()
            except Exception as error:
                ended = dict.fromkeys(batch.requests, error)
                batch.requests.clear()
            completions += [self._completion(handle, result) for handle, result in ended.items()]
        self._batches = [batch for batch in self._batches if batch.requests]
        return completions

    def cancel(self, handle: Handle) -> None:
        self._waiting.pop(handle, None)
        for batch in self._batches:
            batch.cancel(handle)
        self._batches = [batch for batch in self._batches if batch.requests]

    def _take_in(self) -> list[Completion]:
        """Adds waiting requests to batches; returns those that failed."""
        failed = []
        for handle, request in list(self._waiting.items()):
            try:
                if not self._begin(handle, request):
                    break
            except Exception as error:
                failed.append(Completion(handle, error=error))
            del self._waiting[handle]
        return failed

    def _begin(self, handle: Handle, request: GenerationRequest) -> bool:
        """Adds a request to an open batch or a new one; false if neither is possible yet."""
        prompt = self._card.prompt
        open_batch = next((batch for batch in self._batches if self._has_room(batch)), None)
        if open_batch is None and len(self._batches) == _MAX_BATCHES:
            return False
        article = self._tokens.as_text(request.article)
        searches = [
            start_search(row.decoding, self._special, self._tokens.stop_rule(row), self._tokens.encode(row.prefix))
            for row in request.rows
        ]
        if self._special.start is None:
            prefix = self._tokens.encode(prompt.before + article)
            suffixes = [self._tokens.encode(prompt.after(row.length)) for row in request.rows]
            batch = _Batch(CausalRows(self._model, self._device, prefix, suffixes))
        else:
            ids = self._tokens.encode(prompt.before + article + prompt.after_long, special=True)
            batch = open_batch or _Batch(Seq2SeqRows(self._model, self._device, self._special.start))
            assert isinstance(batch.rows, Seq2SeqRows)
            batch.rows.add(handle, ids, len(request.rows))
        batch.add(handle, searches)
        if batch is not open_batch:
            self._batches.append(batch)
        return True

    def _has_room(self, batch: "_Batch") -> bool:
        return not batch.rows.is_ready and len(batch.requests) < self.parallel_requests

    def _completion(self, handle: Handle, ended: "list[Search] | Exception") -> Completion:
        if isinstance(ended, Exception):
            return Completion(handle, error=ended)
        try:
            rows = tuple(tuple(map(self._candidate, search.hypotheses())) for search in ended)
        except Exception as error:
            return Completion(handle, error=error)
        return Completion(handle, rows)

    def _candidate(self, hypothesis: Hypothesis) -> Candidate:
        text = self._tokens.decode(hypothesis.tokens)
        return Candidate(text, len(hypothesis.tokens), hypothesis.finish)


class _Batch:
    """Requests that share a batch of the model. `requests` are those still running."""

    def __init__(self, rows: BatchRows) -> None:
        self.rows = rows
        self.requests: dict[Handle, list[Search]] = {}
        # The running searches, in the order of their rows.
        self._active: list[tuple[Handle, Search]] = []
        # The moves that the searches have chosen for the model's next step: each row's origin and its token.
        self._origins: list[int] = []
        self._next: list[int] = []

    def add(self, handle: Handle, searches: list[Search]) -> None:
        self.requests[handle] = searches
        self._active += [(handle, search) for search in searches]

    def cancel(self, handle: Handle) -> None:
        if self.requests.pop(handle, None) is not None and not self.rows.is_ready:
            self.rows.forget(handle)
            self._active = [active for active in self._active if active[0] != handle]

    def advance(self) -> dict[Handle, list[Search] | Exception]:
        """Prefills part of an article, or advances every search by a token; returns the requests that ended."""
        if not self.rows.is_ready:
            self.rows.prepare()
            return {}
        if self._next:
            self.rows.extend(self._origins, self._next)
            self._origins, self._next = [], []
        logits = self.rows.logits()
        failed: dict[Handle, list[Search] | Exception] = {}
        still_active = []
        first = 0
        for handle, search in self._active:
            width = search.width
            # Skips the rows of cancelled and failed requests, which drops them from the batch.
            if handle in self.requests:
                try:
                    move = search.advance(logits[first : first + width])
                except Exception as error:
                    failed[handle] = error
                    del self.requests[handle]
                    move = None
                if move is not None:
                    self._origins += [first + origin for origin in move.origins]
                    self._next += move.tokens
                    still_active.append((handle, search))
            first += width
        self._active = still_active
        running = {handle for handle, _ in still_active}
        ended = [handle for handle in self.requests if handle not in running]
        done = {handle: self.requests.pop(handle) for handle in ended}
        return {**failed, **done}


def _layers(encoder: torch.nn.Module) -> Sequence[torch.nn.Module]:
    """An encoder's layers, which models name differently."""
    return next((list(part) for part in encoder.children() if isinstance(part, torch.nn.ModuleList)), [])


def _special_tokens(card: Card, model: Any) -> SpecialTokens:
    generation, config = model.generation_config, model.config
    eos = generation.eos_token_id if generation.eos_token_id is not None else config.eos_token_id
    if eos is None:
        raise ModelError(f"{card.id} has no end token (eos_token_id) in its generation_config.json or config.json")
    ends = tuple(eos) if isinstance(eos, (list, tuple)) else (int(eos),)
    if card.family == "causal":
        return SpecialTokens(ends)
    start = generation.decoder_start_token_id
    if start is None:
        start = getattr(config, "decoder_start_token_id", None)
    if start is None:
        raise ModelError(f"{card.id} has no decoder_start_token_id in its generation_config.json or config.json")
    return SpecialTokens(ends, int(start), generation.forced_bos_token_id)
