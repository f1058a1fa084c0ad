"""Time profile of a batch: the default model in this process, with as many articles as the engine runs in parallel.

Each engine step is timed. It counts as prefill if an article is being read in it, else as decoding; decoding for
replaced summaries is counted separately. The remainder is this project's own code: cleaning, splitting, checking, and
the work around the steps.
"""

import argparse
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from first_figures import processor
from under_load import leading_words

from nutgraf_models.article import Article
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL
from nutgraf_models.engines.base import GenerationRequest, Handle
from nutgraf_models.engines.openvino_engine import OpenVinoEngine
from nutgraf_models.loading import load_summarizer
from nutgraf_models.pipeline.driver import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help='JSON lines with "article"')
    parser.add_argument("--articles", type=int, default=16)
    parser.add_argument("--words", type=int, default=350, help="words per article; 350 are about 500 tokens")
    arguments = parser.parse_args()
    articles = leading_words(arguments.data, arguments.words)[: arguments.articles + 2]
    summarizer = load_summarizer(DEFAULT_MODEL, engine="openvino")
    engine = summarizer.engine
    assert isinstance(engine, OpenVinoEngine)
    run(engine, (summarizer.pipeline(Article(article)) for article in articles[:2]))

    profile = Profile(engine)
    started = time.perf_counter()
    results = run(engine, (summarizer.pipeline(Article(article)) for article in articles[2:]))
    taken = time.perf_counter() - started
    profile.seconds["cleaning, splitting, counting"] = sum(one.tokenize_seconds for one in results)
    profile.seconds["checking"] = sum(one.check_seconds for one in results)
    profile.seconds["around the steps"] = taken - sum(profile.seconds.values())
    print(
        f"{os.cpu_count()} cores, {processor()}; {len(results)} articles of about {arguments.words} words, both lengths"
    )
    print(f"{len(results) / taken:.2f} articles a second, {engine.parallel_requests} at once\n")
    print(f"{'':32}{'share':>8}{'steps':>8}{'a step':>10}")
    for part, seconds in profile.seconds.items():
        steps = profile.steps[part]
        each = f"{steps:8}{seconds / steps * 1000:7.0f} ms" if steps else ""
        print(f"{part:32}{seconds / taken:8.1%}{each}")


class Profile:
    """Seconds and steps by phase of an engine, whose steps it times."""

    def __init__(self, engine: OpenVinoEngine) -> None:
        self.seconds: dict[str, float] = {"reading": 0.0, "writing": 0.0, "writing, with more candidates": 0.0}
        self.steps: Counter[str] = Counter()
        self._engine = engine
        self._again: set[Handle] = set()
        self._submit, self._step = engine.submit, engine._pipeline.step
        engine.submit = self.submit  # type: ignore[method-assign]
        engine._pipeline = Timed(engine._pipeline, self)

    def submit(self, request: GenerationRequest) -> Handle:
        handle = self._submit(request)
        if any(row.decoding.num_beams > 1 for row in request.rows):
            self._again.add(handle)
        return handle

    def step(self) -> None:
        running = self._engine._running
        if any(not rows[0].has_been_read for handle, rows in running.items() if handle not in self._again):
            part = "reading"
        elif any(handle in self._again for handle in running):
            part = "writing, with more candidates"
        else:
            part = "writing"
        started = time.perf_counter()
        self._step()
        self.seconds[part] += time.perf_counter() - started
        self.steps[part] += 1


class Timed:
    """A pipeline with timed `step` calls."""

    def __init__(self, pipeline: Any, profile: Profile) -> None:
        self._pipeline = pipeline
        self.step = profile.step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)


if __name__ == "__main__":
    main()
