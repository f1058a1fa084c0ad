"""Interference between callers: a single call beside a stream, and calls beside cancelled ones.

Uses the default model in a process of its own. Measures single calls on an idle server and beside a stream of articles;
and two calls alone and among many others that are cancelled.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from first_figures import TIMEOUT, processor, served

from nutgraf import Article, AsyncClient, Result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help='JSON lines with "article"')
    parser.add_argument("--calls", type=int, default=10, help="timed single calls per scenario")
    parser.add_argument("--bulk", type=int, default=1000, help="articles of the stream, which ends with the calls")
    parser.add_argument("--cancelled", type=int, default=30, help="cancelled calls")
    parser.add_argument("--runs", type=int, default=3, help="repetitions with cancelled calls")
    parser.add_argument("--words", type=int, default=350, help="words per article; 350 are about 500 tokens")
    arguments = parser.parse_args()
    articles = leading_words(arguments.data, arguments.words)
    print(f"{processor()}; {len(articles)} articles of about {arguments.words} words\n")
    # Always new articles, so that the prefix cache has no hits.
    others = itertools.cycle(articles)
    with served() as server:
        address = server.address
        asyncio.run(beside_bulk(address, others, arguments.calls, arguments.bulk))
        asyncio.run(given_up(address, others, arguments.cancelled, arguments.runs))


def leading_words(data: Path, words: int) -> list[str]:
    """The first `words` words of each article that is long enough."""
    with data.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["article"].split() for line in lines]
    return [" ".join(text[:words]) for text in texts if len(text) >= words]


async def beside_bulk(address: str, articles: Iterator[str], calls: int, bulk: int) -> None:
    async with AsyncClient(address, timeout=TIMEOUT) as client, AsyncClient(address, timeout=TIMEOUT) as other:
        await client.summarize(next(articles))
        alone = [await seconds_of(client, next(articles)) for _ in range(calls)]
        answered = 0
        is_running = asyncio.Event()

        async def feed() -> AsyncIterator[Article]:
            for number in range(bulk):
                yield Article(next(articles), id=str(number))

        async def stream() -> None:
            nonlocal answered
            async for answer in other.summarize_many(feed()):
                assert answer.error is None, answer.error
                answered += 1
                is_running.set()

        started = time.perf_counter()
        streaming = asyncio.create_task(stream())
        await is_running.wait()
        beside = [await seconds_of(client, next(articles)) for _ in range(calls)]
        taken = time.perf_counter() - started
        streaming.cancel()
        with suppress(asyncio.CancelledError):
            await streaming
    print(f"single call, nothing else      {spread(alone)}")
    print(f"single call, beside a stream   {spread(beside)}   {median_ratio(beside, alone)} as long")
    print(f"the stream meanwhile           {answered / taken:.2f} articles a second\n")


async def given_up(address: str, articles: Iterator[str], cancelled: int, runs: int) -> None:
    async with AsyncClient(address, timeout=TIMEOUT) as client:

        def send(calls: int) -> list[asyncio.Task[Result]]:
            return [asyncio.create_task(client.summarize(next(articles))) for _ in range(calls)]

        async def two(given_up: int) -> float:
            """Seconds until both of two calls are answered, sent at once with others, given up after half a second."""
            started = time.perf_counter()
            doomed = send(given_up // 2)
            kept = send(2)
            doomed += send(given_up - given_up // 2)
            if doomed:
                await asyncio.sleep(0.5)
            for task in doomed:
                task.cancel()
            await asyncio.gather(*kept)
            taken = time.perf_counter() - started
            await asyncio.gather(*doomed, return_exceptions=True)
            return taken

        alone = [await two(0) for _ in range(runs)]
        among = [await two(cancelled) for _ in range(runs)]
    print(f"two calls                      {spread(alone)}")
    print(f"two of {cancelled + 2}, the others cancelled  {spread(among)}   {median_ratio(among, alone)} as long")


async def seconds_of(client: AsyncClient, article: str) -> float:
    started = time.perf_counter()
    await client.summarize(article)
    return time.perf_counter() - started


def spread(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):6.2f} s ({min(seconds):.2f} to {max(seconds):.2f}, n={len(seconds)})"


def median_ratio(some: Sequence[float], others: Sequence[float]) -> str:
    return f"{statistics.median(some) / statistics.median(others):.2f} times"


if __name__ == "__main__":
    main()
