"""What keeps `nutgraf serve` and `nutgraf models pull` from their work is said in one line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoints import checkpoint

TIMEOUT = 120
NOBODY = 65534


def complaint(*arguments: str, as_nobody: bool = False, **environment: str) -> str:
    """The one line by which a command that fails says why."""
    rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if as_nobody else {}
    run = subprocess.run(
        [sys.executable, "-m", "nutgraf", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, **environment},
        **rights,  # type: ignore[call-overload]
    )
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    # What went well is logged as JSON.
    lines = [line for line in run.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]


def serve(*arguments: str, as_nobody: bool = False, **environment: str) -> str:
    return complaint("serve", "--port", "0", *arguments, as_nobody=as_nobody, **environment)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def garbled(file: Path) -> None:
    file.write_bytes(b"\xa7" * file.stat().st_size)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors", "generation_config.json"])
@pytest.mark.parametrize("damage", [cut_short, garbled, emptied])
def test_a_damaged_folder_is_named_with_the_file(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(checkpoint("smollm"), folder)
    damage(folder / name)
    said = serve("--model", str(folder))
    assert "tiny" in said
