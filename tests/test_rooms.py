"""Who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "client/nutgraf": {"nutgraf_models", "nutgraf_service", "torch", "transformers"},
    "models/nutgraf_models": {"nutgraf", "nutgraf_service", "grpc", "google", "grpc_status"},
    "service/nutgraf_service": {"torch", "transformers", "openvino", "openvino_genai"},
}


def imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_a_room_keeps_to_itself(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    trespasses = {str(file): names for file in files if (names := imported(file) & FORBIDDEN[room])}
    assert trespasses == {}


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


def test_modules_stay_readable():
    files = [file for room in FORBIDDEN for file in (ROOT / room).rglob("*.py") if "_pb2" not in file.name]
    assert {str(file): lines for file in files if (lines := file.read_text().count("\n")) > 270} == {}
