"""Greedy and beam search for one row, one token per call.

A search has `width` hypotheses, each a row of the model's batch. `advance` takes the logits of the next token and
returns the surviving hypotheses and their tokens; the engine reorders the model's cache accordingly.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from transformers import LogitsProcessor, LogitsProcessorList
from transformers.generation.logits_process import (
    ForcedBOSTokenLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)

from nutgraf_models.checkpoints.card import Decoding
from nutgraf_models.engines.tokenizer import IsEnough
from nutgraf_models.results import FinishReason


@dataclass(frozen=True)
class SpecialTokens:
    """Token ids for a search. `start` is the first token of a decoder; None for a decoder-only model."""

    eos: tuple[int, ...]
    start: int | None = None
    forced_bos: int | None = None


@dataclass(frozen=True)
class Hypothesis:
    """Tokens without the start and end tokens, and their score: log-probability / length ** length_penalty."""

    tokens: tuple[int, ...]
    score: float
    finish: FinishReason


@dataclass(frozen=True)
class Move:
    """The hypotheses that continue, as indices into the current ones (repeats are possible), and their next tokens."""

    origins: list[int]
    tokens: list[int]


class Search(ABC):
    def __init__(
        self, decoding: Decoding, special: SpecialTokens, is_enough: IsEnough, prefix: Sequence[int] = ()
    ) -> None:
        self._decoding = decoding
        self._special = special
        self._is_enough = is_enough
        self._processors = _processors(decoding, special, prefix)
        self._skip = 0 if special.start is None else 1
        self.width = 1
        self.generated = 0

    @abstractmethod
    def advance(self, logits: torch.Tensor) -> Move | None:
        """Takes the next token's logits, [width, vocabulary]; returns None when the search has ended."""

    @abstractmethod
    def hypotheses(self) -> list[Hypothesis]:
        """The results, best first. Not empty after the first `advance`."""


def start_search(decoding: Decoding, special: SpecialTokens, is_enough: IsEnough, prefix: Sequence[int] = ()) -> Search:
    """`prefix`: tokens that every hypothesis begins with."""
    kind = GreedySearch if decoding.num_beams == 1 else BeamSearch
    return kind(decoding, special, is_enough, prefix)


class GreedySearch(Search):
    """Takes the likeliest token at each step."""

    def __init__(
        self, decoding: Decoding, special: SpecialTokens, is_enough: IsEnough, prefix: Sequence[int] = ()
    ) -> None:
        super().__init__(decoding, special, is_enough, prefix)
        self._tokens = [] if special.start is None else [special.start]
        self._finish = FinishReason.TOKEN_LIMIT

    def advance(self, logits: torch.Tensor) -> Move | None:
        scores = self._processors(_history([self._tokens], logits), cast(torch.FloatTensor, logits.float()))
        token = int(scores[0].argmax())
        self.generated += 1
        if token in self._special.eos:
            self._finish = FinishReason.STOP
            return None
        self._tokens.append(token)
        if self._is_enough(self._tokens[self._skip :]):
            self._finish = FinishReason.CAP
            return None
        if self.generated >= self._decoding.max_new_tokens:
            return None
        return Move([0], [token])

    def hypotheses(self) -> list[Hypothesis]:
        return [Hypothesis(tuple(self._tokens[self._skip :]), 0.0, self._finish)]


class BeamSearch(Search):
    """Beam search with the scores and stopping rules of `generate` in transformers.

    So a checkpoint's published presets keep their meaning; see `length_penalty` and `early_stopping` in the
    documentation of transformers.
    """

    def __init__(
        self, decoding: Decoding, special: SpecialTokens, is_enough: IsEnough, prefix: Sequence[int] = ()
    ) -> None:
        super().__init__(decoding, special, is_enough, prefix)
        start = [] if special.start is None else [special.start]
        self._beams: list[list[int]] = [list(start)]
        self._scores = torch.zeros(1)
        self._finished: list[Hypothesis] = []

    def advance(self, logits: torch.Tensor) -> Move | None:
        width = self._decoding.num_beams
        log_probs = torch.log_softmax(logits.float(), dim=-1)
        log_probs = self._processors(_history(self._beams, logits), cast(torch.FloatTensor, log_probs))
        totals = log_probs + self._scores[:, None].to(log_probs.device)
        vocabulary = totals.shape[-1]
        # Enough candidates for `width` of them to continue even if all others end here.
        count = min((1 + len(self._special.eos)) * width, totals.numel())
        values, indices = totals.flatten().topk(count)
        self.generated += 1
        origins: list[int] = []
        tokens: list[int] = []
        scores: list[float] = []
        for rank, (total, index) in enumerate(zip(values.tolist(), indices.tolist(), strict=True)):
            origin, token = divmod(index, vocabulary)
            if total == float("-inf") or len(origins) == width:
                break
            if token in self._special.eos:
                if rank < width:
                    self._finish(self._beams[origin], total, FinishReason.STOP)
                continue
            grown = [*self._beams[origin], token]
            if self._is_enough(grown[self._skip :]):
                if rank < width:
                    self._finish(grown, total, FinishReason.CAP)
                continue
            origins.append(origin)
            tokens.append(token)
            scores.append(total)
        self._beams = [[*self._beams[origin], token] for origin, token in zip(origins, tokens, strict=True)]
        self._scores = torch.tensor(scores)
        self.width = len(self._beams)
        if not self._beams or self._is_done():
            return None
        if self.generated >= self._decoding.max_new_tokens:
            for beam, score in zip(self._beams, scores, strict=True):
                self._finish(beam, score, FinishReason.TOKEN_LIMIT)
            return None
        return Move(origins, tokens)

    def hypotheses(self) -> list[Hypothesis]:
        return list(self._finished)

    def _finish(self, tokens: list[int], total: float, finish: FinishReason) -> None:
        score = total / self.generated**self._decoding.length_penalty
        self._finished.append(Hypothesis(tuple(tokens[self._skip :]), score, finish))
        self._finished.sort(key=lambda hypothesis: hypothesis.score, reverse=True)
        del self._finished[self._decoding.num_beams :]

    def _is_done(self) -> bool:
        if len(self._finished) < self._decoding.num_beams:
            return False
        if self._decoding.early_stopping:
            return True
        reachable = float(self._scores.max()) / self.generated**self._decoding.length_penalty
        return bool(reachable <= self._finished[-1].score)


def _history(beams: list[list[int]], logits: torch.Tensor) -> torch.LongTensor:
    ids = torch.tensor(beams, dtype=torch.long, device=logits.device).reshape(len(beams), -1)
    return cast(torch.LongTensor, ids)


class _MinNewTokens(LogitsProcessor):
    """Like the processor of transformers, but without its search of the whole vocabulary for end tokens."""

    def __init__(self, length: int, eos: tuple[int, ...]) -> None:
        self._length = length
        self._eos = list(eos)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if input_ids.shape[1] >= self._length:
            return scores
        scores = cast(torch.FloatTensor, scores.clone())
        scores[:, self._eos] = -float("inf")
        return scores


class _Prefix(LogitsProcessor):
    """Allows only the tokens of a prefix, one after the other, from position `start` on."""

    def __init__(self, start: int, prefix: Sequence[int]) -> None:
        self._start = start
        self._prefix = prefix

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        index = input_ids.shape[1] - self._start
        if not 0 <= index < len(self._prefix):
            return scores
        scores = cast(torch.FloatTensor, torch.full_like(scores, -float("inf")))
        scores[:, self._prefix[index]] = 0.0
        return scores


def _processors(decoding: Decoding, special: SpecialTokens, prefix: Sequence[int]) -> LogitsProcessorList:
    start = 0 if special.start is None else 1
    processors = LogitsProcessorList()
    if decoding.repetition_penalty != 1.0:
        processors.append(RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty))
    if decoding.no_repeat_ngram_size:
        processors.append(NoRepeatNGramLogitsProcessor(decoding.no_repeat_ngram_size))
    if decoding.min_new_tokens:
        processors.append(_MinNewTokens(decoding.min_new_tokens + start, special.eos))
    if special.forced_bos is not None:
        processors.append(ForcedBOSTokenLogitsProcessor(special.forced_bos))
    if prefix:
        processors.append(_Prefix(start + (special.forced_bos is not None), prefix))
    return processors
