"""Scores of a model on articles with reference summaries, next to the lead baseline on the same rows."""

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
    """One text (a model's, the lead, or the reference itself) measured against its article and reference."""

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
    fragment: bool  # a sentence that is none, or that points to what is not there
    right_length: bool  # in the words and sentences that its length asks for


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

    ROUGE is Lin's (2004), F1 in percent, stemmed, by rouge-score, sentences on lines of their own. Intervals are of
    95 %, by bootstrap over articles. `beams` replaces the number in the card's presets. `rows_to` is a CSV file for
    all texts with their scores. `show_doubted` scores what the model wrote, rather than what is shown by default.

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
    summaries = [one.summaries[0] for one in run(summarizer.engine, pipeline)]
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
        "intervals": {name: scores.bootstrap_interval([getattr(one, name) for one in written]) for name in ROUGE},
        "lead": _means(leads),
        "over_lead": {
            name: scores.bootstrap_interval(
                [getattr(one, name) - getattr(other, name) for one, other in zip(written, leads, strict=True)]
            )
            for name in ROUGE
        },
        "reference": {name: value for name, value in _means(references).items() if name not in ROUGE},
        "unsupported_share": scores.mean([bool(one.unsupported_terms) for one in summaries]),
        "doubted_share": scores.mean([not part.is_supported for one in summaries for part in one.sentences]),
        "from_article_share": scores.mean([any(part.from_article for part in one.sentences) for one in summaries]),
        "extractive_share": scores.mean([one.finish_reason is FinishReason.EXTRACTIVE for one in summaries]),
        "articles_per_second": len(rows) / seconds,
    }


def table(report: Report) -> str:
    """The report for people: a column each for the model, the lead, and what people wrote."""
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
        raise ModelError("scoring needs the extra: pip install 'nutgraf-server[eval]'") from None
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
    before = ["", *accumulate(sentences, lambda told, sentence: f"{told} {sentence}")]
    return any(is_fragment(one) or points_back(one, told) for one, told in zip(sentences, before, strict=False))


def _means(scored: list[Scored]) -> dict[str, float]:
    return {
        **{name: scores.mean([getattr(one, name) for one in scored]) for name in (*ROUGE, *_COPYING)},
        "mean_words": scores.mean([one.words for one in scored]),
        "mean_sentences": scores.mean([one.sentences for one in scored]),
        "right_length_share": scores.mean([one.right_length for one in scored]),
        "plain_unsupported_share": scores.mean([bool(one.plain_unsupported) for one in scored]),
        "repeats_share": scores.mean([one.repeats for one in scored]),
        "repeated_sentence_share": scores.mean([one.repeated_sentence for one in scored]),
        "full_stop_share": scores.mean([one.full_stop for one in scored]),
        "fragment_share": scores.mean([one.fragment for one in scored]),
    }


def _write_rows(
    file: Path, rows: list[ReferenceRow], written: list[Scored], leads: list[Scored], summaries: list[Summary]
) -> None:
    records = [
        {
            "id": row.id,
            **asdict(one),
            "plain_unsupported": " ".join(one.plain_unsupported),
            "unsupported_terms": " ".join(summary.text[t.span.start : t.span.end] for t in summary.unsupported_terms),
            "finish_reason": summary.finish_reason.value,
            "reference": row.of(summary.length),
            "lead": lead.text,
            "article": row.article,
        }
        for row, one, lead, summary in zip(rows, written, leads, summaries, strict=True)
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
