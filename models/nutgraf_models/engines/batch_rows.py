"""The rows of a batch: the model's caches, and the forward passes that fill them."""

import inspect
from abc import ABC, abstractmethod
from typing import Any

import torch
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from nutgraf_models.engines.base import Handle
from nutgraf_models.engines.shared_attention import Grid, grid

# Prompt tokens per step; limited so that a long article delays neither other requests nor a cancellation.
_PREFILL_TOKENS = 512


class BatchRows(ABC):
    """The rows of a batch. `logits` are those of each row's next token, [rows, vocabulary]."""

    def __init__(self, model: Any, device: torch.device) -> None:
        self._model = model
        self._device = device
        # transformers has renamed this argument; it accepts the old name until 5.40.
        names = inspect.signature(model.forward).parameters
        self._cache_name = "cache" if "cache" in names else "past_key_values"
        self._logits: torch.Tensor | None = None

    @property
    def is_ready(self) -> bool:
        return self._logits is not None

    def logits(self) -> torch.Tensor:
        assert self._logits is not None
        return self._logits

    @abstractmethod
    def prepare(self) -> None:
        """Prefills the next part of the input; the last call makes `is_ready` true."""

    def forget(self, handle: Handle) -> None:  # noqa: B027 - a batch with one request is dropped as a whole
        """Removes an article. Only before `is_ready`."""

    @abstractmethod
    def extend(self, origins: list[int], tokens: list[int]) -> None:
        """Selects the rows `origins`, in this order, appends a token to each, and computes the next logits."""

    def _select(self, cache: Any, origins: list[int], width: int) -> None:
        if origins != list(range(width)):
            cache.batch_select_indices(torch.tensor(origins, device=self._device))

    def _tensor(self, rows: list[list[int]]) -> torch.Tensor:
        return torch.tensor(rows, dtype=torch.long, device=self._device)


class Seq2SeqRows(BatchRows):
    """Rows of an encoder-decoder for several articles in one batch.

    Articles are encoded one at a time: a single article keeps all cores busy, and none are wasted on padding. The
    encoder's outputs are padded for the decoder. All rows are at the same step, because a decoder counts positions for
    the whole batch. The rows of an article are adjacent and share its encoder output (see `shared_attention`).
    """

    def __init__(self, model: Any, device: torch.device, start: int) -> None:
        super().__init__(model, device)
        self._start = start
        self._ids: dict[Handle, list[int]] = {}
        self._counts: dict[Handle, int] = {}
        self._states: dict[Handle, torch.Tensor] = {}
        self._encoded: Any = None
        # [articles, positions]: 1 for tokens, 0 for padding; None without padding.
        self._mask: torch.Tensor | None = None
        # The article of each row, as an index into the articles that still have rows.
        self._owners: list[int] = []
        self._grid: Grid | None = None
        self._cache = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def add(self, handle: Handle, ids: list[int], rows: int) -> None:
        """Adds an article with a number of rows. Only before `is_ready`."""
        self._ids[handle] = ids
        self._counts[handle] = rows

    def forget(self, handle: Handle) -> None:
        for by_handle in (self._ids, self._counts, self._states):
            by_handle.pop(handle, None)

    def prepare(self) -> None:
        for handle, ids in self._ids.items():
            if handle not in self._states:
                self._states[handle] = self._model.get_encoder()(self._tensor([ids])).last_hidden_state[0]
                return
        lengths = [len(ids) for ids in self._ids.values()]
        if len(set(lengths)) > 1:
            longest = max(lengths)
            self._mask = self._tensor([[1] * length + [0] * (longest - length) for length in lengths])
        padded = torch.nn.utils.rnn.pad_sequence(list(self._states.values()), batch_first=True)
        self._encoded = BaseModelOutput(last_hidden_state=padded)
        self._states = {}
        self._owners = list(range(len(lengths)))
        # The first step is the same for all rows of an article.
        logits = self._forward([[self._start]] * len(lengths))
        origins = [owner for owner, count in enumerate(self._counts.values()) for _ in range(count)]
        self._move(origins)
        self._logits = logits[origins]

    def extend(self, origins: list[int], tokens: list[int]) -> None:
        self._move(origins)
        self._logits = self._forward([[token] for token in tokens])

    def _move(self, origins: list[int]) -> None:
        self._reorder(origins)
        owners = [self._owners[origin] for origin in origins]
        if owners == self._owners:
            return
        kept = list(dict.fromkeys(owners))
        articles = self._encoded.last_hidden_state.shape[0]
        self._select(self._cache.cross_attention_cache, kept, articles)
        if len(kept) < articles:
            if self._mask is not None:
                self._mask = self._mask[kept]
            # The model reads only its shape from now on.
            self._encoded.last_hidden_state = self._encoded.last_hidden_state[: len(kept)]
        self._owners = [kept.index(owner) for owner in owners]
        self._grid = grid(self._owners, self._device)

    def _reorder(self, origins: list[int]) -> None:
        """Reorders the decoder's own cache. Copies only rows that move: many beams continue from themselves."""
        if len(origins) != len(self._owners):
            self._select(self._cache.self_attention_cache, origins, len(self._owners))
            return
        moved = [row for row, origin in enumerate(origins) if row != origin]
        if moved:
            targets = torch.tensor(moved, device=self._device)
            sources = torch.tensor([origins[row] for row in moved], device=self._device)
            layers: list[Any] = self._cache.self_attention_cache.layers
            for layer in layers:
                layer.keys[targets] = layer.keys[sources]
                layer.values[targets] = layer.values[sources]

    def _forward(self, tokens: list[list[int]]) -> torch.Tensor:
        # After its first step, the decoder reads the encoder's output from the cache.
        output = self._model(
            encoder_outputs=self._encoded,
            attention_mask=self._mask,
            decoder_input_ids=self._tensor(tokens),
            use_cache=True,
            grid=self._grid,
            **{self._cache_name: self._cache},
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits


class CausalRows(BatchRows):
    """Rows of a decoder-only model: the prefix with the article is read once, then each row's end of the prompt."""

    def __init__(self, model: Any, device: torch.device, prefix: list[int], suffixes: list[list[int]]) -> None:
        super().__init__(model, device)
        self._prefix = prefix
        self._suffixes = suffixes
        self._read = 0
        self._cache = DynamicCache()
        # [rows, positions]: 1 for cached tokens, 0 for padding.
        self._mask = torch.ones((1, 0), dtype=torch.long, device=device)

    def prepare(self) -> None:
        piece = self._prefix[self._read : self._read + _PREFILL_TOKENS]
        if piece:
            self._forward(self._tensor([piece]), torch.ones((1, len(piece)), dtype=torch.long, device=self._device))
            self._read += len(piece)
            return
        rows = len(self._suffixes)
        self._cache.batch_repeat_interleave(rows)
        self._mask = self._mask.repeat_interleave(rows, dim=0)
        width = max(map(len, self._suffixes))
        padded = [[0] * (width - len(suffix)) + suffix for suffix in self._suffixes]
        counts = [[0] * (width - len(suffix)) + [1] * len(suffix) for suffix in self._suffixes]
        self._logits = self._forward(self._tensor(padded), self._tensor(counts))

    def extend(self, origins: list[int], tokens: list[int]) -> None:
        self._select(self._cache, origins, self.logits().shape[0])
        self._mask = self._mask[origins]
        column = self._tensor([[token] for token in tokens])
        self._logits = self._forward(column, torch.ones_like(column))

    def _forward(self, tokens: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        self._mask = torch.cat([self._mask, counts], dim=1)
        positions = (self._mask.cumsum(dim=1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        output = self._model(
            input_ids=tokens,
            attention_mask=self._mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **{self._cache_name: self._cache},
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits
