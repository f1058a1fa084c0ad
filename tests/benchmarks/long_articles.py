"""Cost of long articles, and coverage of facts at different positions.

For each size, one fact is placed at each of ten positions in an article of otherwise unimportant text. Prints for each
position whether a sentence of the LONG has the fact as its evidence, and the cost per article: seconds, tokens read and
written, chunks. The model runs in this process, one article at a time.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nutgraf_models.article import Article
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL
from nutgraf_models.engines.base import GenerationRequest
from nutgraf_models.lengths import Length
from nutgraf_models.loading import load_summarizer
from nutgraf_models.pipeline.driver import Pipeline, run
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_models.results import ArticleSummary

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.long_articles import Planted, planted

POSITIONS = 10
# A summary sentence states the fact if the fact contains this share of its content.
SHARE = 0.5


@dataclass
class Cost:
    """The cost of one article."""

    read: int = 0  # input tokens of articles, chunks and chunk summaries
    written: int = 0
    requests: int = 0
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--engine", default="auto", choices=("auto", "openvino", "torch"))
    parser.add_argument("--tokens", type=int, nargs="+", default=[500, 2_000, 5_000, 10_000, 20_000, 50_000])
    parser.add_argument("--positions", type=int, nargs="+", default=list(range(POSITIONS)), help="positions, 0 to 9")
    parser.add_argument("--show", action="store_true", help="print the long summaries")
    arguments = parser.parse_args()
    summarizer = load_summarizer(arguments.model, engine=arguments.engine)
    places = " ".join(str(place) for place in arguments.positions)
    costs_of = f"{'seconds':>8} {'per 1,000':>9} {'read':>8} {'written':>8}"
    print(f"{'tokens':>7} {'chunks':>6}  {'told at ' + places:30} {costs_of}")
    for tokens in arguments.tokens:
        told, costs, summary = [], [], None
        for place in arguments.positions:
            article = of_size(tokens, place / (POSITIONS - 1), summarizer)
            summary, cost = measured(summarizer, article.text)
            told.append(tells(summary, article))
            costs.append(cost)
            if arguments.show:
                print(f"  {place}: {summary.summaries[1].text}")
        assert summary is not None
        marks = " ".join("x" if one else "." for one in told)
        seconds = sum(cost.seconds for cost in costs) / len(costs)
        read = sum(cost.read for cost in costs) // len(costs)
        written = sum(cost.written for cost in costs) // len(costs)
        print(
            f"{summary.input_tokens:7} {summary.chunks:6}  {f'{marks}  {sum(told)} of {len(told)}':30} {seconds:8.2f} "
            f"{1000 * seconds / summary.input_tokens:9.2f} {read:8} {written:8}",
            flush=True,
        )


def of_size(tokens: int, position: float, summarizer: Summarizer) -> Planted:
    words = round(tokens / 1.3)
    counted = summarizer.engine.count_tokens([planted(words, position).text])[0]
    return planted(round(words * tokens / counted), position)


def measured(summarizer: Summarizer, text: str) -> tuple[ArticleSummary, Cost]:
    cost = Cost()
    started = time.perf_counter()
    (summary,) = run(summarizer.engine, [counting(summarizer.pipeline(Article(text)), summarizer, cost)])
    cost.seconds = time.perf_counter() - started
    return summary, cost


def counting(pipeline: Pipeline, summarizer: Summarizer, cost: Cost) -> Pipeline:
    """The same pipeline, with its cost added up."""
    requests: tuple[GenerationRequest, ...] = next(pipeline)
    while True:
        cost.requests += len(requests)
        cost.read += sum(summarizer.engine.count_tokens([one.article for one in requests]))
        done = yield requests
        cost.written += sum(one.token_count for completion in done for row in completion.rows for one in row)
        try:
            requests = pipeline.send(done)
        except StopIteration as end:
            return end.value


def tells(summary: ArticleSummary, article: Planted) -> bool:
    long = next(one for one in summary.summaries if one.length is Length.LONG)
    passages: Iterator[bool] = (
        passage.score >= SHARE and passage.span.start < article.end and passage.span.end > article.start
        for sentence in long.sentences
        for passage in sentence.evidence
    )
    return any(passages)


if __name__ == "__main__":
    main()
