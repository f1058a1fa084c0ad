"""The engine's process: if it dies or hangs, only the call that causes it fails."""

import asyncio
import os
import random
import select
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from checkpoints.stories import story
from nutgraf import Client, ServerError, Spec
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_models.article import Article
from nutgraf_models.engines.base import Completion
from nutgraf_service.server import EngineFailed
from support.fragile import BREAKS, HANGS, KILLS, fragile_summarizer
from support.process import Log, children, entry, running_python, serve
from support.server import TIMEOUT, Running, running_server
from support.tiny_llama import pulled_smollm, write_card

ASKED = ["short", Spec("long", max_words=40)]
pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return pulled_smollm(tmp_path_factory.mktemp("pulled") / "smollm")


@pytest.fixture
def card(folder, tmp_path) -> str:
    return str(write_card(folder, tmp_path / "small.toml"))


@pytest.fixture
def fragile(folder, tmp_path) -> Iterator[Running]:
    with running_server(lambda: fragile_summarizer(folder, tmp_path), max_step_seconds=20.0) as running:
        yield running


def articles(count: int) -> list[str]:
    rng = random.Random(11)
    return [" ".join(story(rng, 8)) for _ in range(count)]


def texts(client: Client, article: str) -> list[str]:
    return [summary.text for summary in client.summarize(article, summaries=ASKED).summaries]


def texts_in_parallel(
    client: Client, all_articles: list[str], after_each: Callable[[], None] = lambda: None
) -> list[list[str]]:
    def one(article: str) -> list[str]:
        written = texts(client, article)
        after_each()
        return written

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, all_articles))


def has_ended(pid: int) -> bool:
    """Waits for a process to end; false after a timeout."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], TIMEOUT)[0])
    finally:
        os.close(descriptor)


def test_a_killed_engine_is_restarted_and_all_calls_are_answered(card):
    asked = articles(24)
    with serve("--model", card, "--engine", "openvino", "--cache-bytes", "0") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        (engine,) = children(process.pid)
        # It inherits neither the listening socket nor the callers' connections, only its own connection.
        links = [str(link.readlink()) for link in Path(f"/proc/{engine}/fd").iterdir()]
        assert len([link for link in links if link.startswith("socket:")]) == 1
        log = Log(process)
        answered = threading.Semaphore(0)
        with Client(address, timeout=TIMEOUT, retry_seconds=0.0) as client:
            before = [texts(client, article) for article in asked]

            def kill() -> None:
                for _ in range(4):
                    answered.acquire()
                os.kill(engine, signal.SIGKILL)

            killing = threading.Thread(target=kill)
            killing.start()
            assert texts_in_parallel(client, asked, answered.release) == before
            killing.join()
            (another,) = children(process.pid)
            assert another != engine
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        assert has_ended(another)
    logged = log.text()
    assert logged.count("the engine's process has died") == 1
    assert "killed by SIGKILL" in logged
    assert not any(sentence in logged for sentence in asked[0].split(". "))


def test_a_signal_to_all_processes_drains(card):
    """As supervisors do."""
    with serve("--model", card, "--engine", "openvino") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        (engine,) = children(process.pid)
        with grpc.insecure_channel(address) as channel:
            items = [pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=article)) for article in articles(8)]
            stream = SummarizerServiceStub(channel).SummarizeMany(iter(items), timeout=TIMEOUT)
            answers = [next(stream)]
            for pid in (engine, process.pid):
                os.kill(pid, signal.SIGTERM)
            # Items that were read are answered before the stream ends.
            with pytest.raises(grpc.RpcError) as caught:
                answers.extend(stream)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert len(answers) > 1
        assert {answer.WhichOneof("result") for answer in answers} == {"response"}
        assert process.wait(TIMEOUT) == 0
        assert "died" not in process.stderr.read()
        assert has_ended(engine)


def test_an_article_that_kills_the_engine_fails_alone(fragile):
    asked = articles(7)
    with Client(fragile.address, timeout=TIMEOUT) as client:
        before = [texts(client, article) for article in asked]
        with ThreadPoolExecutor() as pool:
            poison = pool.submit(texts, client, f"{asked[0]} The mayor opened a new bridge in {KILLS}.")
            assert texts_in_parallel(client, asked) == before
            with pytest.raises(ServerError):
                poison.result()
        assert fragile.metric("nutgraf_engine_deaths_total") == 2
        assert texts_in_parallel(client, asked) == before


def test_an_error_in_the_engine_is_internal_and_logged_with_its_frames(fragile, capfd):
    with Client(fragile.address, timeout=TIMEOUT) as client:
        with pytest.raises(ServerError):
            texts(client, f"{articles(1)[0]} The mayor opened a new bridge in {BREAKS}.")
        assert texts(client, articles(1)[0])
    assert fragile.metric("nutgraf_engine_deaths_total") == 0
    logged = "".join(capfd.readouterr())
    assert "RuntimeError in support/fragile.py" in logged
    assert BREAKS not in logged


def test_a_cancelled_request_has_no_completion_and_others_have(folder, tmp_path):
    summarizer = fragile_summarizer(folder, tmp_path)
    engine = summarizer.engine
    try:
        requests = [next(summarizer.pipeline(Article(article))) for article in articles(3)]
        cancelled, *kept = [engine.submit(request) for (request,) in requests]
        engine.cancel(cancelled)
        ended: list[Completion] = []
        while len(ended) < len(kept):
            ended += engine.step()
        assert {one.handle for one in ended} == set(kept)
        assert all(one.error is None and one.rows for one in ended)
        engine.wake()
        assert engine.step() == []
    finally:
        engine.close()


def test_a_hanging_engine_is_killed_by_the_watchdog_and_its_calls_are_answered(fragile, tmp_path):
    asked = f"{articles(1)[0]} The mayor opened a new bridge in {HANGS}."
    pipe = tmp_path / "hang"
    with Client(fragile.address, timeout=TIMEOUT) as client, ThreadPoolExecutor() as pool:
        before = texts(client, asked)
        os.mkfifo(pipe)
        watching = asyncio.run_coroutine_threadsafe(fragile.server.watch(), fragile.loop)
        call = pool.submit(texts, client, asked)
        # The engine has opened and closed the pipe.
        pipe.read_text()
        assert call.result() == before
        assert not watching.done()
        watching.cancel()
    assert fragile.metric("nutgraf_engine_deaths_total") == 1


def test_an_engine_that_cannot_be_restarted_is_given_up(fragile, tmp_path):
    (tmp_path / "load").touch()
    watching = asyncio.run_coroutine_threadsafe(fragile.server.watch(), fragile.loop)
    fragile.server.core.summarizer.engine.kill()
    with pytest.raises(EngineFailed, match="dies again and again"):
        watching.result(TIMEOUT)


HANGING = """
import sys
from pathlib import Path
from nutgraf._cli.main import main
from nutgraf_service import model
from support.fragile import fragile_summarizer

model.start_loading = lambda settings: lambda: fragile_summarizer(Path(sys.argv[1]), Path(sys.argv[2]))
main(["serve", "--port", "0"])
"""


def test_a_hanging_engine_ends_with_its_killed_server(folder, tmp_path):
    os.mkfifo(tmp_path / "hang")
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(filter(None, paths))
    with running_python("-c", HANGING, str(folder), str(tmp_path), PYTHONPATH=path) as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        (engine,) = children(process.pid)
        with Client(address, timeout=TIMEOUT, retry_seconds=0.0) as client, ThreadPoolExecutor() as pool:
            call = pool.submit(texts, client, f"{articles(1)[0]} The mayor opened a new bridge in {HANGS}.")
            # The engine has opened and closed the pipe.
            (tmp_path / "hang").read_text()
            process.kill()
            assert call.exception(TIMEOUT)
        assert has_ended(engine)
