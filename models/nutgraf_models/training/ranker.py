"""Training of the ranker of main points, which `checkpoints/ranker.py` describes."""

import json
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nutgraf_models.engines.ranker import QUESTION, encode
from nutgraf_models.engines.tokenizer import ArticleTokenizer
from nutgraf_models.extracts.main_point import with_ranker
from nutgraf_models.training.decoder import LoraDecoder
from nutgraf_models.training.trainer import schedule

logger = logging.getLogger(__name__)
_SPACE = 128
_HEAD_RATE = 2e-3
_SCALES = [step / 50 for step in range(1, 61)]


@dataclass(frozen=True)
class RankingRecipe:
    """Hyperparameters of a run.

    `blocks`: the number of the decoder's blocks in use, of which those from `first_adapted` on get an adapter. More of
    them take more time for each article.
    """

    blocks: int = 12
    first_adapted: int = 2
    rank: int = 16
    alpha: int = 32
    steps: int = 480
    batch_articles: int = 8
    learning_rate: float = 5e-4
    warmup: float = 0.06  # share of the steps
    seed: int = 5


@dataclass(frozen=True)
class MarkedArticle:
    """An article's first sentences, the indexes of those that state its main point, and their scores by the words.

    `weight`: of the article in the loss.
    """

    sentences: tuple[str, ...]
    marked: frozenset[int]
    scores: tuple[float, ...]
    weight: float = 1.0


class Ranking(torch.nn.Module):
    """The decoder and the head. Scores of sentences: of shape (sentences,)."""

    def __init__(
        self, base: Any, tokens: ArticleTokenizer, recipe: RankingRecipe, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed)
        adapted = range(recipe.first_adapted, recipe.blocks)
        self.decoder = LoraDecoder(base, recipe.rank, recipe.alpha, dtype=dtype, layers=adapted, seed=recipe.seed)
        self._tokens = tokens
        self._question = tokens.encode(QUESTION)
        size = base.config.hidden_size
        self.query, self.key = torch.nn.Linear(size, _SPACE), torch.nn.Linear(size, _SPACE)
        self.own = torch.nn.Linear(size, 1, bias=False)
        torch.nn.init.zeros_(self.own.weight)

    def forward(self, sentences: Sequence[str]) -> torch.Tensor:
        """The scores of the sentences that the ranker reads."""
        ids, ends = encode(sentences, self._tokens)
        tokens = torch.tensor([*ids, *self._question])
        visible = torch.ones(len(tokens), len(tokens), dtype=torch.bool).tril()
        hidden = self.decoder.hidden(tokens, torch.arange(len(tokens)), visible).float()
        keys = hidden[ends]
        scores: torch.Tensor = self.key(keys) @ self.query(hidden[-1]) / _SPACE**0.5 + self.own(keys)[:, 0]
        return scores

    def loss(self, article: MarkedArticle) -> torch.Tensor:
        """The weighted loss of an article; see `ranking_loss`."""
        return article.weight * ranking_loss(self(article.sentences), article)

    def calibrate(self, articles: Sequence[MarkedArticle]) -> None:
        """Scales the scores to the lowest loss on articles that it was not trained on: training makes it too sure."""
        with torch.no_grad():
            ranked = [self(article.sentences) for article in articles]

            def loss(scale: float) -> float:
                losses = [ranking_loss(scale * one, article) for one, article in zip(ranked, articles, strict=True)]
                return float(torch.stack(losses).mean())

            scale = min(_SCALES, key=loss)
            for parameter in (*self.key.parameters(), *self.own.parameters()):
                parameter.mul_(scale)

    def save(self, folder: Path) -> None:
        """Writes the adapter and the head to one file in PEFT's format."""
        head = {f"ranker.{name}": value for name, value in self.named_parameters()}
        self.decoder.save(folder, head)


def ranking_loss(ranked: torch.Tensor, article: MarkedArticle) -> torch.Tensor:
    """The negative log likelihood of the marked sentences by the ranker's scores and those of the words together.

    Zero if none is among the sentences that the ranker reads.
    """
    scores = ranked + torch.tensor(with_ranker(article.scores[: len(ranked)], [0.0] * len(ranked)))
    marked = [index for index in sorted(article.marked) if index < len(scores)]
    return scores.logsumexp(0) - scores[marked].logsumexp(0) if marked else scores.sum() * 0


def train_ranker(
    base: Any,
    tokens: ArticleTokenizer,
    articles: Sequence[MarkedArticle],
    recipe: RankingRecipe,
    *,
    easy: Sequence[MarkedArticle] = (),
    dtype: torch.dtype = torch.float32,
) -> Ranking:
    """Trains a ranker on articles, in random order, several times.

    `base`: a `LlamaForCausalLM`, the model with the weights that the ranker's adapter will be applied to. `easy`:
    further articles, of which each pass has a quarter.
    """
    ranking = Ranking(base, tokens, recipe, dtype)
    lora = ranking.decoder.parameters()
    head = list(ranking.parameters())
    groups = [{"params": lora, "rate": recipe.learning_rate}, {"params": head, "rate": _HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=0.01)
    order = random.Random(recipe.seed)
    waiting: list[MarkedArticle] = []
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * schedule(step, recipe.steps, recipe.warmup)
        total = 0.0
        for _ in range(recipe.batch_articles):
            if not waiting:
                waiting = [*articles, *order.sample(easy, len(easy) // 4)]
                order.shuffle(waiting)
            loss = ranking.loss(waiting.pop()) / recipe.batch_articles
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        ranking.decoder.collect_gradients()
        torch.nn.utils.clip_grad_norm_([*lora, *head], 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ranking.decoder.refresh()
        logger.info("%s", json.dumps({"step": step + 1, "of": recipe.steps, "loss": total}))
    return ranking
