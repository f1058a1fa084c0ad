"""`nutgraf batch` processes that are killed while they work with a real server, and run again."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from support.loads import article
from support.replicas import Replica
from support.waiting import wait_until

ARTICLES = 400
# Minimum numbers of output lines at which the process is killed; low enough that it is not finished before.
LINES = (0, 1, 2, 37, 100, 163, 200)
SECONDS = 60


def command(source: Path, output: Path, server: Replica) -> list[str]:
    return [sys.executable, "-m", "nutgraf", "batch", str(source), "-o", str(output), "--server", server.address]


def records(output: Path) -> dict[str, dict[str, object]]:
    """The answers by id, without timings and origins; fails if a line is incomplete or duplicate."""
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    by_id = {line["id"]: line | {"timings": None, "origin": None} for line in lines}
    assert len(by_id) == len(lines)
    return by_id


def wait_for_lines(count: int, output: Path, process: "subprocess.Popen[bytes]") -> None:
    def has_lines() -> bool:
        assert process.poll() is None, "the batch was finished before it could be killed"
        return output.exists() and output.read_bytes().count(b"\n") >= count

    wait_until(has_lines, seconds=SECONDS, pause=0.001)


def test_a_batch_that_was_killed_several_times_has_the_output_of_an_uninterrupted_one(tmp_path: Path) -> None:
    source, whole, output = tmp_path / "in.jsonl", tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps({"id": f"a{number}", "text": article("batch", number)}) for number in range(ARTICLES)]
    source.write_text("\n".join(lines), encoding="utf-8")
    with Replica() as server:
        subprocess.run(command(source, whole, server), check=True, timeout=SECONDS)
        for count in LINES:
            with subprocess.Popen(command(source, output, server)) as process:
                wait_for_lines(count, output, process)
                process.kill()
            assert process.returncode == -signal.SIGKILL
        subprocess.run(command(source, output, server), check=True, timeout=SECONDS)
    assert len(records(whole)) == ARTICLES
    assert records(output) == records(whole)
