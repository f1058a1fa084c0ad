"""Scores of a model and of the lead baseline on articles with reference summaries."""

import csv
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from nutgraf_models.article import Article
from nutgraf_models.checks.standalone import is_fragment, points_back
from nutgraf_models.engines.lead import LEAD_SENTENCES
from nutgraf_models.errors import ModelError
from nutgraf_models.evaluation import scores
from nutgraf_models.evaluation.reference_check import unsupported_words
from nutgraf_models.evaluation.references import ReferenceRow, read_references
from nutgraf_models.extracts.leading import leading
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.loading import EngineName, load_summarizer
from nutgraf_models.pipeline.driver import run
from nutgraf_models.results import FinishReason, Summary
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split, word_count

Report = dict[str, Any]
ROUGE = ("rouge1", "rouge2", "rougeLsum")
_CHECKED = ("unsupported_share", "doubted_share", "from_article_share", "extractive_share")
_COPYING = ("coverage", "density", "compression", "novel_bigrams")


@dataclass(frozen=True)
class Scored:
    """Measurements of one text (a summary, the lead, or the reference) against its article and reference."""

    text: str
    rouge1: float  # F1 in percent, as are the next two
    rouge2: float
    rougeLsum: float
    coverage: float
    density: float
    compression: float
    novel_bigrams: float
    words: int
    sentences: int
    plain_unsupported: tuple[str, ...]
    repeats: bool
    repeated_sentence: bool
    full_stop: bool
    fragment: bool  # has an incomplete sentence or a reference without an antecedent
    right_length: bool  # in words and sentences


def evaluate(
    data: Path,
    length: str,
    model: str,
    *,
    limit: int | None = None,
    engine: EngineName = "auto",
    threads: int | None = None,
    beams: int | None = None,
    rows_to: Path | None = None,
    show_doubted: bool = False,
) -> Report:
    """Summarises each article and scores the summaries.

    ROUGE (Lin 2004) is F1 in percent from rouge-score, with stemming and one sentence per line. Intervals are 95 %
    bootstrap intervals over articles. `beams` overrides the card's presets. `rows_to`: a CSV file for all texts and
    scores. `show_doubted`: score the model's output without replacing doubted sentences.

    Raises:
        ModelError: the data or the model cannot be used.
    """
    spec = Spec(Length(length))
    rows = [row for row in read_references(data) if row.of(spec.length)][:limit]
    if not rows:
        raise ModelError(f"{data.name} has no references for {length} summaries")
    score = _scorer()
    summarizer = load_summarizer(model, engine=engine, threads=threads, beams=beams)
    started = time.perf_counter()
    pipeline = (summarizer.pipeline(Article(row.article), (spec,), show_doubted=show_doubted) for row in rows)
    summaries = [answer.summaries[0] for answer in run(summarizer.engine, pipeline)]
    seconds = time.perf_counter() - started
    written, leads, references = [], [], []
    for row, summary in zip(rows, summaries, strict=True):
        reference = _sentences(row.of(spec.length))
        lead = leading(split(normalize(row.article).text))[: LEAD_SENTENCES[spec.length]]
        texts = [summary.text[part.span.start : part.span.end] for part in summary.sentences]
        written.append(score(texts, reference, row.article, length))
        leads.append(score(lead, reference, row.article, length))
        references.append(score(reference, reference, row.article, length))
    if rows_to is not None:
        _write_rows(rows_to, rows, written, leads, summaries)
    return {
        "n": len(rows),
        "model": summarizer.card.id,
        "engine": f"{summarizer.engine.name} {summarizer.engine.precision}",
        "length": length,
        "beams": summarizer.card.decoding.of(spec.length).num_beams,
        **_means(written),
        "intervals": {name: scores.bootstrap_interval([getattr(scored, name) for scored in written]) for name in ROUGE},
        "lead": _means(leads),
        "over_lead": {
            name: scores.bootstrap_interval(
                [getattr(scored, name) - getattr(lead, name) for scored, lead in zip(written, leads, strict=True)]
            )
            for name in ROUGE
        },
        "reference": {name: value for name, value in _means(references).items() if name not in ROUGE},
        "unsupported_share": scores.mean([bool(summary.unsupported_terms) for summary in summaries]),
        "doubted_share": scores.mean([not part.is_supported for summary in summaries for part in summary.sentences]),
        "from_article_share": scores.mean(
            [any(part.from_article for part in summary.sentences) for summary in summaries]
        ),
        "extractive_share": scores.mean([summary.finish_reason is FinishReason.EXTRACTIVE for summary in summaries]),
        "articles_per_second": len(rows) / seconds,
    }


def table(report: Report) -> str:
    """The report as a text table with columns for the model, the lead and the references."""
    lead = f"lead-{LEAD_SENTENCES[Length(report['length'])]}"
    lines = [
        f"{report['model']} ({report['engine']}), {report['length']}, {report['n']} articles, beams: {report['beams']}",
        f"{'':26}{'model':>8}  {'95 % of means':15}{lead:>8}  {'model - lead':15}{'reference':>9}",
    ]
    for name in ROUGE:
        interval, over = _interval(report["intervals"][name]), _interval(report["over_lead"][name], signed=True)
        lines.append(f"{name:26}{report[name]:8.2f}  {interval:15}{report['lead'][name]:8.2f}  {over:15}")
    for name in [name for name in report["lead"] if name not in ROUGE]:
        values = (report[name], report["lead"][name], report["reference"][name])
        cells = [f"{value:.1%}" if name.endswith("share") else f"{value:.2f}" for value in values]
        lines.append(f"{name:26}{cells[0]:>8}  {'':15}{cells[1]:>8}  {'':15}{cells[2]:>9}")
    lines += [f"{name:26}{report[name]:8.1%}" for name in _CHECKED]
    lines.append(f"{'articles_per_second':26}{report['articles_per_second']:8.2f}")
    return "\n".join(lines)


def _scorer() -> Callable[[list[str], list[str], str, str], Scored]:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise ModelError("scoring needs an extra: pip install 'nutgraf-server[eval]'") from None
    scorer = RougeScorer(list(ROUGE), use_stemmer=True)

    def score(sentences: list[str], reference: list[str], article: str, length: str) -> Scored:
        text = " ".join(sentences)
        rouge = scorer.score("\n".join(reference), "\n".join(sentences))
        copied = scores.copying(text, article)
        return Scored(
            text=text,
            rouge1=100 * rouge["rouge1"].fmeasure,
            rouge2=100 * rouge["rouge2"].fmeasure,
            rougeLsum=100 * rouge["rougeLsum"].fmeasure,
            coverage=copied.coverage,
            density=copied.density,
            compression=copied.compression,
            novel_bigrams=copied.novel_bigrams,
            words=word_count(text),
            sentences=len(sentences),
            plain_unsupported=tuple(unsupported_words(text, article)),
            repeats=scores.repeats_itself(text),
            repeated_sentence=scores.repeats_a_sentence(text),
            full_stop=scores.ends_in_full_stop(text),
            fragment=_has_fragment(sentences),
            right_length=scores.has_length(text, length),
        )

    return score


def _has_fragment(sentences: list[str]) -> bool:
    preceding = ["", *accumulate(sentences, lambda before, sentence: f"{before} {sentence}")]
    return any(
        is_fragment(sentence) or points_back(sentence, before)
        for sentence, before in zip(sentences, preceding, strict=False)
    )


def _means(scored: list[Scored]) -> dict[str, float]:
    return {
        **{name: scores.mean([getattr(item, name) for item in scored]) for name in (*ROUGE, *_COPYING)},
        "mean_words": scores.mean([item.words for item in scored]),
        "mean_sentences": scores.mean([item.sentences for item in scored]),
        "right_length_share": scores.mean([item.right_length for item in scored]),
        "plain_unsupported_share": scores.mean([bool(item.plain_unsupported) for item in scored]),
        "repeats_share": scores.mean([item.repeats for item in scored]),
        "repeated_sentence_share": scores.mean([item.repeated_sentence for item in scored]),
        "full_stop_share": scores.mean([item.full_stop for item in scored]),
        "fragment_share": scores.mean([item.fragment for item in scored]),
    }


def _write_rows(
    file: Path, rows: list[ReferenceRow], written: list[Scored], leads: list[Scored], summaries: list[Summary]
) -> None:
    records = [
        {
            "id": row.id,
            **asdict(item),
            "plain_unsupported": " ".join(item.plain_unsupported),
            "unsupported_terms": " ".join(summary.text[t.span.start : t.span.end] for t in summary.unsupported_terms),
            "finish_reason": summary.finish_reason.value,
            "reference": row.of(summary.length),
            "lead": lead.text,
            "article": row.article,
        }
        for row, item, lead, summary in zip(rows, written, leads, summaries, strict=True)
    ]
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def _sentences(text: str) -> list[str]:
    return [sentence.text for sentence in split(normalize(text).text)]


def _interval(interval: tuple[float, float], *, signed: bool = False) -> str:
    low, high = interval
    return f"{low:+.1f} to {high:+.1f}" if signed else f"{low:.1f} to {high:.1f}"
