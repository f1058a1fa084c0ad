"""Rows of a batch of the model: its caches, and the forward passes that fill them."""

import inspect
from abc import ABC, abstractmethod
from typing import Any

import torch
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from nutgraf_models.engines.base import Handle
from nutgraf_models.engines.shared_attention import Grid, grid

# Tokens of a prompt read in one step, so that a long article does not hold up the others, nor a cancel.
_PIECE = 512


class BatchRows(ABC):
    """Rows of a batch. `logits` are those of each row's next token, [rows, vocabulary]."""

    def __init__(self, model: Any, device: torch.device) -> None:
        self._model = model
        self._device = device
        # transformers has renamed the argument, and takes the old name until 5.40.
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
        """Reads a piece of what is still to be read; the last call makes `is_ready` true."""

    def forget(self, handle: Handle) -> None:  # noqa: B027 - rows of one request are forgotten as a whole
        """Leaves an article out that may not have been read yet. Only until `is_ready`."""

    @abstractmethod
    def extend(self, origins: list[int], tokens: list[int]) -> None:
        """Keeps the rows `origins`, in that order, and gives each its next token."""

    def _select(self, cache: Any, origins: list[int], width: int) -> None:
        if origins != list(range(width)):
            cache.batch_select_indices(torch.tensor(origins, device=self._device))

    def _tensor(self, rows: list[list[int]]) -> torch.Tensor:
        return torch.tensor(rows, dtype=torch.long, device=self._device)


class Seq2SeqRows(BatchRows):
    """An encoder-decoder over several articles: rows of all of them are one batch.

    Each article is encoded by itself, since an article is work enough for all cores and nothing is spent on padding;
    only what the decoder looks at is padded. All rows are at the same step: a decoder counts positions for the whole
    batch. What the decoder reads of an article is there once, for all of its rows (see `shared_attention`), which are
    neighbours.
    """

    def __init__(self, model: Any, device: torch.device, start: int) -> None:
        super().__init__(model, device)
        self._start = start
        self._ids: dict[Handle, list[int]] = {}
        self._counts: dict[Handle, int] = {}
        self._states: dict[Handle, torch.Tensor] = {}
        self._encoded: Any = None
        # 1 where a position of an article counts, 0 for padding; None where nothing is padded.
        self._mask: torch.Tensor | None = None
        # Which article each row is of, by its place among those that still have rows.
        self._owners: list[int] = []
        self._grid: Grid | None = None
        self._cache = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def add(self, handle: Handle, ids: list[int], rows: int) -> None:
        """Takes in another article, for which there will be as many rows. Only until `is_ready`."""
        self._ids[handle] = ids
        self._counts[handle] = rows

    def forget(self, handle: Handle) -> None:
        for one in (self._ids, self._counts, self._states):
            one.pop(handle, None)

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
        # The first step is alike for all rows of an article.
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
            # Only its shape is still looked at.
            self._encoded.last_hidden_state = self._encoded.last_hidden_state[: len(kept)]
        self._owners = [kept.index(owner) for owner in owners]
        self._grid = grid(self._owners, self._device)

    def _reorder(self, origins: list[int]) -> None:
        """Has beams change places in what the decoder has written. Many go on from themselves, and stay."""
        if len(origins) != len(self._owners):
            self._select(self._cache.self_attention_cache, origins, len(self._owners))
            return
        moved = [place for place, origin in enumerate(origins) if place != origin]
        if moved:
            places = torch.tensor(moved, device=self._device)
            sources = torch.tensor([origins[place] for place in moved], device=self._device)
            layers: list[Any] = self._cache.self_attention_cache.layers
            for layer in layers:
                layer.keys[places] = layer.keys[sources]
                layer.values[places] = layer.values[sources]

    def _forward(self, tokens: list[list[int]]) -> torch.Tensor:
        # After its first step the decoder reads the encoder's output from the cache.
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
    """A decoder-only model: the prefix with the article is read once, then each row's own end of the prompt."""

    def __init__(self, model: Any, device: torch.device, prefix: list[int], suffixes: list[list[int]]) -> None:
        super().__init__(model, device)
        self._prefix = prefix
        self._suffixes = suffixes
        self._read = 0
        self._cache = DynamicCache()
        # 1 where a cached position counts, 0 for padding: [rows, positions].
        self._mask = torch.ones((1, 0), dtype=torch.long, device=device)

    def prepare(self) -> None:
        piece = self._prefix[self._read : self._read + _PIECE]
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
