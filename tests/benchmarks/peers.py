"""The default model behind other servers, and its engine without a server: same weights and articles, in one run.

Every peer generates both lengths of every article, greedily, from the same prompts with the same token limits:

  nutgraf        `nutgraf serve`, through the client
  core           the pipeline in this process: the engine with all steps, no gRPC
  engine         OpenVINO GenAI's own `generate` on the same GGUF file, both prompts of an article at once
  handler        a gRPC handler around transformers' `generate`, one article at a time
  transformers   `transformers serve --continuous-batching`
  llama.cpp      `python -m llama_cpp.server`: one request at a time; the second length hits the prefix cache

For each: the latency of single articles (p50, p99), and articles per second with several in flight. The last two are
skipped unless installed: pip install 'transformers[serving]' 'llama-cpp-python[server]'.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from first_figures import TIMEOUT, processor, served
from under_load import leading_words

from nutgraf import Client
from nutgraf_models.article import Article
from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card
from nutgraf_models.lengths import Length
from nutgraf_models.loading import load_summarizer
from nutgraf_models.pipeline.driver import run

CARD = find_card(DEFAULT_MODEL)
START_SECONDS = 180.0


@dataclass(frozen=True)
class Peer:
    """`one` summarises an article at both lengths; `many` summarises all, `in_flight` at a time."""

    one: Callable[[str], object]
    many: Callable[[Sequence[str], int], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help='JSON lines with "article"')
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--alone", type=int, default=20, help="articles for single calls")
    parser.add_argument("--articles", type=int, default=48, help="articles with several in flight")
    parser.add_argument(
        "--in-flight", type=int, nargs="+", default=[16], help="concurrency levels; peers are compared at the last"
    )
    parser.add_argument("--words", type=int, default=350, help="words per article; 350 are about 500 tokens")
    arguments = parser.parse_args()
    articles = leading_words(arguments.data, arguments.words)[: 1 + arguments.alone + arguments.articles]
    print(f"{os.cpu_count()} cores, {processor()}; articles of about {arguments.words} words, all different\n")
    flights = "".join(f"{count:10} in flight" for count in arguments.in_flight)
    print(f"{'':14}{'p50':>8}{'p99':>8}{flights}{'nutgraf is':>14}")
    first = 0.0
    for name in arguments.peers:
        with contextlib.ExitStack() as stack:
            peer = stack.enter_context(PEERS[name]())
            if peer is None:
                print(f"{name:14}not installed")
                continue
            peer.one(articles[0])
            seconds = sorted(seconds_of(peer.one, article) for article in articles[1 : 1 + arguments.alone])
            rest = articles[1 + arguments.alone :]
            rates = [
                # Articles begin differently each time, so that the prefix cache has no hits.
                len(rest) / seconds_of(peer.many, [f"{count}. {article}" for article in rest], count)
                for count in arguments.in_flight
            ]
        first = first or rates[-1]
        p99 = seconds[min(len(seconds) - 1, round(0.99 * len(seconds)))]
        cells = "".join(f"{rate:11.2f} a second" for rate in rates)
        times = f"{first / rates[-1]:8.2f} times"
        print(f"{name:14}{statistics.median(seconds):6.2f} s{p99:6.2f} s{cells}{times}", flush=True)


def seconds_of(function: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def in_threads(one: Callable[[str], object]) -> Callable[[Sequence[str], int], object]:
    def many(articles: Sequence[str], in_flight: int) -> object:
        with ThreadPoolExecutor(in_flight) as pool:
            return list(pool.map(one, articles))

    return many


@contextlib.contextmanager
def nutgraf() -> Iterator[Peer]:
    with served() as server:
        yield Peer(server.client.summarize, in_threads(server.client.summarize))


@contextlib.contextmanager
def core() -> Iterator[Peer]:
    summarizer = load_summarizer(DEFAULT_MODEL)

    def many(articles: Sequence[str], _: int) -> object:
        return run(summarizer.engine, (summarizer.pipeline(Article(article)) for article in articles))

    yield Peer(lambda article: many([article], 1), many)


@contextlib.contextmanager
def engine() -> Iterator[Peer]:
    import openvino_genai

    scheduling = openvino_genai.SchedulerConfig()
    scheduling.cache_size = 1
    file = next(iter(folder().glob("*.gguf")))
    pipeline = openvino_genai.ContinuousBatchingPipeline(str(file), scheduling, "CPU")
    configs = []
    for length in Length:
        config = openvino_genai.GenerationConfig()
        config.max_new_tokens = CARD.decoding.of(length).max_new_tokens
        config.apply_chat_template = False
        configs.append(config)

    def many(articles: Sequence[str], in_flight: int) -> None:
        for start in range(0, len(articles), in_flight):
            batch = articles[start : start + in_flight]
            prompts = [prompt(article, length) for article in batch for length in Length]
            pipeline.generate(prompts, configs * len(batch))

    yield Peer(lambda article: many([article], 1), many)


@contextlib.contextmanager
def handler() -> Iterator[Peer]:
    port = free_port()
    with process(sys.executable, str(Path(__file__).with_name("handler.py")), str(folder()), str(port)) as running:
        client = Client(f"127.0.0.1:{port}", timeout=TIMEOUT)
        wait_for_port(port, running)
        with client:
            yield Peer(client.summarize, in_threads(client.summarize))


@contextlib.contextmanager
def transformers() -> Iterator[Peer | None]:
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("fastapi") is None:
        yield None
        return
    port = free_port()
    options = [
        "--continuous-batching",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "cpu",
        "--dtype",
        "auto",
    ]
    script = str(Path(sys.executable).with_name("transformers"))
    with process(script, "serve", str(folder()), *options) as running:
        yield open_ai(port, running, str(folder()))


@contextlib.contextmanager
def llama_cpp() -> Iterator[Peer | None]:
    if importlib.util.find_spec("llama_cpp") is None or importlib.util.find_spec("uvicorn") is None:
        yield None
        return
    port = free_port()
    file = next(iter(folder().glob("*.gguf")))
    cores = str(os.cpu_count())
    options = ["--n_ctx", "4096", "--n_threads", cores, "--n_threads_batch", cores, "--host", "127.0.0.1"]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(file), *options, "--port", str(port)]
    with process(*command) as running:
        yield open_ai(port, running, "model")


PEERS: dict[str, Callable[[], contextlib.AbstractContextManager[Peer | None]]] = {
    "nutgraf": nutgraf,
    "core": core,
    "engine": engine,
    "handler": handler,
    "transformers": transformers,
    "llama.cpp": llama_cpp,
}


def open_ai(port: int, running: "subprocess.Popen[bytes]", model: str) -> Peer:
    """A server with OpenAI's completions API. The two lengths are requested in turn and share the article prefix."""
    wait_for_port(port, running)

    def complete(article: str, length: Length) -> str:
        most = CARD.decoding.of(length).max_new_tokens
        body = {"model": model, "prompt": prompt(article, length), "max_tokens": most, "temperature": 0.0}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            text: str = json.load(response)["choices"][0]["text"]
        assert text.strip(), "the server wrote nothing"
        return text

    def one(article: str) -> list[str]:
        return [complete(article, length) for length in Length]

    return Peer(one, in_threads(one))


def prompt(article: str, length: Length) -> str:
    return CARD.prompt.before + article + CARD.prompt.after(length)


def folder() -> Path:
    return store.pull(CARD)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def process(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, **quiet) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(20)
            running.kill()


def wait_for_port(port: int, running: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if running.poll() is not None:
            raise SystemExit(f"a peer ended with status {running.returncode} before it listened")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)
    raise SystemExit(f"a peer did not listen within {START_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
