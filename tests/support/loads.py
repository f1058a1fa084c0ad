"""Continuous calls of every kind from threads, until a test ends them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from nutgraf import Article, AsyncClient, Client, ManyResult

_SECONDS = 60.0
_WORKERS = 2
_MAX_ARTICLES = 100_000  # ends the calls of a hanging test


def summary(name: str, number: int) -> str:
    """The unique first sentence of an article."""
    return f"Boat {number} of the {name} fleet came home to Marlow before the storm."


def article(name: str, number: int) -> str:
    return f"{summary(name, number)} Its crew of six was well. The harbour master counted the nets. They had held."


class Load:
    """A series of articles, and a check that each gets its own summary exactly once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: BaseException | None = None
        self._given = 0
        self._answered: set[int] = set()
        self._stopped = False
        self._changed = threading.Condition()

    def articles(self) -> Iterator[Article]:
        """Articles until `stop`. Several threads may iterate at once, each with its own iterator."""
        while True:
            with self._changed:
                if self._stopped or self._given == _MAX_ARTICLES:
                    return
                number, self._given = self._given, self._given + 1
            yield Article(article(self.name, number), id=str(number))

    def answered(self, number: int, text: str) -> None:
        with self._changed:
            assert number not in self._answered, f"{self.name}: two answers to article {number}"
            assert text == summary(self.name, number), f"{self.name}: another article's summary"
            self._answered.add(number)
            self._changed.notify_all()

    def answered_many(self, result: ManyResult) -> None:
        self.answered(int(result.id), result.unwrap().summaries[0].text)

    def more(self, count: int) -> None:
        """Waits until `count` more articles have been answered."""
        with self._changed:
            wanted = len(self._answered) + count
            self._changed.wait_for(lambda: len(self._answered) >= wanted or self.error is not None, _SECONDS)
            assert self.error is None, f"{self.name}: {self.error!r}"
            assert len(self._answered) >= wanted, f"{self.name}: nothing more is answered"

    def fail(self, error: BaseException) -> None:
        with self._changed:
            self.error = error
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True

    def check(self) -> None:
        """Asserts that nothing failed and nothing is unanswered."""
        if self.error is not None:
            raise self.error
        assert self._answered == set(range(self._given))


Way = Callable[[Load, str, Path, Path | None], None]


@contextlib.contextmanager
def running(server: str, folder: Path, ways: list[Way], ca: Path | None = None) -> Iterator[list[Load]]:
    """Calls `server` in all `ways` until the block ends, then checks that every article got its summary.

    Uses TLS if `ca` is given: the certificates to trust.
    """
    loads = [Load(way.__name__.replace("_", " ")) for way in ways]

    def run(load: Load, way: Way) -> None:
        try:
            way(load, server, folder, ca)
        except BaseException as error:
            load.fail(error)

    threads = [
        threading.Thread(target=run, args=pair, name=f"load-{pair[0].name}", daemon=True)
        for pair in zip(loads, ways, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield loads
    finally:
        for load in loads:
            load.stop()
        for thread in threads:
            thread.join(_SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    for load in loads:
        load.check()


def calls(load: Load, server: str, folder: Path, ca: Path | None) -> None:
    with Client(server, tls=_trust(ca)) as client:

        def work() -> None:
            for one in load.articles():
                load.answered(int(one.id), client.summarize(one.text, summaries="short").summaries[0].text)

        _in_threads(work)


def streams(load: Load, server: str, folder: Path, ca: Path | None) -> None:
    with Client(server, tls=_trust(ca)) as client:

        def work() -> None:
            for result in client.summarize_many(load.articles(), summaries="short"):
                load.answered_many(result)

        _in_threads(work)


def async_calls(load: Load, server: str, folder: Path, ca: Path | None) -> None:
    async def main() -> None:
        async with AsyncClient(server, tls=_trust(ca)) as client, asyncio.TaskGroup() as group:

            async def work() -> None:
                for one in load.articles():
                    result = await client.summarize(one.text, summaries="short")
                    load.answered(int(one.id), result.summaries[0].text)

            for _ in range(_WORKERS):
                group.create_task(work())

    asyncio.run(main())


def async_streams(load: Load, server: str, folder: Path, ca: Path | None) -> None:
    async def main() -> None:
        async with AsyncClient(server, tls=_trust(ca)) as client, asyncio.TaskGroup() as group:

            async def work() -> None:
                async for result in client.summarize_many(load.articles(), summaries="short", ordered=False):
                    load.answered_many(result)

            for _ in range(_WORKERS):
                group.create_task(work())

    asyncio.run(main())


def batch(load: Load, server: str, folder: Path, ca: Path | None) -> None:
    """A `nutgraf batch` process that reads from a pipe."""
    output = folder / "batch.jsonl"
    command = [sys.executable, "-m", "nutgraf", "batch", "-", "-o", str(output), "--length", "short"]
    command += ["--server", server, *(["--ca", str(ca)] if ca else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        seen = 0
        for one in load.articles():
            process.stdin.write(json.dumps({"id": one.id, "text": one.text}) + "\n")
            process.stdin.flush()
            seen = _read(load, output, seen)
        process.stdin.close()
        assert process.wait(_SECONDS) == 0
        _read(load, output, seen)


def _read(load: Load, output: Path, start: int) -> int:
    """Records the complete lines after `start` bytes; returns their end."""
    if not output.exists():
        return start
    with output.open("rb") as stream:
        stream.seek(start)
        whole = stream.read().rpartition(b"\n")[0]
    for line in whole.splitlines():
        record = json.loads(line)
        load.answered(int(record["id"]), record["summaries"][0]["text"])
    return start + len(whole) + 1 if whole else start


def _trust(ca: Path | None) -> grpc.ChannelCredentials | bool:
    return grpc.ssl_channel_credentials(ca.read_bytes()) if ca else False


def _in_threads(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(_WORKERS) as pool:
        for one in [pool.submit(work) for _ in range(_WORKERS)]:
            one.result()


WAYS: list[Way] = [calls, streams, async_calls, async_streams, batch]
