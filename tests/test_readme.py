"""Runs the code in the READMEs, and compares the command-line output that they show.

`python tests/test_readme.py` updates the shown output.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README, CLIENT, SERVICE = (ROOT / name for name in ("README.md", "client/README.md", "service/README.md"))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
_SHOWN = re.compile(r"```console\n\$ (nutgraf[^\n]*)\n(.*?)```", re.S)


def shown_commands() -> list[tuple[str, str]]:
    texts = (file.read_text(encoding="utf-8") for file in (CLIENT, SERVICE))
    return [(match[1], match[2].strip()) for text in texts for match in _SHOWN.finditer(text)]


def output_of(command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUTGRAF_")}
    environment |= {"COLUMNS": "100", "NO_COLOR": "1"}
    run = subprocess.run(
        [sys.executable, "-m", *command.split()],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=60,
    )
    return "\n".join(line.rstrip() for line in run.stdout.strip().splitlines())


@pytest.mark.parametrize(("command", "shown"), shown_commands(), ids=[command for command, _ in shown_commands()])
def test_shown_output_is_current(command, shown):
    assert shown == output_of(command), "run: python tests/test_readme.py"
    # The help of an option without a default states the default behaviour.
    assert "default: None" not in shown


@pytest.mark.parametrize(("file", "count"), [(README, 1), (CLIENT, 7)], ids=["README.md", "client/README.md"])
def test_python_blocks_run_in_order(file, count):
    from support.server import running_server

    blocks = re.findall(r"```python\n(.*?)```", file.read_text(encoding="utf-8"), re.S)
    assert len(blocks) == count
    with running_server() as server:
        names: dict[str, object] = {}
        for block in blocks:
            exec(compile(block.replace("localhost:50051", server.address), str(file), "exec"), names)


def test_shown_check_output_is_current(tmp_path):
    from support.server import running_server

    text = CLIENT.read_text(encoding="utf-8")
    for name, file in (("article", "port.txt"), ("summary", "summary.txt")):
        (tmp_path / file).write_text(re.search(rf'^{name} = """(.*?)"""', text, re.S | re.M)[1], encoding="utf-8")
    shown = re.search(r"^\$ nutgraf (check port.txt summary.txt)\n(.*?)```", text, re.S | re.M)
    with running_server() as server:
        command = [sys.executable, "-m", "nutgraf", *shown[1].split(), "--server", server.address]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    # Support may change; verdicts may not.
    assert re.sub(r" +\d+%", " %", run.stdout) == re.sub(r" +\d+%", " %", shown[2])
    assert run.returncode == 1


def test_every_error_reason_is_documented():
    from nutgraf_service.errors import CODES

    text = SERVICE.read_text(encoding="utf-8")
    assert [reason for reason in CODES if f"`{reason}`" not in text] == []


def test_every_packaged_model_is_documented():
    from nutgraf_models.checkpoints.registry import known_cards

    text = README.read_text(encoding="utf-8")
    assert [name for name in known_cards() if f"`{name}`" not in text] == []


def test_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_links_resolve():
    for file in (README, CLIENT, SERVICE, ROOT / "models/README.md", ROOT / "models/EXPERIMENTS.md"):
        text = file.read_text(encoding="utf-8")
        links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text)
        assert [link for link in links if not (file.parent / link).exists()] == [], file
        whole = re.findall(rf"\]\({REPOSITORY}/(?:blob|tree)/main/([^)#]+)(?:#[^)]*)?\)", text)
        assert [link for link in whole if not (ROOT / link).exists()] == [], file
        # The package index shows these pages, beside no file.
        assert not (links and file in (README, CLIENT)), file


if __name__ == "__main__":
    for readme in (CLIENT, SERVICE):
        readme.write_text(
            _SHOWN.sub(
                lambda match: f"```console\n$ {match[1]}\n{output_of(match[1])}\n```",
                readme.read_text(encoding="utf-8"),
            ),
            encoding="utf-8",
        )
