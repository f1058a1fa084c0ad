"""Standard streams of commands that are closed, full, or in an encoding without some of the characters."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from client.cli_process import error_of, nutgraf
from client.stub_server import StubServer

TEXT = "Zoë won “gold”. It was wet."
CLOSED = "standard input or output is closed"
FULL = "No space left on device"
WRITING = [
    ["summarize", "article.txt"],
    ["summarize", "article.txt", "--json"],
    ["check", "article.txt", "article.txt"],
    ["info"],
    ["info", "--json"],
    ["health"],
    ["batch", "in.jsonl", "-o", "-"],
    ["--help"],
    ["batch", "--help"],
    ["--version"],
]


@pytest.fixture(autouse=True)
def _files(server: StubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "article.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "text": TEXT}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUTGRAF_SERVER", server.address)


@pytest.mark.parametrize("arguments", [["summarize"], ["batch", "-", "-o", "out.jsonl"], ["check", "-", "article.txt"]])
def test_closed_standard_input(server: StubServer, arguments: list[str]) -> None:
    assert error_of(nutgraf(*arguments, redirect="<&-")) == CLOSED
    assert not server.servicer.metadata


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_closed_standard_output(arguments: list[str]) -> None:
    assert CLOSED in error_of(nutgraf(*arguments, redirect=">&-"))


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_full_standard_output(arguments: list[str]) -> None:
    assert FULL in error_of(nutgraf(*arguments, redirect=">/dev/full"))


@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/full"])
def test_closed_or_full_standard_error(server: StubServer, redirect: str) -> None:
    done = nutgraf("summarize", "article.txt", "--length", "short", redirect=redirect)
    assert (done.returncode, done.stdout.decode()) == (0, "Zoë won “gold”.\n")
    done = nutgraf("summarize", "none.txt", redirect=redirect)
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("redirect", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_file_never_gets_the_descriptor_of_a_closed_stream(redirect: str) -> None:
    done = nutgraf("batch", "in.jsonl", "-o", "out.jsonl", redirect=redirect, GRPC_VERBOSITY="debug", GRPC_TRACE="http")
    assert done.returncode == 0
    (line,) = Path("out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["id"] == "a"


def test_closed_standard_output_in_a_command_of_another_package() -> None:
    pytest.importorskip("safetensors")  # the command needs it
    assert error_of(nutgraf("models", "list", redirect=">&-")) == CLOSED


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_an_encoding_without_some_characters(arguments: list[str], encoding: str) -> None:
    done = nutgraf(*arguments, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


def test_missing_characters_are_escaped() -> None:
    done = nutgraf("summarize", "article.txt", "--length", "short", PYTHONIOENCODING="latin-1")
    assert done.stdout.decode("latin-1") == "Zoë won \\u201cgold\\u201d.\n"
    done = nutgraf("check", "article.txt", "article.txt", PYTHONIOENCODING="cp1252")
    assert done.stdout.decode("cp1252").startswith("\\u2713  75%  Zoë won “gold”.")


def test_file_names_that_are_not_utf8() -> None:
    os.close(os.open(b"caf\xe9.txt", os.O_CREAT | os.O_WRONLY))
    done = nutgraf("summarize", redirect=f"< {shlex.quote('article.txt')}", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    for name, why in ((b"caf\xe9.txt", b"is empty"), (b"th\xe9.txt", b"No such file")):
        done = nutgraf("summarize", os.fsdecode(name))
        assert done.returncode == 1
        assert why in done.stderr


def test_a_server_name_that_is_not_utf8() -> None:
    done = nutgraf("health", "--server", os.fsdecode(b"h\xff"))
    assert done.returncode == 2
    assert b"is not a server address" in done.stderr
