"""What the repair of summaries gives and costs: those that name what the article does not get more candidates.

From the same greedy candidates three summaries of each article: as they are, repaired, and repaired where the caller
allows an extractive one. Prints for each the share with an unsupported term (the product's check and the plain one),
the share that became extractive, and ROUGE; then articles a second without and with repair, on `--timed` of them.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nutgraf_models import metrics
from nutgraf_models.articles import Article
from nutgraf_models.cards import DEFAULT_MODEL
from nutgraf_models.evaluation import ROUGE
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.loading import load_summarizer
from nutgraf_models.normalize import normalize
from nutgraf_models.phases import Phases, advance, run
from nutgraf_models.plain_check import unsupported_words
from nutgraf_models.references import ReferenceRow, read_references
from nutgraf_models.results import ArticleSummary, FinishReason, Summary
from nutgraf_models.sentences import split
from nutgraf_models.summarizer import Summarizer

WAYS = ("as it is", "repaired", "or extractive")


class AsItIs(Summarizer):
    """Asks for nothing twice."""

    def _is_wanting(self, *_: object) -> bool:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help='JSON lines with "article" and "reference"')
    parser.add_argument("--length", choices=("short", "long"), required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--limit", type=int, help="only so many articles")
    parser.add_argument("--timed", type=int, default=60, help="articles for the comparison of speed")
    arguments = parser.parse_args()
    rows = read_references(arguments.data)[: arguments.limit]
    repairing = load_summarizer(arguments.model)
    plain = AsItIs(repairing.card, repairing.engine)
    spec = (Spec(Length(arguments.length)),)

    ways: dict[str, dict[int, ArticleSummary]] = {way: {} for way in WAYS}
    run(repairing.engine, (three_ways(plain, repairing, row, spec, place, ways) for place, row in enumerate(rows)))
    print(f"{repairing.card.id}, {arguments.length}, {len(rows)} articles, {arguments.data.name}")
    print(f"{'':15}{'unsupported':>12}{'plain check':>12}{'extractive':>12}{'ROUGE-1/2/Lsum':>20}")
    for way in WAYS:
        print(line(way, rows, [ways[way][place].summaries[0] for place in range(len(rows))]))
    share = metrics.mean([one.repaired for one in ways["repaired"].values()])
    print(f"{share:.1%} of articles asked for more candidates\n")

    timed = rows[: arguments.timed]
    rate = {}
    for way, summarizer in (("as it is", plain), ("repaired", repairing)):
        started = time.perf_counter()
        run(summarizer.engine, (summarizer.phases(Article(row.article), spec) for row in timed))
        rate[way] = len(timed) / (time.perf_counter() - started)
        print(f"{way:15}{rate[way]:6.2f} articles a second, n={len(timed)}")
    print(f"repair leaves {rate['repaired'] / rate['as it is']:.1%} of the throughput")


def three_ways(
    plain: Summarizer,
    repairing: Summarizer,
    row: ReferenceRow,
    spec: tuple[Spec, ...],
    place: int,
    ways: dict[str, dict[int, ArticleSummary]],
) -> Phases:
    """The work on an article with repair. The other two ways are given the same candidates on the way."""
    article = Article(row.article)
    works = {
        "as it is": plain.phases(article, spec),
        "or extractive": repairing.phases(article, spec, extractive_fallback=True),
    }
    work = repairing.phases(article, spec)
    step = advance(work)
    other_steps = {way: advance(other) for way, other in works.items()}
    while not isinstance(step, ArticleSummary):
        rows = yield step
        for way, other in works.items():
            if not isinstance(other_steps[way], ArticleSummary):
                other_steps[way] = advance(other, rows)
        step = advance(work, rows)
    for way, summary in {**other_steps, "repaired": step}.items():
        assert isinstance(summary, ArticleSummary)
        ways[way][place] = summary
    return step


def line(way: str, rows: Sequence[ReferenceRow], summaries: Sequence[Summary]) -> str:
    score = rouge()
    unsupported = metrics.mean([bool(one.unsupported_terms) for one in summaries])
    pairs = list(zip(rows, summaries, strict=True))
    by_plain_check = metrics.mean([bool(unsupported_words(one.text, row.article)) for row, one in pairs])
    extractive = metrics.mean([one.finish_reason is FinishReason.EXTRACTIVE for one in summaries])
    scores = [score(row.reference, one) for row, one in pairs]
    means = "/".join(f"{metrics.mean([one[place] for one in scores]):.1f}" for place in range(len(ROUGE)))
    return f"{way:15}{unsupported:12.1%}{by_plain_check:12.1%}{extractive:12.1%}{means:>20}"


def rouge() -> Callable[[str, Summary], list[float]]:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(ROUGE), use_stemmer=True)

    def score(reference: str, summary: Summary) -> list[float]:
        wanted = "\n".join(one.text for one in split(normalize(reference).text))
        written = "\n".join(summary.text[one.span.start : one.span.end] for one in summary.sentences)
        return [100 * one.fmeasure for one in scorer.score(wanted, written).values()]

    return score


if __name__ == "__main__":
    main()
