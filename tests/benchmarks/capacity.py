"""Capacity estimate for up to a thousand articles per second, from measurements of one replica on this machine.

    python tests/benchmarks/capacity.py [--data ARTICLES.jsonl] [--articles 24] [--threads 1 2] ...

Measures one real server per number of threads, one after another: time to SERVING, articles per second for both
lengths with more calls waiting than the engine runs in parallel, CPU time, peak memory, and serialised message sizes.
All articles are distinct, so the prefix cache has no hits. Then computes the estimate. Everything else is an
assumption, printed with its flag.
"""

import argparse
import itertools
import json
import math
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from first_figures import SEEDS, processes, processor, served

from nutgraf import Client
from nutgraf._requests import summarize_request
from nutgraf.v1 import summarizer_pb2 as pb

TIMEOUT = 900.0
IN_FLIGHT = 8
RATES = (1, 10, 100, 1000)
# The prefix of each message on the wire (gRPC over HTTP/2: length-prefixed message).
PREFIX_BYTES = 5


@dataclass(frozen=True)
class Measured:
    """Measurements of one replica with `threads` threads, i.e. cores."""

    threads: int
    start_seconds: float
    articles: int
    input_tokens: float
    articles_per_second: float
    cpu_seconds: float
    """Of the server, for one article."""
    caller_cpu_seconds: float
    peak_bytes: int
    bytes_in: float
    bytes_out: float


def main() -> None:
    options = arguments()
    print(f"measured on {os.cpu_count()} cores, {processor()}; load average before: {os.getloadavg()[0]:.1f}\n")
    measured = [measure(threads, options) for threads in options.threads]
    print_measured(measured)
    print_assumptions(options)
    print_table(measured, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help='JSON lines with "article"; the seeds if not given')
    parser.add_argument(
        "--articles", type=int, default=24, choices=range(1, 501), metavar="1..500", help="articles per server"
    )
    parser.add_argument("--tokens", type=int, default=500, help="approximate length of an article")
    parser.add_argument(
        "--threads",
        type=int,
        nargs="+",
        default=[1, 2],
        help="threads per replica; the last value is used for the fleet",
    )
    parser.add_argument("--model", default=None, help="model, if not the default")
    parser.add_argument(
        "--utilisation", type=float, default=0.6, help="target load of a replica, as a share of its maximum"
    )
    parser.add_argument("--machine-cores", type=int, default=32)
    parser.add_argument("--machine-gigabytes", type=float, default=64.0)
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of a core per hour")
    return parser.parse_args()


def measure(threads: int, options: argparse.Namespace) -> Measured:
    model = [] if options.model is None else ["--model", options.model]
    with (
        served("--threads", str(threads), *model) as server,
        Client(server.address, timeout=TIMEOUT) as client,
    ):
        pid = server.pid
        requests = [summarize_request(text) for text in articles(options, client)]
        cpu, caller_cpu, started = cpu_seconds(pid), time.process_time(), time.perf_counter()
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            responses: list[pb.SummarizeResponse] = [one for one, _ in pool.map(client._summarize, requests)]
        seconds = time.perf_counter() - started
        count = len(requests)
        return Measured(
            threads=threads,
            start_seconds=server.start_seconds,
            articles=count,
            input_tokens=sum(one.article.input_token_count for one in responses) / count,
            articles_per_second=count / seconds,
            cpu_seconds=(cpu_seconds(pid) - cpu) / count,
            caller_cpu_seconds=(time.process_time() - caller_cpu) / count,
            peak_bytes=round(1e9 * server.memory.peak()),
            bytes_in=sum(one.ByteSize() + PREFIX_BYTES for one in requests) / count,
            bytes_out=sum(one.ByteSize() + PREFIX_BYTES for one in responses) / count,
        )


def articles(options: argparse.Namespace, client: Client) -> Iterator[str]:
    """Distinct articles of about `tokens` tokens, each cut at a sentence boundary."""
    texts = [" ".join(text.split()) for text in sources(options.data)]
    sample = max(texts, key=len)[:4000]
    tokens = client.summarize(sample, summaries="short").article.input_token_count
    characters = round(options.tokens * len(sample) / tokens)
    texts = [text[:characters] for text in texts if len(text) > 0.9 * characters]
    if not texts:
        raise SystemExit(f"there is no article of about {options.tokens} tokens; see --data and --tokens")
    for number, text in zip(range(options.articles), itertools.cycle(texts)):
        end = max((match.end() for match in re.finditer(r"[.!?][”\"’']?(?=\s|$)", text)), default=len(text))
        yield f"Day {number + 1}: {text[:end]}"


def sources(data: Path | None) -> list[str]:
    if data is None:
        return [file.read_text(encoding="utf-8").partition("\n")[2] for file in sorted(SEEDS.glob("*.txt"))]
    with data.open(encoding="utf-8") as lines:
        return [json.loads(line)["article"] for line in itertools.islice(lines, 1000)]


def print_measured(measured: list[Measured]) -> None:
    rows = [
        ("threads (cores) of the replica", [f"{one.threads}" for one in measured]),
        ("start to SERVING", [f"{one.start_seconds:.1f} s" for one in measured]),
        ("articles, both lengths of each", [f"{one.articles}" for one in measured]),
        ("tokens of an article", [f"{one.input_tokens:.0f}" for one in measured]),
        ("articles a second", [f"{one.articles_per_second:.3f}" for one in measured]),
        ("  per core", [f"{one.articles_per_second / one.threads:.3f}" for one in measured]),
        ("CPU time of an article, server", [f"{one.cpu_seconds:.2f} s" for one in measured]),
        ("CPU time of an article, caller", [f"{one.caller_cpu_seconds:.4f} s" for one in measured]),
        ("peak memory of the replica", [f"{one.peak_bytes / 1e9:.2f} GB" for one in measured]),
        ("bytes in for an article", [f"{one.bytes_in:.0f}" for one in measured]),
        ("bytes out for an article", [f"{one.bytes_out:.0f}" for one in measured]),
    ]
    print("measured")
    for name, values in rows:
        print(f"{name:34}{''.join(f'{value:>12}' for value in values)}")


def print_assumptions(options: argparse.Namespace) -> None:
    print(f"""
assumed
- given {options.utilisation:.0%} of what it can do at most, a replica keeps its queue short (--utilisation)
- replicas share nothing, so that n of them do n times as much, and callers spread their calls evenly
- a core of the machines is as fast as one here; a machine has {options.machine_cores} of them (--machine-cores)
- a machine has {options.machine_gigabytes:g} GB (--machine-gigabytes), a tenth of it for the system
- a core costs {options.core_hour:g} an hour (--core-hour), with the memory and the network that it needs
- headers, TLS and TCP add little to the messages
- articles are as long as the measured ones, and callers want both lengths
""")


def print_table(measured: list[Measured], options: argparse.Namespace) -> None:
    names = ("articles/s", "replicas", "cores", "machines", "memory", "in", "out", "cost/h", "cost/1M")
    widths = (10, 10, 8, 10, 13, 16, 16, 11, 9)
    print("".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True)))
    single = measured[0]
    # The first line: the load of one small replica.
    rows = [(single.articles_per_second * options.utilisation, single), *((rate, measured[-1]) for rate in RATES)]
    for rate, replica in rows:
        # Rounded, because the quotient of equal numbers may be slightly above an integer.
        replicas = math.ceil(round(rate / (replica.articles_per_second * options.utilisation), 6))
        cores = replicas * replica.threads
        cost = cores * options.core_hour
        values = (
            f"{rate:.2f}" if rate < 1 else f"{rate:,.0f}",
            f"{replicas:,}",
            f"{cores:,}",
            f"{math.ceil(replicas / replicas_per_machine(replica, options)):,}",
            f"{replicas * replica.peak_bytes / 1e9:,.1f} GB",
            f"{rate * replica.bytes_in * 8 / 1e6:,.3f} Mbit/s",
            f"{rate * replica.bytes_out * 8 / 1e6:,.3f} Mbit/s",
            f"{cost:,.2f}",
            f"{cost / (rate * 3600) * 1e6:,.0f}",
        )
        print("".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True)))


def replicas_per_machine(replica: Measured, options: argparse.Namespace) -> int:
    by_memory = int(0.9 * options.machine_gigabytes * 1e9 / replica.peak_bytes)
    count = min(options.machine_cores // replica.threads, by_memory)
    if count == 0:
        raise SystemExit("a machine has no room for one replica; see --machine-cores and --machine-gigabytes")
    return count


def cpu_seconds(pid: int) -> float:
    """CPU time of the server's processes, including their threads."""
    stats = [Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split() for one in processes(pid)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
