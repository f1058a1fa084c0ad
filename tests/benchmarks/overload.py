"""Overload: ten times the sustainable rate for a minute; reports who is answered, how fast, and the recovery.

Uses the default model in a process of its own. First, a few concurrent calls determine the sustainable rate. Then calls
arrive at `--times` that rate, regardless of earlier ones, each with a deadline. Finally, single calls run until one is
as fast as on the idle server.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from first_figures import TIMEOUT, Memory, processor, served
from under_load import leading_words, seconds_of

from nutgraf import AsyncClient, NutgrafError

# Recovered: a single call takes no longer than the slowest call on the idle server plus this many seconds.
_TOLERANCE = 1.5
_MAX_PROBES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help='JSON lines with "article"')
    parser.add_argument("--times", type=float, default=10.0, help="multiple of the sustainable rate")
    parser.add_argument("--seconds", type=float, default=60.0, help="duration of the overload")
    parser.add_argument("--deadline", type=float, default=30.0, help="deadline of each call, in seconds")
    parser.add_argument("--in-flight", type=int, default=4, help="concurrent calls for finding the rate")
    parser.add_argument("--articles", type=int, default=24, help="articles for finding the rate")
    parser.add_argument("--words", type=int, default=350, help="words per article; 350 are about 500 tokens")
    arguments = parser.parse_args()
    articles = cycle(leading_words(arguments.data, arguments.words))
    print(f"{os.cpu_count()} cores, {processor()}; articles of about {arguments.words} words, both lengths\n")
    with served() as server:
        asyncio.run(overload(server.address, server.memory, articles, arguments))


async def overload(address: str, memory: Memory, articles: Iterator[str], arguments: argparse.Namespace) -> None:
    async with AsyncClient(address, timeout=TIMEOUT) as client:
        idle = [await seconds_of(client, next(articles)) for _ in range(5)][1:]
        show("idle, one at a time", idle)
        sustained: list[float] = []

        async def caller() -> None:
            while len(sustained) + arguments.in_flight <= arguments.articles:
                sustained.append(await seconds_of(client, next(articles)))

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(arguments.in_flight)))
        rate = len(sustained) / (time.perf_counter() - started)
        show(f"{arguments.in_flight} at a time", sustained)
        print(f"{rate:.2f} articles a second\n")

        outcomes: Counter[str] = Counter()
        answered: list[float] = []
        refused: list[float] = []
        late: list[float] = []

        async def call(article: str) -> None:
            begun = time.perf_counter()
            try:
                await client.summarize(article, timeout=arguments.deadline)
            except NutgrafError as error:
                outcomes[error.reason or type(error).__name__] += 1
                (refused if error.reason == "QUEUE_FULL" else late).append(time.perf_counter() - begun)
            else:
                outcomes["answered"] += 1
                answered.append(time.perf_counter() - begun)

        before = memory.now()
        tasks = []
        started = time.perf_counter()
        while (now := time.perf_counter() - started) < arguments.seconds:
            tasks.append(asyncio.create_task(call(next(articles))))
            await asyncio.sleep(max(0.0, len(tasks) / (arguments.times * rate) - now))
        await asyncio.gather(*tasks)
        taken = time.perf_counter() - started

        print(f"{arguments.times:.0f} times as many for {arguments.seconds:.0f} s, {arguments.deadline:.0f} s for each")
        print(f"sent {len(tasks)}: " + ", ".join(f"{outcome} {count}" for outcome, count in outcomes.most_common()))
        assert outcomes.total() == len(tasks)
        show("answered", answered)
        show("refused as the queue was full", refused)
        show("past their deadline", late)
        print(f"{len(answered) / taken:.2f} articles a second")
        print(f"memory {before:.2f} GB before, {memory.peak():.2f} GB at most, {memory.now():.2f} GB after\n")

        started = time.perf_counter()
        for _ in range(_MAX_PROBES):
            probe = await seconds_of(client, next(articles))
            if probe <= _TOLERANCE * max(idle):
                break
        waited = time.perf_counter() - started - probe
        print(f"afterwards a single call took {probe:.2f} s, begun {waited:.2f} s after the last answer")


def show(what: str, seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    if not ordered:
        return
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    print(f"{what:30}p50 {statistics.median(ordered):7.3f} s   p99 {p99:7.3f} s   n={len(ordered)}")


if __name__ == "__main__":
    main()
