"""Fits the words of the main-point ranking, and prints how often its top sentence states the main point.

    python tests/benchmarks/main_point.py TRAIN.jsonl... --held-out DEV.jsonl... [--write | --train-ranker FOLDER]

The data: JSON lines with "id" and "article", and with "short" if there is a reference. `main_point_labels.jsonl` has,
by id, the indexes of the sentences that readers marked as stating the main point ("main") or a part of it ("partly"),
in the first "words" words of the article (0: all). Of other articles with a reference, the sentence with most of its
content words counts as marked. Figures are three-fold cross-validation by article; what is held out is only tested.
If some file has the "headline" of an article, the last line compares the figures without and with it.

The second table is for the default model's ranker beside the words, on articles that it was not trained on: 330 of the
labelled ones, which only calibrate it, and those that are held out. `--train-ranker` trains another one on the rest,
which takes half an hour on two cores with AVX-512, writes its adapter to FOLDER, and prints the figures of that one.
"""

import argparse
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card
from nutgraf_models.checks.words import tokens_of
from nutgraf_models.engines.ranker import Ranker
from nutgraf_models.engines.tokenizer import ArticleTokenizer
from nutgraf_models.extracts import main_point
from nutgraf_models.runtime.precision import best_dtype
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split, story_start
from nutgraf_models.training.clean import Truecaser
from nutgraf_models.training.pairs import article_key
from nutgraf_models.training.ranker import MarkedArticle, RankingRecipe, train_ranker

# A row, and its sentences' scores by the words.
Pair = tuple[dict[str, Any], list[float]]
FOLDS = 3
# Labelled articles on which the ranker is tested.
LEFT_OUT = 330
# Signals in fewer sentences are not fitted. Of the others, those with the largest weights are kept and fitted again.
LEAST, KEPT = 8, 2000
PENALTY, PENALTY_AGAIN = 12.0, 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA.jsonl")
    parser.add_argument("--held-out", nargs="+", type=Path, default=[], metavar="DATA.jsonl")
    parser.add_argument("--write", action="store_true", help="write main_point_words.txt")
    parser.add_argument("--train-ranker", type=Path, metavar="FOLDER", help="train a ranker; write its adapter")
    arguments = parser.parse_args()
    train_rows = [row for file in arguments.data for row in read(file)]
    held_out = [row | {"held_out": True} for file in arguments.held_out for row in read(file)]
    rows = marked([*train_rows, *held_out])
    for row in rows:
        compared = row["sentences"][: main_point.MAX_SENTENCES]
        row["first"] = main_point.signal_scores(compared)
        row["signals"] = main_point.word_signals(compared, len(row["sentences"]))
    rows = [row for row in rows if any(index < len(row["first"]) for index in row["main"])]
    train = [row for row in rows if not row.get("held_out")]
    random.Random(0).shuffle(train)
    tested: list[Pair] = []
    for fold in range(FOLDS):
        weights = fit([row for index, row in enumerate(train) if index % FOLDS != fold])
        tested += [(row, main_point.combined(row["first"], row["signals"], weights)) for row in train[fold::FOLDS]]
    weights = fit(train)
    tested += [(row, main_point.combined(row["first"], row["signals"], weights)) for row in rows if row.get("held_out")]
    print(f"{'':24} {'articles':>8} {'first':>7} {'signals':>8} {'words':>7}")
    for name in sorted({group(row) for row in rows}):
        part = [(row, ranked) for row, ranked in tested if group(row) == name]
        shares = [
            sum(top(ranked) in row["main"] for row, ranked in pairs) / len(part)
            for pairs in ([(row, [1.0]) for row, _ in part], [(row, row["first"]) for row, _ in part], part)
        ]
        print(f"{name:24} {len(part):8} {shares[0]:7.1%} {shares[1]:8.1%} {shares[2]:7.1%}")
    part = [(row, ranked) for row, ranked in tested if row["headline"]]
    if part:
        without = sum(top(ranked) in row["main"] for row, ranked in part) / len(part)
        told = [
            top(main_point.with_headline(ranked, row["sentences"][: len(ranked)], row["headline"])) in row["main"]
            for row, ranked in part
        ]
        print(f"{len(part)} articles with a headline: {without:.1%} without it, {sum(told) / len(told):.1%} with it")
    left_out = {id(row) for row in [row for row in train if row["source"] != "reference"][:LEFT_OUT]}
    folder = store.pull(find_card(DEFAULT_MODEL))
    if arguments.train_ranker:
        pairs = [pair for pair in tested if not pair[0]["held_out"]]
        ranked = trained_ranker(folder, pairs, left_out, arguments.train_ranker)
    else:
        ranked = Ranker(folder, ArticleTokenizer.from_folder(folder)).scores
    print_ranked([pair for pair in tested if id(pair[0]) in left_out or pair[0]["held_out"]], ranked)
    if arguments.write:
        lines = [f"{weight:.3f} {name}" for name, weight in sorted(weights.items())]
        file = Path(main_point.__file__).with_name("main_point_words.txt")
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def trained_ranker(
    folder: Path, pairs: Sequence[Pair], left_out: set[int], output: Path
) -> Callable[[Sequence[str]], tuple[float, ...]]:
    """Trains a ranker beside the scores by the words, and writes its adapter to `output`.

    `left_out`: the ids of the rows that only calibrate it.
    """
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    articles: dict[str, list[MarkedArticle]] = {"labelled": [], "easy": [], "left out": []}
    for row, scores in pairs:
        is_easy = row["source"] == "reference"
        kind = "left out" if id(row) in left_out else "easy" if is_easy else "labelled"
        sentences = tuple(row["sentences"][: len(scores)])
        weight = 0.5 if is_easy else 1.0
        articles[kind].append(MarkedArticle(sentences, frozenset(row["main"]), tuple(scores), weight))
    ranking = train_ranker(
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        ArticleTokenizer.from_folder(folder),
        articles["labelled"],
        RankingRecipe(),
        easy=articles["easy"],
        dtype=best_dtype(torch.device("cpu"), "causal", packed=False),
    )
    ranking.calibrate(articles["left out"])
    ranking.save(output)

    def scores_of(sentences: Sequence[str]) -> tuple[float, ...]:
        with torch.no_grad():
            return tuple(ranking(sentences).tolist())

    return scores_of


def print_ranked(pairs: Sequence[Pair], ranker: Callable[[Sequence[str]], Sequence[float]]) -> None:
    print(f"{'':24} {'articles':>8} {'words':>7} {'ranker':>7} {'asked':>7}")
    for name in sorted({group(row) for row, _ in pairs}):
        part = [(row, scores) for row, scores in pairs if group(row) == name]
        told = asked = told_before = 0
        for row, scores in part:
            told_before += top(scores) in row["main"]
            if main_point.is_certain(scores):
                told += top(scores) in row["main"]
                continue
            asked += 1
            ranked = ranker(row["sentences"][: len(scores)])
            told += top(main_point.with_ranker(scores, ranked)) in row["main"]
        count = len(part)
        print(f"{name:24} {count:8} {told_before / count:7.1%} {told / count:7.1%} {asked / count:7.1%}")


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def marked(articles: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The articles' sentences with the indexes of the marked ones, from the labels or the reference."""
    labels = {label["id"]: label for label in read(Path(__file__).with_name("main_point_labels.jsonl"))}
    recased = Truecaser(row["article"] for row in articles if not row["article"].islower())
    # An article may be in several files.
    headlines = {article_key(row["article"]): row["headline"] for row in articles if row.get("headline")}
    labelled = {article_key(row["article"]) for row in articles if row["id"] in labels}
    rows = []
    misfits = 0
    for article in {row["id"]: row for row in articles}.values():
        label = labels.get(article["id"])
        if label is None and ("short" not in article or article_key(article["article"]) in labelled):
            continue
        words = article["article"].split(" ")
        text = normalize(" ".join(words[: (label or {}).get("words") or len(words)])).text
        whole = split(text)
        start = story_start(text, whole)
        sentences = [sentence.text for sentence in whole]
        row: dict[str, Any] = {"sentences": sentences, "source": "reference", "weight": 0.5}
        row["headline"] = headlines.get(article_key(article["article"]), "")
        row["held_out"] = article.get("held_out", False)
        if label is None:
            wanted = content(article["short"])
            shared = [len(wanted & content(sentence)) for sentence in sentences]
            row["main"] = [shared.index(max(shared))] if shared else []
        elif len(sentences) != label["sentences"]:
            misfits += 1
            continue
        else:
            row |= {"main": label["main"], "source": "labels"}
            if label.get("recased"):
                row |= {"sentences": [recased(text) for text in sentences], "source": "labels, recased"}
            else:
                row["weight"] = 1.0
        # As in serving, lines before the story are left out.
        row["sentences"] = row["sentences"][start:]
        row["main"] = [index - start for index in row["main"] if index >= start]
        rows.append(row)
    if misfits:
        print(f"{misfits} labelled articles have other sentences than when they were labelled, and are left out")
    return rows


def content(text: str) -> set[str]:
    return {token.form for token in tokens_of(text) if token.is_content}


def group(row: dict[str, Any]) -> str:
    return f"{row['source']}{', held out' if row.get('held_out') else ''}"


def top(ranked: Sequence[float]) -> int:
    return max(range(len(ranked)), key=ranked.__getitem__)


def fit(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    counts = Counter(name for row in rows for signals in row["signals"] for name in signals)
    weights = fit_signals(rows, [name for name, count in counts.items() if count >= LEAST], PENALTY)
    largest = sorted((name for name in weights if name != main_point.FIRST_STEP), key=lambda name: -abs(weights[name]))
    return fit_signals(rows, largest[:KEPT], PENALTY_AGAIN)


def fit_signals(rows: Sequence[dict[str, Any]], names: Sequence[str], penalty: float) -> dict[str, float]:
    """Maximises the probability that the top sentence is one of the marked ones, with an L2 penalty."""
    columns = {name: column for column, name in enumerate(names)}
    pairs = []
    owners: list[int] = []
    for number, row in enumerate(rows):
        for signals in row["signals"]:
            pairs += [(len(owners), columns[name]) for name in signals if name in columns]
            owners.append(number)
    first = torch.tensor([score for row in rows for score in row["first"]])
    marked = torch.tensor([float(index in row["main"]) for row in rows for index in range(len(row["first"]))])
    # References follow the first sentence closely; labels are the better teachers.
    importance = torch.tensor([float(row.get("weight", 1.0)) for row in rows])
    owner = torch.tensor(owners)
    matrix = torch.sparse_coo_tensor(
        torch.tensor(pairs).T, torch.ones(len(pairs)), (len(owners), len(names)), check_invariants=False
    ).coalesce()
    weights = torch.zeros(len(names), requires_grad=True)
    scale = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, scale], max_iter=40, history_size=8, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        ranked = torch.mv(matrix, weights) + scale * first
        most = torch.full((len(rows),), -1e9).scatter_reduce(0, owner, ranked.detach(), "amax")
        odds = torch.exp(ranked - most[owner])
        total = torch.zeros(len(rows)).index_add(0, owner, odds)
        right = torch.zeros(len(rows)).index_add(0, owner, odds * marked)
        value = -(importance * torch.log(right / total + 1e-9)).sum() + penalty * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return {main_point.FIRST_STEP: scale.item(), **dict(zip(names, weights.tolist(), strict=True))}


if __name__ == "__main__":
    main()
