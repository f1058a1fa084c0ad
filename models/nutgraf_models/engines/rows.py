"""The rows of one request in the model's batch: its caches, and the forward passes that fill them."""

import inspect
from abc import ABC, abstractmethod
from typing import Any

import torch
from transformers import DynamicCache, EncoderDecoderCache

# Tokens of a prompt read in one step, so that a long article does not hold up the others, nor a cancel.
_PIECE = 512


class Rows(ABC):
    """Rows of a batch over one article. `logits` are those of each row's next token, [rows, vocabulary]."""

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
        """Reads a piece of the article."""

    @abstractmethod
    def extend(self, origins: list[int], tokens: list[int]) -> None:
        """Keeps the rows `origins`, in that order, and gives each its next token."""

    def _select(self, cache: Any, origins: list[int], width: int) -> None:
        if origins != list(range(width)):
            cache.batch_select_indices(torch.tensor(origins, device=self._device))

    def _tensor(self, rows: list[list[int]]) -> torch.Tensor:
        return torch.tensor(rows, dtype=torch.long, device=self._device)


class Seq2SeqRows(Rows):
    """An encoder-decoder: the encoder runs once, and so does the decoder's first step, which all rows have alike."""

    def __init__(self, model: Any, device: torch.device, ids: list[int], start: int, rows: int) -> None:
        super().__init__(model, device)
        self._ids = ids
        self._start = start
        self._count = rows
        self._encoded: Any = None
        self._cache = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def prepare(self) -> None:
        if self._encoded is None:
            self._encoded = self._model.get_encoder()(self._tensor([self._ids]))
            return
        logits = self._forward([[self._start]])
        self._cache.batch_repeat_interleave(self._count)
        self._logits = logits.repeat_interleave(self._count, dim=0)

    def extend(self, origins: list[int], tokens: list[int]) -> None:
        self._select(self._cache, origins, self.logits().shape[0])
        self._logits = self._forward([[token] for token in tokens])

    def _forward(self, tokens: list[list[int]]) -> torch.Tensor:
        # Nothing is padded, so there is nothing to mask. After its first step the decoder reads the encoder's output
        # from the cache; it is passed on because the model's signature wants it.
        output = self._model(
            encoder_outputs=self._encoded,
            decoder_input_ids=self._tensor(tokens),
            use_cache=True,
            **{self._cache_name: self._cache},
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits


class CausalRows(Rows):
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
