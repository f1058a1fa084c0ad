"""Roofline of the default model: its speed relative to the limits of this machine.

Measures memory bandwidth and matrix multiplication speed (torch, at the shapes of the model's layers), computes the
demand of a token from the model's files (weights read once per step, two operations per weight), and prints the minimum
time for both lengths of an article next to the measured time. The model of Williams et al. 2009, "Roofline: An
Insightful Visual Performance Model", without caches.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from first_figures import article_of, processor, served, timed

from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.folder_card import read_json
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card

INSTRUCTION_TOKENS = 20  # prompt tokens after the article, per length


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=500, help="tokens per article")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    folder = store.pull(find_card(DEFAULT_MODEL))
    config = read_json(folder / "config.json") or {}
    weight_bytes = next(folder.glob("*.gguf")).stat().st_size
    hidden, layers, inner = config["hidden_size"], config["num_hidden_layers"], config["intermediate_size"]
    head = hidden // config["num_attention_heads"]
    kv = head * config["num_key_value_heads"]
    in_layers = layers * (2 * hidden * hidden + 2 * hidden * kv + 3 * hidden * inner)
    in_head = hidden * config["vocab_size"]

    bandwidth = median_of(read_memory, arguments.runs)
    throughput = {
        dtype: median_of(partial(multiply, arguments.tokens, hidden, inner, dtype), arguments.runs)
        for dtype in (torch.float32, torch.bfloat16)
    }
    print(f"{os.cpu_count()} cores, {processor()}")
    print(f"memory is read at {bandwidth / 1e9:.1f} GB a second")
    for dtype, rate in throughput.items():
        print(f"matrices of {dtype} are multiplied at {rate / 1e9:.0f} billion operations a second")
    best = max(throughput.values())

    with served() as server:
        article = article_of(arguments.tokens, server.client)
        # Each article begins differently, so that the prefix cache has no hits.
        results = [timed(server.client, f"Day {run}: {article}") for run in range(arguments.runs + 1)][1:]
    taken = statistics.median(seconds for seconds, _ in results)
    tokens = results[0][1].article.input_token_count
    written = [summary.output_token_count for summary in results[0][1].summaries]

    reading = tokens + 2 * INSTRUCTION_TOKENS
    read_seconds = 2 * in_layers * reading / best
    # Both summaries are decoded in parallel, so a step reads the weights once and multiplies twice.
    steps, total = max(written), sum(written)
    kv_bytes = 2 * layers * kv * (tokens + INSTRUCTION_TOKENS)  # one byte per weight
    step_bytes = weight_bytes * steps + kv_bytes * total
    write_by_memory = step_bytes / bandwidth
    write_by_multiplying = 2 * (in_layers + in_head) * total / best
    print(f"\nboth lengths of {tokens} tokens, {written[0]} and {written[1]} tokens written")
    print(f"reading  {2 * in_layers * reading / 1e9:8.1f} billion operations    at least {read_seconds:6.2f} s")
    print(f"writing  {step_bytes / 1e9:8.1f} GB of weights and cache    at least {write_by_memory:6.2f} s")
    operations = 2 * (in_layers + in_head) * total / 1e9
    print(f"         {operations:8.1f} billion operations    at least {write_by_multiplying:6.2f} s")
    least = read_seconds + max(write_by_memory, write_by_multiplying)
    print(f"together                               at least {least:6.2f} s")
    print(f"measured                                        {taken:6.2f} s, {taken / least:.1f} times the least")
    many = read_seconds + write_by_multiplying
    print(f"with many at once, the weights read for all: at most {1 / many:.2f} articles a second")


def median_of(measure: Callable[[], float], runs: int) -> float:
    measure()
    return statistics.median(measure() for _ in range(runs))


def read_memory() -> float:
    """Bytes per second that all cores together read from arrays larger than any cache."""
    cores = os.cpu_count() or 1
    arrays = [np.ones(1 << 25, dtype=np.float64) for _ in range(cores)]
    with ThreadPoolExecutor(cores) as pool:
        started = time.perf_counter()
        list(pool.map(np.sum, arrays))
        seconds = time.perf_counter() - started
    return sum(array.nbytes for array in arrays) / seconds


def multiply(rows: int, hidden: int, inner: int, dtype: torch.dtype) -> float:
    """Operations per second of a feed-forward layer of the model over `rows` tokens."""
    states = torch.ones(rows, hidden, dtype=dtype)
    up, down = torch.ones(hidden, inner, dtype=dtype), torch.ones(inner, hidden, dtype=dtype)
    repeats = 20
    started = time.perf_counter()
    for _ in range(repeats):
        (states @ up) @ down
    return repeats * 4 * rows * hidden * inner / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
