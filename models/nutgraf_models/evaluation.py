"""Scores of a model on articles with reference summaries, next to the lead baseline on the same rows."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from nutgraf_models.engines.lead import LEAD_SENTENCES, leading
from nutgraf_models.errors import ModelError
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.loading import EngineName, load_summarizer
from nutgraf_models.normalize import normalize
from nutgraf_models.results import FinishReason
from nutgraf_models.sentences import split, word_count
from nutgraf_models.summarizer import Article

Report = dict[str, Any]
_METRICS = ("rouge1", "rouge2", "rougeLsum")


def evaluate(
    data: Path,
    length: str,
    model: str,
    *,
    limit: int | None = None,
    engine: EngineName = "auto",
    threads: int | None = None,
) -> Report:
    """Summarises each article and scores the summaries: ROUGE F1 in percent (Lin 2004; stemmed, rouge-score's).

    Raises:
        ModelError: the data or the model cannot be used.
    """
    rows = _read(data)[:limit]
    summarizer = load_summarizer(model, engine=engine, threads=threads)
    spec = Spec(Length(length))
    summaries, leads = [], []
    started = time.perf_counter()
    for row in rows:
        summaries.append(summarizer.summarize(Article(row["article"]), (spec,)).summaries[0])
    seconds = time.perf_counter() - started
    for row in rows:
        leads.append(leading(split(normalize(row["article"]).text))[: LEAD_SENTENCES[spec.length]])
    score = _scorer()
    texts = [[one.text[part.span.start : part.span.end] for part in one.sentences] for one in summaries]
    references = [[one.text for one in split(normalize(row["reference"]).text)] for row in rows]
    return {
        "n": len(rows),
        "model": summarizer.card.id,
        "length": length,
        **score(texts, references),
        "lead": score(leads, references),
        "unsupported_share": fmean(bool(one.unsupported_terms) for one in summaries),
        "extractive_share": fmean(one.finish_reason is FinishReason.EXTRACTIVE for one in summaries),
        "mean_words": fmean(word_count(one.text) for one in summaries),
        "articles_per_second": len(rows) / seconds,
    }


def table(report: Report) -> str:
    lines = [
        f"{report['model']}, {report['length']}, {report['n']} articles",
        f"{'':12}{'model':>8}{'lead-' + str(LEAD_SENTENCES[Length(report['length'])]):>8}",
    ]
    lines += [f"{name:12}{report[name]:8.2f}{report['lead'][name]:8.2f}" for name in _METRICS]
    lines += [f"{name:20} {report[name]:.3f}" for name in ("unsupported_share", "extractive_share")]
    lines += [f"{name:20} {report[name]:.2f}" for name in ("mean_words", "articles_per_second")]
    return "\n".join(lines)


def _scorer() -> Callable[[list[list[str]], list[list[str]]], dict[str, float]]:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise ModelError("scoring needs the extra: pip install 'nutgraf[service,eval]'") from None
    scorer = RougeScorer(list(_METRICS), use_stemmer=True)

    def score(texts: list[list[str]], references: list[list[str]]) -> dict[str, float]:
        scores = [
            scorer.score("\n".join(reference), "\n".join(text))
            for text, reference in zip(texts, references, strict=True)
        ]
        return {name: 100 * fmean(one[name].fmeasure for one in scores) for name in _METRICS}

    return score


def _read(data: Path) -> list[dict[str, str]]:
    rows = []
    for number, line in enumerate(data.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append({"article": row["article"], "reference": row["reference"]})
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f'line {number} of {data.name} is not a JSON object with "article" and "reference": {error}'
            ) from error
    if not rows:
        raise ModelError(f"{data.name} has no articles")
    return rows
