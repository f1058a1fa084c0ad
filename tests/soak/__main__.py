"""Mixed traffic with random faults against a real server, which is killed, drained and restarted meanwhile.

    make soak                                  # 15 minutes with the lead baseline, for the most traffic
    SOAK_SECONDS=120 make soak
    make soak SOAK_FLAGS="--model smollm2-135m-nutgraf"

Prints the numbers of requests sent, answered, refused, given up, lost and wrong. Exits 1 unless lost and wrong are 0,
an idle server's memory is flat and no work is left in it, every drain ended by itself with status 0, and the log
contains neither a traceback nor article text.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from soak.judge import Judge
from soak.texts import CANARY, Texts
from soak.traffic import CALLERS, Soak, in_a_thread
from support.replicas import Replica

TOKEN = "soak-token"
# Share of the time, at the end, without restarts, for measuring memory growth. Its first half is the warm-up.
_QUIET_SHARE = 0.5
_MAX_GROWTH = 64e6
_BETWEEN_RESTARTS = (5.0, 15.0)
_END_SECONDS = 180.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=900.0)
    parser.add_argument("--model", default="lead")
    parser.add_argument("--seed", type=int, default=20, help="seed for articles and faults; their timing varies")
    arguments = parser.parse_args()
    judge = Judge()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(soak(judge, arguments.seconds, arguments.model, arguments.seed, Path(folder)))
    print(judge.report())
    sys.exit(bool(judge.wrong or judge.lost()))


async def soak(judge: Judge, seconds: float, model: str, seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    log, token_file = folder / "log", folder / "tokens"
    token_file.write_text(TOKEN, encoding="utf-8")
    options = ("--model", model, "--token-file", str(token_file), "--max-queued-requests", "64")
    server = Replica("127.0.0.1", None, *options, log=log)
    await asyncio.to_thread(server.start)
    is_lead = model == "lead"
    stopping = threading.Event()
    traffic = Soak(
        server.address,
        TOKEN,
        judge,
        Texts(random.Random(seed), is_lead=is_lead),
        chance,
        stopping,
        pause=0.3 if is_lead else 10.0,
        longest=300 if is_lead else 12,
    )
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    tasks = [asyncio.create_task(caller(traffic)) for caller in CALLERS]
    tasks.append(asyncio.create_task(asyncio.to_thread(in_a_thread, traffic)))
    try:
        await restarts(judge, server, chance, until - _QUIET_SHARE * seconds)
        await asyncio.sleep(_QUIET_SHARE * seconds / 2)
        before = server.resident_bytes
        await asyncio.sleep(max(0.0, until - loop.time()))
        grown = server.resident_bytes - before
    finally:
        stopping.set()
        done, running = await asyncio.wait(tasks, timeout=_END_SECONDS)
    for task in done:
        task.result()
    if running:
        judge.complain(f"{len(running)} callers have not ended within {_END_SECONDS:.0f} s")
    print(f"the server's memory has grown by {grown / 1e6:.1f} MB in the last {_QUIET_SHARE * seconds / 2:.0f} s")
    if grown > _MAX_GROWTH:
        judge.complain(f"the server's memory has grown by more than {_MAX_GROWTH / 1e6:.0f} MB")
    await is_idle(judge, server)
    await drained(judge, server)
    lines = log.read_text(encoding="utf-8")
    for unwanted in ("Traceback", CANARY, TOKEN):
        if unwanted in lines:
            position = lines.index(unwanted)
            judge.complain(f"the log contains {unwanted!r}: {lines[max(0, position - 500) : position + 2500]}")


async def restarts(judge: Judge, server: Replica, chance: random.Random, until: float) -> None:
    """Kills or drains the server and restarts it on its port, repeatedly, until the loop's time `until`."""
    drains = kills = 0
    while (now := asyncio.get_running_loop().time()) < until:
        await asyncio.sleep(min(chance.uniform(*_BETWEEN_RESTARTS), until - now))
        if chance.random() < 0.5:
            await drained(judge, server)
            drains += 1
        else:
            await asyncio.to_thread(server.kill)
            kills += 1
        await asyncio.to_thread(server.start)
    print(f"the server was drained {drains} times and killed {kills} times, and started again")


async def drained(judge: Judge, server: Replica) -> None:
    try:
        await asyncio.to_thread(server.drain)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        judge.complain(f"a drain did not end with status 0: {error}")
        await asyncio.to_thread(server.kill)


async def is_idle(judge: Judge, server: Replica) -> None:
    """Complains if an idle server has work left."""
    gauges = ("nutgraf_queued_requests", "nutgraf_running_requests")
    for _ in range(100):
        left = {gauge: await asyncio.to_thread(server.metric, gauge) for gauge in gauges}
        if not any(left.values()):
            return
        await asyncio.sleep(0.2)
    judge.complain(f"the idle server still has {left}")


if __name__ == "__main__":
    main()
