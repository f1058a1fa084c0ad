"""`make bench`: the first figures that a user of the default model notices.

Prints start-up time (the median of several starts), peak memory, and the time of both lengths for a 500-token article,
each with its target; and the same article with the reference engine in the same run, as a ratio. Always exits 0: the
figures are reported, not judged.

Memory is that of all the server's processes. Pages of a file that several of them map count once, whatever other
processes of the machine map them, too (in which a sum of proportional set sizes would differ).
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nutgraf import Client, Result

SEEDS = Path(__file__).parents[2] / "seeds"
TIMEOUT = 600.0
# Adding up the pages of a process takes milliseconds.
_SAMPLE_SECONDS = 1.0
# In /proc/PID/smaps: what is mapped, from where in it, how much of it is in memory, and how much of that is its own.
_MAPPING = re.compile(
    r"^[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) \S+ \d+ *(.*)\n(?:.*\n)*?Rss: +(\d+) kB\n(?:.*\n)*?Anonymous: +(\d+) kB$",
    re.MULTILINE,
)


class Memory:
    """Watches the memory of a process and its descendants, in a thread."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> float:
        """Gigabytes."""
        found = memory(self._pid)
        self._most = max(self._most, found)
        return found

    def peak(self) -> float:
        """Gigabytes, since the start."""
        self.now()
        return self._most

    def _watch(self) -> None:
        while Path(f"/proc/{self._pid}").exists():
            with contextlib.suppress(OSError):
                self.now()
            time.sleep(_SAMPLE_SECONDS)


@dataclass(frozen=True)
class Served:
    client: Client
    address: str
    pid: int
    start_seconds: float
    memory: Memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="timed calls per engine")
    parser.add_argument("--starts", type=int, default=3, help="timed starts per engine")
    parser.add_argument("--engines", nargs="+", default=["openvino", "torch"], help="the first is the default")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, {processor()}\n")
    print(f"{'engine':10}{'to SERVING':>12}{'both lengths, 500 tokens':>34}{'tokens out':>12}{'peak memory':>13}")
    medians = []
    for engine in arguments.engines:
        starts = []
        for _ in range(arguments.starts - 1):
            with served("--engine", engine) as server:
                starts.append(server.start_seconds)
        with served("--engine", engine) as server:
            starts.append(server.start_seconds)
            article = article_of(500, server.client)
            # Each article begins differently, so that the prefix cache has no hits.
            results = [timed(server.client, f"Day {run}: {article}") for run in range(arguments.runs + 1)][1:]
            seconds = [taken for taken, _ in results]
            written = sum(summary.output_token_count for summary in results[0][1].summaries)
            medians.append(statistics.median(seconds))
            spread = f"{medians[-1]:.2f} s ({min(seconds):.2f} to {max(seconds):.2f}, n={len(seconds)})"
            print(
                f"{engine:10}{statistics.median(starts):10.1f} s{spread:>34}{written:12}{server.memory.peak():10.2f} GB"
            )
    print(f"{'to reach':10}{'under 4 s':>12}{'under 0.7 s':>34}{'':12}{'under 1 GB':>13}")
    if len(medians) > 1:
        print(f"\n{arguments.engines[0]} takes {medians[0] / medians[1]:.2f} of {arguments.engines[1]}'s time")


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """`nutgraf serve` with these options, once it serves. Repeated articles are not answered from a cache."""
    command = [sys.executable, "-m", "nutgraf", "serve", "--port", "0", "--cache-bytes", "0", *options]
    # As installed: pip compiles what it installs.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stderr is not None
        address = ""
        for line in process.stderr:
            entry = json.loads(line)
            address = entry.get("address", address)
            if entry["message"] == "serving":
                break
        else:
            raise SystemExit(f"the server did not start: exit status {process.wait()}")
        start_seconds = time.perf_counter() - started
        # The log is read, because a full pipe would block the server.
        threading.Thread(target=deque, args=(process.stderr, 0), daemon=True).start()
        with Client(address, timeout=TIMEOUT) as client:
            yield Served(client, address, process.pid, start_seconds, Memory(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        finally:
            process.kill()


def article_of(tokens: int, client: Client) -> str:
    """The leading sentences of a seed that come nearest to `tokens`, as counted by the server."""
    words = (SEEDS / "08-pharmacy-blood-pressure-trial.txt").read_text(encoding="utf-8").partition("\n")[2].split()
    count = client.summarize(" ".join(words), summaries="short").article.input_token_count
    leading = words[: round(len(words) * tokens / count)]
    while not leading[-1].endswith("."):
        leading.pop()
    return " ".join(leading)


def timed(client: Client, article: str) -> tuple[float, Result]:
    started = time.perf_counter()
    result = client.summarize(article)
    return time.perf_counter() - started, result


def processes(pid: int) -> list[int]:
    """The server and its descendants: the engine has a process of its own."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for one in lists for child in one.read_text(encoding="utf-8").split()]
    return [pid, *(one for child in children for one in processes(child))]


def memory(pid: int) -> float:
    """Memory of the server's processes in gigabytes. Pages of files count once."""
    own = 0
    files: dict[tuple[str, str], int] = {}
    for one in processes(pid):
        for offset, name, resident, anonymous in _MAPPING.findall(
            Path(f"/proc/{one}/smaps").read_text(encoding="utf-8")
        ):
            own += int(anonymous)
            files[name, offset] = max(files.get((name, offset), 0), int(resident) - int(anonymous))
    return (own + sum(files.values())) * 1024 / 1e9


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


if __name__ == "__main__":
    main()
