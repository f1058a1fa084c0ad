"""`make demo`: starts a server, summarises every seed article through the Python client, and stops the server.

Writes an HTML report and prints its address. Exits 1 on failure, with the end of the server's log.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from nutgraf import Article, Client, ManyResult, NutgrafError, Result, Verdict
from nutgraf.report import render_many

SEEDS = Path(__file__).parent
PAGE = SEEDS.parent / ".cache" / "demo.html"
START_SECONDS = 120.0
ARTICLE_SECONDS = 120.0


def main(page: Path = PAGE) -> int:
    console = Console(highlight=False)
    answers: list[ManyResult] = []
    articles = [read_article(path) for path in sorted(SEEDS.glob("*.txt"))]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        try:
            with running_server(log) as address, Client(address) as client:
                info = client.server_info()
                console.print(f"{info.model} ({info.engine}, {info.precision}) on {address}\n", style="dim")
                for answer in client.summarize_many(articles, item_timeout=ARTICLE_SECONDS):
                    show(console, answer.article, answer.unwrap())
                    answers.append(answer)
        except (NutgrafError, RuntimeError) as error:
            print(f"demo: {error}", file=sys.stderr)
            print(*log.read_text(encoding="utf-8").splitlines()[-5:], sep="\n", file=sys.stderr)
            return 1
    page.parent.mkdir(exist_ok=True)
    page.write_text(render_many(answers), encoding="utf-8")
    console.print(f"{len(articles)} articles summarised; report:", style="dim")
    print(page.resolve().as_uri())  # not wrapped, so that terminals recognise the link
    return 0


def read_article(path: Path) -> Article:
    title, _, text = path.read_text(encoding="utf-8").partition("\n")
    return Article(text.strip(), title=title)


@contextlib.contextmanager
def running_server(log: Path) -> Iterator[str]:
    """A server on a free port; yields its address once it is ready, and stops it at the end."""
    command = [sys.executable, "-m", "nutgraf", "serve", "--port", "0"]
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(command, stderr=stderr)
    try:
        yield wait_until_serving(process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_serving(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        address = listening_address(log)
        if address is not None:
            with Client(address) as client:
                if client.check_health():
                    return address
        time.sleep(0.1)
    raise RuntimeError(
        f"the server ended with status {process.returncode}"
        if process.returncode
        else "the server did not become ready in time"
    )


def listening_address(log: Path) -> str | None:
    for line in log.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            entry = json.loads(line)
            if entry["message"] == "listening":
                return str(entry["address"])
    return None


def show(console: Console, article: Article, result: Result) -> None:
    put(console, article.title, 0, "bold")
    for summary in result.summaries:
        put(console, f"{summary.length.value:6}{summary.text}", 2)
        for sentence in summary.sentences:
            if sentence.from_article:
                put(console, f"the article's own words: {sentence.text}", 8, "dim")
            if sentence.verdict is Verdict.DOUBTED:
                put(console, f"doubted: {sentence.text}", 8, "yellow")
        for warning in summary.warnings:
            put(console, f"warning: {warning.detail}", 8, "yellow")
    for warning in result.warnings:
        put(console, f"warning: {warning.detail}", 2, "yellow")
    timings, counts = result.timings, result.article
    put(
        console,
        f"{counts.input_token_count} tokens read; {timings.total_seconds:.2f} s: "
        f"queue {timings.queue_seconds:.2f}, tokenize {timings.tokenize_seconds:.2f}, "
        f"generate {timings.generate_seconds:.2f}, check {timings.check_seconds:.2f}\n",
        2,
        "dim",
    )


def put(console: Console, text: str, indent: int, style: str = "") -> None:
    """Prints text, wrapped to the width of a terminal; unwrapped without one."""
    if console.is_terminal:
        console.print(Padding(Text(text), (0, 0, 0, indent)), style=style)
    else:
        print(" " * indent + text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
