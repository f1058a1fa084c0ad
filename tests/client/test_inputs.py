"""Inputs of commands that are not plain UTF-8 text, or not valid."""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from client.cli_process import error_of, nutgraf
from client.stub_server import StubServer
from nutgraf._cli import records
from nutgraf._cli.main import cli

TEXT = "Zoë won. It was wet."
LINES = b'{"text": "One. Two."}\n{"text": "Three. Four."}\n'


@pytest.fixture(autouse=True)
def _server(server: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTGRAF_SERVER", server.address)


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin)


def zipped(data: bytes, folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "zip", "w") as archive:
        archive.writestr("word/document.xml", data)
    return (folder / "zip").read_bytes()


KINDS: dict[str, tuple[Callable[[bytes, Path], bytes], str, str]] = {
    "utf-16-le": (lambda data, _: codecs.BOM_UTF16_LE + data.decode().encode("utf-16-le"), "UTF-16", "iconv -f UTF-16"),
    "utf-16-be": (lambda data, _: codecs.BOM_UTF16_BE + data.decode().encode("utf-16-be"), "UTF-16", "iconv -f UTF-16"),
    "unmarked-le": (lambda data, _: data.decode().encode("utf-16-le"), "UTF-16", "iconv -f UTF-16LE"),
    "unmarked-be": (lambda data, _: data.decode().encode("utf-16-be"), "UTF-16", "iconv -f UTF-16BE"),
    "utf-32": (lambda data, _: data.decode().encode("utf-32"), "UTF-32", "iconv -f UTF-32"),
    "gzip": (lambda data, _: gzip.compress(data), "compressed by gzip", "gzip -dc"),
    "bzip2": (lambda data, _: bz2.compress(data), "compressed by bzip2", "bzip2 -dc"),
    "xz": (lambda data, _: lzma.compress(data), "compressed by xz", "xz -dc"),
    "zstd": (lambda data, _: b"\x28\xb5\x2f\xfd" + data, "compressed by zstd", "zstd -dc"),
    "zip": (zipped, "a ZIP archive or an office document", "as plain text"),
    "pdf": (lambda data, _: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + data, "a PDF document", "pdftotext"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_names_the_format_and_a_remedy(server: StubServer, tmp_path: Path, kind: str) -> None:
    make, name, remedy = KINDS[kind]
    article, lines, token = tmp_path / "article", tmp_path / "lines", tmp_path / "token"
    article.write_bytes(make(TEXT.encode(), tmp_path))
    lines.write_bytes(make(LINES, tmp_path))
    token.write_bytes(make(b"sesame\n", tmp_path))
    for result, file in (
        (run("summarize", article), str(article)),
        (run("summarize", stdin=article.read_bytes()), "standard input"),
        (run("check", article, "-", stdin=b"x"), str(article)),
        (run("batch", lines, "-o", tmp_path / "out"), str(lines)),
        (run("batch", "-", "-o", tmp_path / "out", stdin=lines.read_bytes()), "standard input"),
        (run("health", "--token-file", token), str(token)),
    ):
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert result.stderr.startswith(f"nutgraf: error: {file} is ")
        assert name in result.stderr
        assert remedy in result.stderr
        assert "sesame" not in result.stderr
    assert not server.servicer.metadata


def test_a_few_nul_bytes_are_sent_to_the_server(server: StubServer) -> None:
    assert run("summarize", stdin=b"One\0 more. It was wet.").exit_code == 0
    assert server.servicer.requests[0].text == "One\0 more. It was wet."


@pytest.mark.parametrize("marks", [1, 2, 3])
def test_byte_order_marks_are_removed(server: StubServer, tmp_path: Path, marks: int) -> None:
    bom = codecs.BOM_UTF8 * marks
    run("summarize", stdin=bom + TEXT.encode())
    assert server.servicer.requests[0].text == TEXT
    assert "is empty" in run("summarize", stdin=bom + b"\n").stderr
    (tmp_path / "token").write_bytes(bom + b"sesame\r\n")
    assert run("summarize", "--token-file", tmp_path / "token", stdin=TEXT.encode()).exit_code == 0
    assert server.servicer.metadata[-1]["authorization"] == "Bearer sesame"


def test_byte_order_marks_between_concatenated_files(tmp_path: Path) -> None:
    bom = codecs.BOM_UTF8
    result = run("batch", "-", "-o", tmp_path / "out", stdin=bom + bom + LINES + bom + LINES + bom + b"\n" + bom)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [json.loads(line)["id"] for line in (tmp_path / "out").read_bytes().splitlines()] == [1, 2, 3, 4]


@pytest.mark.parametrize("data", [b"", b"\xff", b"a b", "schlüssel".encode(), b"one\ntwo\n"])
def test_invalid_tokens(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "token").write_bytes(data)
    result = run("health", "--token-file", tmp_path / "token")
    assert result.exit_code in (1, 2)
    assert "token" in result.stderr
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_warning_for_a_token_in_plain_text_over_a_network(tmp_path: Path, server: StubServer) -> None:
    (tmp_path / "token").write_text("sesame")
    arguments = ["health", "--token-file", tmp_path / "token", "--timeout", "1", "--server"]
    result = run(*arguments, "summaries.invalid")
    assert "nutgraf: warning: the token goes to summaries.invalid:50051 in plain text" in result.stderr
    assert "sesame" not in result.output
    assert "warning" not in run(*arguments, "summaries.invalid", "--tls").stderr
    assert run(*arguments, server.address).stderr == ""


def test_an_endless_input_is_refused(server: StubServer, tmp_path: Path) -> None:
    out, article = str(tmp_path / "out"), tmp_path / "article"
    article.write_text(TEXT, encoding="utf-8")
    for arguments in (["summarize", "/dev/zero"], ["check", "/dev/zero", str(article)]):
        assert error_of(nutgraf(*arguments)) == "/dev/zero is larger than 64 MiB; it should contain an article"
    assert error_of(nutgraf("health", "--token-file", "/dev/zero")).endswith("64 MiB; it should contain a token")
    assert error_of(nutgraf("health", "--ca", "/dev/zero")).startswith("/dev/zero contains no valid certificate")
    assert error_of(nutgraf("batch", "/dev/zero", "-o", out)).startswith("/dev/zero is in UTF-16, or not text")
    assert not server.servicer.metadata


def test_overlong_lines_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_BYTES", 1 << 20)
    lines = [b'{"text": "One. Two."}', b"x" * (5 << 20), b'{"text": "Three. Four."}', b"y" * (2 << 20)]
    result = run("batch", "-", "-o", tmp_path / "out", stdin=b"\n".join(lines))
    assert result.exit_code == 1
    assert result.stderr.splitlines()[:2] == [f"nutgraf: line {number}: longer than 1 MiB" for number in (2, 4)]
    assert [json.loads(line)["id"] for line in (tmp_path / "out").read_bytes().splitlines()] == [1, 3]


@pytest.mark.parametrize(
    "record",
    [
        {"text": "One. Two.", "article": None},
        {"article": "One. Two.", "text": None},
        {"article": "One. Two.", "text": ""},
        {"article": "One. Two.", "text": None, "id": None, "title": None},
        {"article": "One. Two."},
    ],
)
def test_null_is_like_a_missing_field(server: StubServer, tmp_path: Path, record: dict[str, object]) -> None:
    result = run("batch", "-", "-o", tmp_path / "out", stdin=json.dumps(record).encode())
    assert (result.exit_code, result.stderr) == (0, "")
    assert [request.request.text for request in server.servicer.streams[0]] == ["One. Two."]


@pytest.mark.parametrize("record", [{"text": None}, {"article": None, "text": ""}, {"text": 0}, {"article": []}])
def test_a_record_without_an_article(server: StubServer, tmp_path: Path, record: dict[str, object]) -> None:
    result = run("batch", "-", "-o", tmp_path / "out", stdin=json.dumps(record).encode())
    assert result.stderr.startswith('nutgraf: line 1: "text" (or "article") is missing or empty\n')
    assert not server.servicer.streams


@pytest.mark.parametrize("seconds", ["inf", "9e9", "1e300", "nan", "0", "-1", "31536001"])
def test_invalid_timeouts(server: StubServer, tmp_path: Path, seconds: str) -> None:
    for arguments in (["summarize"], ["batch", "-", "-o", tmp_path / "out"], ["info"], ["health"]):
        result = run(*arguments, "--timeout", seconds, stdin=LINES)
        assert result.exit_code == 2, result.output
        assert "31536000" in result.stderr
    assert not server.servicer.metadata
    assert not (tmp_path / "out").exists()


def test_the_longest_timeout(tmp_path: Path) -> None:
    for arguments in (["summarize"], ["batch", "-", "-o", tmp_path / "out"], ["info"], ["health"]):
        assert run(*arguments, "--timeout", "31536000", stdin=LINES).exit_code == 0


def invalid_certificates(authority: trustme.CA) -> dict[str, bytes]:
    import ssl

    return {
        "a key": authority.private_key_pem.bytes(),
        "DER": ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode()),
        "nothing": b"",
        "text": b"certificates\n",
        "a broken certificate": b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n",
        "UTF-16": authority.cert_pem.bytes().decode().encode("utf-16"),
    }


def test_invalid_certificates(server: StubServer, tmp_path: Path) -> None:
    for name, data in invalid_certificates(trustme.CA()).items():
        (tmp_path / "ca").write_bytes(data)
        result = run("health", "--ca", tmp_path / "ca")
        assert result.exit_code == 1, name
        assert f"{tmp_path / 'ca'} contains no valid certificate; it should contain PEM certificates" in result.stderr
    assert "No such file" in run("health", "--ca", tmp_path / "none").stderr


def test_comments_between_certificates(tmp_path: Path) -> None:
    from client.test_unreachable import tls_server

    authority = trustme.CA()
    (tmp_path / "ca").write_bytes("# Zoë's own\n".encode("latin-1") + authority.cert_pem.bytes())
    with tls_server(authority.issue_cert("127.0.0.1")) as address:
        assert run("health", "--server", address, "--ca", tmp_path / "ca").stdout == "serving\n"


@pytest.mark.parametrize("where", ["/", "-", ""])
def test_paths_at_which_no_page_can_be_written(
    server: StubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("summarize", "--html", where, stdin=TEXT.encode())
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert not server.servicer.requests
    assert list(tmp_path.iterdir()) == []
