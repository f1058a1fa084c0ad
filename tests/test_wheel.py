"""What a user gets: the built wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> set[str]:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_has_every_card(names):
    cards = {
        f"nutgraf_models/checkpoints/cards/{card.name}"
        for card in (ROOT / "models/nutgraf_models/checkpoints/cards").glob("*.toml")
    }
    assert len(cards) == 6
    assert cards <= names


def test_it_has_the_generated_code_its_stubs_and_the_marks_of_typed_packages(names):
    assert {f"nutgraf/v1/summarizer_pb2{ending}" for ending in (".py", ".pyi", "_grpc.py", "_grpc.pyi")} <= names
    assert {f"{package}/py.typed" for package in ("nutgraf", "nutgraf_models", "nutgraf_service")} <= names


def test_it_has_every_tracked_file_of_the_packages_and_nothing_else(names):
    tracked = subprocess.run(
        ["git", "ls-files", "client/nutgraf", "models/nutgraf_models", "service/nutgraf_service"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    shipped = {name for name in names if ".dist-info/" not in name}
    assert {name.partition("/")[2] for name in tracked} == shipped
