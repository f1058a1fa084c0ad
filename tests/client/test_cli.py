"""The command `nutgraf`, except `batch` and `check`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from google.protobuf import json_format
from google.rpc import code_pb2

from client.stub_server import NOT_SERVING, StubServer, abort, free_port, lead, make_status
from nutgraf._cli import main as cli
from nutgraf.v1 import summarizer_pb2 as pb

TEXT = "Zoë won. It was wet."


def run(*arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(cli.cli, arguments, input=stdin, env=env)


def process(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "nutgraf", *arguments], input=stdin, capture_output=True, check=False)


@pytest.fixture
def article(tmp_path: Path) -> str:
    path = tmp_path / "article.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def test_summarize_a_file(server: StubServer, article: str) -> None:
    result = run("summarize", article, "--server", server.address)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Zoë won.\n\nZoë won.\n", "")
    assert server.servicer.requests[0].text == TEXT


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_summarize_standard_input(server: StubServer, arguments: list[str]) -> None:
    result = run("summarize", *arguments, "--length", "short", "--server", server.address, stdin=TEXT.encode())
    assert result.stdout == "Zoë won.\n"


def test_the_options_arrive(server: StubServer, article: str) -> None:
    options = ["--length", "long", "--title", "T", "--max-words", "30", "--show-doubted"]
    assert run("summarize", article, *options, "--server", server.address).exit_code == 0
    request = server.servicer.requests[0]
    assert request.title == "T"
    assert request.show_doubted
    assert list(request.summaries) == [pb.SummarySpec(length=pb.SUMMARY_LENGTH_LONG, max_words=30)]


def test_json_is_protobufs_mapping(server: StubServer, article: str) -> None:
    result = run("summarize", article, "--json", "--server", server.address)
    data = json.loads(result.stdout_bytes)
    assert data["summaries"][0]["unsupportedTerms"] == []  # fields with default values are printed
    assert data["timings"]["totalDuration"] == "1.500s"
    assert "Zoë".encode() in result.stdout_bytes
    assert json_format.ParseDict(data, pb.SummarizeResponse()) == lead(server.servicer.requests[0])


def test_warnings_go_to_stderr(server: StubServer, article: str) -> None:
    def unsure(request: pb.SummarizeRequest, context: object) -> pb.SummarizeResponse:
        response = lead(request)
        response.warnings.add(code=pb.WARNING_CODE_NO_PROSE, detail="it looks like a table")
        response.summaries[0].unsupported_terms.add(kind=pb.TERM_KIND_NAME, span=pb.Span(start=0, end=3))
        response.summaries[0].warnings.add(code=pb.WARNING_CODE_FEWER_SENTENCES)
        return response

    server.servicer.unary = unsure
    result = run("summarize", article, "--length", "short", "--server", server.address)
    assert result.stdout == "Zoë won.\n"
    assert result.stderr.splitlines() == [
        "nutgraf: warning: it looks like a table",
        "nutgraf: warning: short summary: fewer_sentences",
        "nutgraf: warning: short summary: not in the article: “Zoë” (name)",
    ]


def test_a_page_in_addition_to_the_usual_output(server: StubServer, article: str, tmp_path: Path) -> None:
    page = tmp_path / "a page.html"
    page.write_text("an older and longer one" * 1000)
    arguments = ["--title", "Zoë & all", "--html", str(page), "--length", "short", "--server", server.address]
    result = run("summarize", article, *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Zoë won.\n", "")
    html = page.read_bytes().decode("utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "<title>Zoë &amp; all</title>" in html
    assert '<span id="p1-1" data-numbers="1">Zoë won.</span> It was wet.' in html
    assert html.endswith("</html>\n")
    result = run("summarize", article, "--json", "--html", str(page), "--server", server.address)
    assert json.loads(result.stdout_bytes)["model"] == "stub"
    assert sorted(tmp_path.iterdir()) == [page, Path(article)]


def test_a_page_follows_a_link_and_has_default_permissions(server: StubServer, article: str, tmp_path: Path) -> None:
    (tmp_path / "link.html").symlink_to("real.html")
    run("summarize", article, "--html", str(tmp_path / "link.html"), "--server", server.address)
    assert (tmp_path / "link.html").is_symlink()
    (tmp_path / "other").touch()
    assert (tmp_path / "real.html").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("no-such-folder/page.html", "No such file or directory"),
        ("article.txt/page.html", "Not a directory"),
        (".", "it exists and is not a file"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_before_any_call(
    server: StubServer, article: str, tmp_path: Path, where: str, why: str
) -> None:
    result = run("summarize", article, "--html", str(tmp_path / where), "--server", server.address)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"nutgraf: error: cannot write {(tmp_path / where).resolve()}: {why}\n"
    assert not server.servicer.requests


def test_a_page_must_not_replace_the_article(server: StubServer, article: str) -> None:
    result = run("summarize", article, "--html", article, "--server", server.address)
    assert result.exit_code == 2
    assert "the page must not be the file of the article" in result.stderr
    assert Path(article).read_text(encoding="utf-8") == TEXT
    assert not server.servicer.requests


def test_a_failed_call_keeps_the_older_page(server: StubServer, article: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("older")
    server.servicer.unary = lambda request, context: abort(context, make_status(code_pb2.INTERNAL))  # type: ignore[assignment, return-value]
    assert run("summarize", article, "--html", str(page), "--server", server.address).exit_code == 1
    assert page.read_text() == "older"
    assert sorted(tmp_path.iterdir()) == [Path(article), page]


def test_bytes_that_are_not_utf8(tmp_path: Path, server: StubServer) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("Caf\xe9 burns down.".encode("latin-1"))
    result = run("summarize", str(path), "--server", server.address)
    assert result.exit_code == 1
    assert "latin.txt is not UTF-8: byte 0xE9 at position 3" in result.stderr
    assert not server.servicer.requests


def test_a_byte_order_mark_is_removed(server: StubServer) -> None:
    run("summarize", "--server", server.address, stdin=b"\xef\xbb\xbf" + TEXT.encode())
    assert server.servicer.requests[0].text == TEXT


@pytest.mark.parametrize("data", [b"", b" \n\t"])
def test_an_empty_input(data: bytes) -> None:
    result = run("summarize", stdin=data)
    assert result.exit_code == 1
    assert "standard input is empty" in result.stderr


def test_a_missing_file() -> None:
    done = process("summarize", "no-such-file.txt")
    assert done.returncode == 1
    assert done.stderr.decode() == "nutgraf: error: no-such-file.txt: No such file or directory\n"


def test_no_server(article: str) -> None:
    address = f"localhost:{free_port()}"
    result = run("summarize", article, env={"NUTGRAF_SERVER": address})
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        f'nutgraf: error: no server answers at {address}; start one with "nutgraf serve", or choose another with '
        "--server or NUTGRAF_SERVER"
    )


def test_an_error_from_the_server(server: StubServer, article: str) -> None:
    status = make_status(code_pb2.INVALID_ARGUMENT, "max_words is 3; it must be 5 to 500", reason="BAD_CAP")
    server.servicer.unary = lambda request, context: abort(context, status)  # type: ignore[assignment, return-value]
    result = run("summarize", article, "--max-words", "3", "--server", server.address)
    assert result.exit_code == 1
    assert result.stderr == "nutgraf: error: max_words is 3; it must be 5 to 500 (request id from-server)\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["summarize", "--length", "medium"],
        ["summarize", "--server", "http://x"],
        ["nonsense"],
        ["info", "--timeout", "0"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert run(*arguments, stdin=b"x").exit_code == 2


def test_the_token(server: StubServer, article: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-file\n")
    run("summarize", article, "--server", server.address, "--token-file", str(path))
    run("summarize", article, "--server", server.address, env={"NUTGRAF_TOKEN": "from-env"})
    assert [metadata["authorization"] for metadata in server.servicer.metadata] == [
        "Bearer from-file",
        "Bearer from-env",
    ]


def test_info(server: StubServer) -> None:
    server.servicer.info = pb.GetServerInfoResponse(
        state=pb.SERVER_STATE_LOADING, model="m-1", languages=["en", "de"], limits=pb.Limits(max_text_characters=200000)
    )
    lines = run("info", "--server", server.address).stdout.splitlines()
    assert lines[:3] == [f"server: {server.address}", "state: loading", "model: m-1"]
    assert "languages: en, de" in lines
    assert "max text characters: 200,000" in lines
    data = json.loads(run("info", "--json", "--server", server.address).stdout)
    assert data["limits"]["maxTextCharacters"] == 200000
    assert data["family"] == ""


def test_health(server: StubServer) -> None:
    result = run("health", "--server", server.address)
    assert (result.exit_code, result.stdout) == (0, "serving\n")
    server.set_health(NOT_SERVING)
    result = run("health", "--server", server.address)
    assert (result.exit_code, result.stdout) == (1, "not serving\n")
    result = run("health", "--server", f"127.0.0.1:{free_port()}", "--timeout", "1")
    assert result.exit_code == 1
    assert "no server answers" in result.stderr


def test_the_command_as_a_process(server: StubServer) -> None:
    done = process("summarize", "--length", "short", "--server", server.address, stdin=TEXT.encode())
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "Zoë won.\n", "")
    assert process("health", "--server", server.address).returncode == 0


def test_a_closed_pipe_ends_the_command_without_a_message(server: StubServer) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "nutgraf", "info", "--server", server.address],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 1


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(click.Group, "invoke", interrupt)
    with pytest.raises(SystemExit) as caught:
        cli.main(["health"])
    assert caught.value.code == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version(flag: str) -> None:
    assert run(flag).stdout.startswith("nutgraf ")


def test_help_lists_every_command_without_loading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = metadata.EntryPoint("serve", "no_such_module:serve", "nutgraf.commands")
    other = metadata.EntryPoint("other", "no_such_module:other", "nutgraf.commands")
    monkeypatch.setattr(cli.metadata, "entry_points", lambda group: [broken, other])
    result = run("--help")
    assert result.exit_code == 0
    for name in ("summarize", "batch", "info", "health", "serve", "models", "eval", "other"):
        assert f"\n  {name} " in result.stdout or f"\n  {name}\n" in result.stdout


@pytest.mark.parametrize("name", ["serve", "models", "eval"])
@pytest.mark.parametrize("installed", [True, False])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, name: str, installed: bool) -> None:
    found = [metadata.EntryPoint(name, "no_such_module:x", "nutgraf.commands")] if installed else []
    monkeypatch.setattr(cli.metadata, "entry_points", lambda group: found)
    result = run(name, "list", "--port", "1", "--help")
    assert result.exit_code == 1
    assert f'"nutgraf {name}" requires the server: pip install nutgraf-server' in result.stderr


def test_a_command_whose_package_lacks_a_dependency(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        name = "serve"

        def load(self) -> click.Command:
            return click.Command("serve", callback=command)

    def command() -> None:
        raise ModuleNotFoundError("No module named 'torch'")

    monkeypatch.setattr(cli.metadata, "entry_points", lambda group: [Fake()])
    result = run("serve")
    assert result.exit_code == 1
    assert "pip install nutgraf-server (No module named 'torch')" in result.stderr
