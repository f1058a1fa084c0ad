"""`make fuzz`: property tests with random examples, reproducible by a seed."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROPERTY = """
from hypothesis import given, strategies as st
from support.examples import examples

@examples(50)
@given(st.integers())
def test_numbers(number):
    with open({seen!r}, "a") as file:
        print(number, file=file)
    assert number {claim}
"""


def fuzz(folder: Path, claim: str, *settings: str) -> tuple["subprocess.CompletedProcess[str]", list[str]]:
    """Runs the target on one property test; returns the run and its examples."""
    seen, test = folder / "seen", folder / "test_property.py"
    seen.unlink(missing_ok=True)
    test.write_text(PROPERTY.format(seen=str(seen), claim=claim))
    (folder / "bin").mkdir(exist_ok=True)
    for name, words in (("python", ""), ("pytest", "-m pytest")):
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (folder / "bin" / name).chmod(0o755)
    (folder / "dev.stamp").touch()
    # The environment is prepared for make, without the flags of an outer make.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "tests"), environment.get("PYTHONPATH", "")])
    run = subprocess.run(
        ["make", "fuzz", f"VENV={folder}", f"--old-file={folder}/dev.stamp", f"FUZZ_TESTS={test}", *settings],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    return run, seen.read_text().split()


def test_examples_are_random_and_reproducible_by_seed(tmp_path):
    run, examples = fuzz(tmp_path, "is not None", "FUZZ_TIMES=2")
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(examples) == 100
    seed = re.search(r"^seed (\d+)$", run.stdout, re.M)[1]
    assert fuzz(tmp_path, "is not None", "FUZZ_TIMES=2", f"SEED={seed}")[1] == examples
    assert fuzz(tmp_path, "is not None", "FUZZ_TIMES=2", f"SEED={seed}1")[1] != examples


def test_failure_prints_how_to_reproduce_it(tmp_path):
    run, _ = fuzz(tmp_path, "< 1000", "FUZZ_TIMES=20", "SEED=7")
    assert run.returncode != 0
    assert "@reproduce_failure" in run.stdout
    assert "make: to try the same again: make fuzz SEED=7 FUZZ_TIMES=20\n" in run.stderr
