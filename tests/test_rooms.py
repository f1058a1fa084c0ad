"""Who may import whom, and what is imported when."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_imports_go_in_one_direction():
    """The contracts are in pyproject.toml."""
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("command", [["models", "list"], ["serve", "--help"], ["--help"]])
def test_the_command_line_imports_no_model_library_until_it_runs_a_model(command):
    script = (
        "import sys\n"
        "from nutgraf._cli.main import main\n"
        "try:\n"
        f"    main({command!r})\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "heavy = {'torch', 'transformers', 'openvino'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
