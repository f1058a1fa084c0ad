"""The output of `nutgraf batch`: files, pipes and devices, empty or with earlier content."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from google.protobuf import json_format

from client.cli_process import SECONDS, error_of, nutgraf
from client.stub_server import StubServer, answer, lead
from nutgraf._cli.main import cli
from nutgraf.v1 import summarizer_pb2 as pb


@pytest.fixture(autouse=True)
def _server(server: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTGRAF_SERVER", server.address)


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "in.jsonl"
    write(path, *({"id": f"a{number}", "text": f"Zoë {number} won. More."} for number in range(5)))
    return str(path)


def write(path: Path, *records: object) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def ids(output: bytes) -> list[str]:
    return sorted(json.loads(line)["id"] for line in output.splitlines())


def batch(source: str | Path, output: str | Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["batch", str(source), "-o", str(output), *options])


ALL = [f"a{number}" for number in range(5)]


def test_standard_output(source: str) -> None:
    done = nutgraf("batch", source, "-o", "-")
    assert (done.returncode, done.stderr) == (0, b"")
    assert ids(done.stdout) == ALL
    done = nutgraf("batch", "-", "-o", "-", stdin=Path(source).read_bytes())
    assert ids(done.stdout) == ALL


@pytest.mark.parametrize("output", ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"])
def test_standard_output_by_its_path(source: str, output: str) -> None:
    done = nutgraf("batch", source, "-o", output)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ids(done.stdout) == ALL


def test_a_named_pipe(source: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    done = nutgraf("batch", source, "-o", str(pipe))
    reader.join(SECONDS)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ids(read[0]) == ALL
    assert pipe.is_fifo()


def test_a_closed_pipe_ends_the_command_without_a_message(source: str) -> None:
    for output in ("-", "/dev/stdout"):
        ours, theirs = os.pipe()
        os.close(ours)
        done = subprocess.run(
            [sys.executable, "-m", "nutgraf", "batch", source, "-o", output],
            stdout=theirs,
            stderr=subprocess.PIPE,
            check=False,
            timeout=SECONDS,
        )
        os.close(theirs)
        assert (done.returncode, done.stderr) == (1, b"")


def test_a_device_is_written_but_not_read(server: StubServer, source: str) -> None:
    assert error_of(nutgraf("batch", source, "-o", "/dev/full")) == "/dev/full: No space left on device"
    done = nutgraf("batch", source, "-o", "/dev/null")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(server.servicer.streams[-1]) == 5


def test_a_socket_or_folder_is_refused_before_any_call(server: StubServer, source: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        message = error_of(nutgraf("batch", source, "-o", str(tmp_path / "socket")))
    assert message.endswith("socket is neither a file nor a pipe; use one of these, or - for standard output")
    assert batch(source, tmp_path).exit_code == 2
    assert not server.servicer.streams


def test_a_file_named_dash(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert batch(source, "./-").exit_code == 0
    assert ids((tmp_path / "-").read_bytes()) == ALL


def test_only_a_file_can_be_continued(source: str, tmp_path: Path, server: StubServer) -> None:
    server.stop()
    assert "run the same command again to continue" in batch(source, tmp_path / "out.jsonl").stderr
    assert "run the same command" not in error_of(nutgraf("batch", source, "-o", "-"))


def test_a_full_disk(source: str, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    # The limit would also apply to coverage's own files.
    full = nutgraf("batch", source, "-o", str(output), limits="-f 2", COVERAGE_PROCESS_CONFIG="")
    assert error_of(full) == f"{output}: File too large"
    assert output.stat().st_size == 1024
    assert batch(source, output).exit_code == 0
    assert ids(output.read_bytes()) == ALL


@pytest.mark.parametrize("size", [8 << 30, 1 << 20])
def test_a_large_file_of_another_kind_is_not_read_into_memory(source: str, tmp_path: Path, size: int) -> None:
    output = tmp_path / "disk.img"
    with output.open("wb") as stream:
        stream.truncate(size)
    assert "was not written by nutgraf batch" in error_of(nutgraf("batch", source, "-o", str(output)))
    assert output.stat().st_size == size


def test_the_input_as_output_is_refused_under_any_name(server: StubServer, source: str, tmp_path: Path) -> None:
    before = Path(source).read_bytes()
    (tmp_path / "link").symlink_to(source)
    for arguments, redirect in (
        (["batch", source, "-o", str(tmp_path / "link")], ""),
        (["batch", "-", "-o", source], f"< {source}"),
        (["batch", source, "-o", "-"], f">> {source}"),
        (["batch", "-", "-o", "-"], f"< {source} >> {source}"),
    ):
        done = nutgraf(*arguments, redirect=redirect)
        assert done.returncode == 2
        assert b"the output must not be the input file" in done.stderr
    assert Path(source).read_bytes() == before
    assert not server.servicer.streams


@pytest.mark.parametrize(("first", "second"), [("short", "both"), ("both", "short"), ("long", "short")])
def test_an_output_with_answers_of_another_length(
    server: StubServer, source: str, tmp_path: Path, first: str, second: str
) -> None:
    output = tmp_path / "out.jsonl"
    assert batch(source, output, "--length", first).exit_code == 0
    before = output.read_bytes()
    result = batch(source, output, "--length", second)
    assert result.exit_code == 1
    assert f"line 1 has --length {first} instead of {second}; use the same --length or another" in result.stderr
    assert output.read_bytes() == before
    assert batch(source, output, "--length", first).exit_code == 0
    assert len(server.servicer.streams) == 1


def test_an_id_answered_for_another_article(source: str, tmp_path: Path) -> None:
    """For example, if ids are line numbers and a line has been inserted."""
    output = tmp_path / "out.jsonl"
    write(Path(source), {"text": "One. Two."}, {"text": "Three. Four. Five."})
    assert batch(source, output).exit_code == 0
    before = output.read_bytes()
    write(Path(source), {"text": "Before. These."}, {"text": "One. Two."}, {"text": "Three. Four. Five."})
    result = batch(source, output)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"nutgraf: line 1: {output} has a summary of another article under its id 1, with 9 characters instead of 14; "
        "use another id or another output file",
        f"nutgraf: line 2: {output} has a summary of another article under its id 2, with 18 characters instead of 9; "
        "use another id or another output file",
        "nutgraf: error: 2 lines of 3 without a summary",
    ]
    assert output.read_bytes().startswith(before)


def test_answers_of_another_model_cause_one_warning(server: StubServer, source: str, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    write(Path(source), {"text": "One. Two."})
    assert batch(source, output).stderr == ""

    def other(request: pb.SummarizeManyRequest) -> pb.SummarizeManyResponse:
        response = lead(request.request)
        response.model = "other"
        return pb.SummarizeManyResponse(id=request.id, response=response)

    server.servicer.many = lambda requests, context: (other(request) for request in requests)
    write(Path(source), {"text": "One. Two."}, {"text": "Three. Four."}, {"text": "Five. Six."})
    result = batch(source, output)
    assert (result.exit_code, result.stderr) == (0, f"nutgraf: warning: {output} now also has answers by other\n")
    server.servicer.many = lambda requests, context: (answer(request) for request in requests)
    assert batch(source, output).stderr == ""


def test_answers_rewritten_by_another_program(server: StubServer, source: str, tmp_path: Path) -> None:
    """Another JSON library may write other spaces, and keys in another order."""
    output = tmp_path / "out.jsonl"
    batch(source, output)
    records = [json.loads(line) for line in output.read_bytes().splitlines()]
    output.write_text(
        "".join(json.dumps(record, sort_keys=True, separators=(",", ":")) + "\n" for record in records),
        encoding="utf-8",
    )
    assert batch(source, output).exit_code == 0
    assert len(server.servicer.streams) == 1
    for record in records:
        json_format.ParseDict({name: value for name, value in record.items() if name != "id"}, pb.SummarizeResponse())


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000 + b"\n",
        b'{"id": 1, "summaries": null}\n',
        b'{"id": 1, "summaries": [1]}\n',
        b'{"id": 1.5, "summaries": []}\n',
        b'{"id": 1, "summaries": [{"length": "SUMMARY_LENGTH_SHORT"}], "article": 5}\n',
        b"\xff\xfe{\0\n\0",
        b"\x1f\x8b\x08\0\n",
    ],
)
def test_a_file_of_another_kind(source: str, tmp_path: Path, content: bytes) -> None:
    output = tmp_path / "out.jsonl"
    output.write_bytes(content)
    result = batch(source, output, "--length", "short")
    assert result.exit_code == 1
    assert "line 1 was not written by nutgraf batch" in result.stderr
    assert output.read_bytes() == content
