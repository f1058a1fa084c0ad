"""Cost of 8-bit activations in the default model, as OpenVINO rounds them, by group size.

For each group size: the loss of the references in nats per token, the share of tokens (up to the first difference) and
of answers that equal those without rounding, the share of doubted sentences, and seconds per article. Group 0 is
without rounding; "channel" has one scale per row. OpenVINO rounds both in prefill and in decoding.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from first_figures import processor

from nutgraf_models.article import Article
from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card
from nutgraf_models.engines import openvino_engine
from nutgraf_models.engines.openvino_engine import OpenVinoEngine
from nutgraf_models.engines.tokenizer import ArticleTokenizer
from nutgraf_models.lengths import Length
from nutgraf_models.pipeline.driver import run
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_models.runtime.openvino_import import openvino, openvino_genai

_KEY = "DYNAMIC_QUANTIZATION_GROUP_SIZE"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help='JSON lines with "article", "short" and "long"')
    parser.add_argument("--limit", type=int, default=60, help="number of articles")
    parser.add_argument("--groups", nargs="+", default=["0", "32", "64", "128"])
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.data.read_text(encoding="utf-8").splitlines()][: arguments.limit]
    card = find_card(DEFAULT_MODEL)
    folder = store.pull(card)
    plain: list[list[int]] | None = None
    print(f"{processor()}; {len(rows)} articles, {arguments.data.name}")
    print(f"{'group':>8} {'loss':>7} {'same tokens':>12} {'same answers':>13} {'doubted':>8} {'s/article':>10}")
    for name in arguments.groups:
        group = int(name)
        loss = mean_loss(card, folder, group, rows)
        answers, doubted, seconds = write(card, folder, group, rows)
        plain = plain or answers
        same = [common_prefix(one, other) for one, other in zip(answers, plain, strict=True)]
        tokens = sum(same) / sum(map(len, plain))
        whole = sum(one == other for one, other in zip(answers, plain, strict=True)) / len(plain)
        print(f"{name:>8} {loss:7.4f} {tokens:12.1%} {whole:13.1%} {doubted:8.1%} {seconds:10.2f}", flush=True)


def mean_loss(card: Card, folder: Path, group: int, rows: Sequence[dict[str, Any]]) -> float:
    """Nats per token of both references, each after its article's prompt."""
    tokenizer = ArticleTokenizer.from_folder(folder)
    model = openvino.Core().compile_model(str(folder / "openvino_model.xml"), "CPU", {_KEY: group})
    request = model.create_infer_request()
    total = count = 0.0
    for row in rows:
        before = tokenizer.encode(card.prompt.before + tokenizer.as_text(row["article"]))
        for length in Length:
            prompt = before + tokenizer.encode(card.prompt.after(length))
            tokens = prompt + tokenizer.encode(row[length.value])
            request.reset_state()
            result = request.infer(
                {
                    "input_ids": np.array([tokens], dtype=np.int64),
                    "attention_mask": np.ones((1, len(tokens)), dtype=np.int64),
                    "position_ids": np.arange(len(tokens), dtype=np.int64)[None],
                    "beam_idx": np.zeros(1, dtype=np.int32),
                }
            )
            logits = next(iter(result.values()))[0, len(prompt) - 1 : -1].astype(np.float64)
            logits -= logits.max(axis=1, keepdims=True)
            logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            wanted = np.array(tokens[len(prompt) :])
            total -= float(logs[np.arange(len(wanted)), wanted].sum())
            count += len(wanted)
    return total / count


def write(card: Card, folder: Path, group: int, rows: Sequence[dict[str, Any]]) -> tuple[list[list[int]], float, float]:
    """The tokens of each answer, the share of doubted sentences in the raw output, and seconds per article."""
    pipeline = openvino_genai.ContinuousBatchingPipeline

    def rounding(model: str, scheduling: Any, device: str, properties: dict[str, Any]) -> Any:
        return pipeline(model, scheduling, device, {**properties, _KEY: group})

    openvino_engine.openvino_genai.ContinuousBatchingPipeline = rounding
    try:
        engine = OpenVinoEngine(card, folder)
    finally:
        openvino_engine.openvino_genai.ContinuousBatchingPipeline = pipeline
    summarizer = Summarizer(card, engine)
    tokenizer = ArticleTokenizer.from_folder(folder)
    started = time.perf_counter()
    results = run(engine, (summarizer.pipeline(Article(row["article"]), show_doubted=True) for row in rows))
    seconds = (time.perf_counter() - started) / len(rows)
    summaries = [summary for result in results for summary in result.summaries]
    sentences = [sentence for summary in summaries for sentence in summary.sentences]
    doubted = sum(not sentence.is_supported for sentence in sentences) / max(1, len(sentences))
    return [tokenizer.encode(summary.text) for summary in summaries], doubted, seconds


def common_prefix(tokens: Sequence[int], others: Sequence[int]) -> int:
    return next(
        (i for i, (one, other) in enumerate(zip(tokens, others, strict=False)) if one != other),
        min(len(tokens), len(others)),
    )


if __name__ == "__main__":
    main()
