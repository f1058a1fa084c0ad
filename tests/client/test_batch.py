"""`nutgraf batch`: its output, and resuming after a kill at any point."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner, Result
from google.protobuf import json_format

from client import scripts
from client.stub_server import StubServer, answer, free_port
from nutgraf._cli.main import cli
from nutgraf.v1 import summarizer_pb2 as pb

Files = tuple[Path, Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return tmp_path / "in.jsonl", tmp_path / "out.jsonl"


def write(path: Path, *records: object) -> None:
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def articles(count: int) -> list[dict[str, object]]:
    return [{"id": f"a{number}", "text": f"Zoë {number} won. More."} for number in range(count)]


def batch(files: Files, server: StubServer, *options: str) -> Result:
    return CliRunner().invoke(cli, ["batch", str(files[0]), "-o", str(files[1]), "--server", server.address, *options])


def output(files: Files) -> dict[str, dict[str, object]]:
    """The output's records by id; fails if a line is torn or an id is repeated."""
    data = files[1].read_bytes()
    assert data == b"" or data.endswith(b"\n")
    records = [json.loads(line) for line in data.splitlines()]
    by_id = {json.dumps(record.pop("id")): record for record in records}
    assert len(by_id) == len(records)
    return by_id


def sent(server: StubServer) -> list[str]:
    return [request.request.text for stream in server.servicer.streams for request in stream]


def test_every_line_is_answered(files: Files, server: StubServer) -> None:
    write(
        files[0],
        {"id": "a", "text": "One. Two.", "title": "T"},
        {"article": "Three. Four."},
        {"id": 7, "text": "Five. Six."},
        {"id": "7", "text": "Seven. Eight."},
    )
    result = batch(files, server)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    found = output(files)
    assert list(found) == ['"a"', "2", "7", '"7"']
    response = json_format.ParseDict(found["2"], pb.SummarizeResponse())
    assert response.summaries[0].text == "Three."
    assert found["2"]["warnings"] == []
    assert files[1].read_bytes().startswith(b'{"id": "a", "summaries": [')
    assert server.servicer.streams[0][0].request.title == "T"


def test_options_arrive(files: Files, server: StubServer) -> None:
    write(files[0], *articles(1))
    batch(files, server, "--length", "long", "--timeout", "9")
    request = server.servicer.streams[0][0]
    assert [spec.length for spec in request.request.summaries] == [pb.SUMMARY_LENGTH_LONG]
    assert request.item_timeout.seconds == 9


def test_bad_lines_are_reported_and_skipped(files: Files, server: StubServer) -> None:
    server.servicer.many = scripts.picky
    write(
        files[0],
        {"id": "good", "text": "One. Two."},
        b"{not json",
        [1],
        {"id": "no text"},
        {"text": 5},
        {"id": 1.5, "text": "x"},
        {"id": "good", "text": "again"},
        {"id": "refused", "text": "bad"},
        {"id": "half", "text": "half \ud83d"},
        {"id": "half \ud83d", "text": "x"},
        b"",
        b'{"text": "caf\xe9"}',
        {"id": "last", "text": "Three. Four."},
    )
    result = batch(files, server)
    assert result.exit_code == 1
    assert set(output(files)) == {'"good"', '"last"'}
    reported = dict(
        line.removeprefix("nutgraf: line ").split(": ", 1)
        for line in result.stderr.splitlines()
        if line.startswith("nutgraf: line")
    )
    assert set(reported) == {"2", "3", "4", "5", "6", "7", "8", "9", "10", "12"}
    assert "not JSON" in reported["2"]
    assert '"text" (or "article") is missing' in reported["4"]
    assert "also the id of line 1" in reported["7"]
    assert reported["8"] == "empty"
    assert "lone surrogate" in reported["9"]
    assert "0xE9 at position 13" in reported["12"]
    assert result.stderr.splitlines()[-1] == "nutgraf: error: 10 lines of 13 without a summary"


def test_answered_lines_are_skipped(files: Files, server: StubServer) -> None:
    write(files[0], *articles(3))
    batch(files, server)
    before = files[1].read_bytes()
    write(files[0], *articles(5))
    assert batch(files, server).exit_code == 0
    assert files[1].read_bytes().startswith(before)
    assert len(output(files)) == 5
    assert len(sent(server)) == len(set(sent(server))) == 5


def test_resuming_from_an_output_cut_at_any_point(files: Files, server: StubServer) -> None:
    """A kill may cut the output off anywhere; the next run completes it."""
    write(files[0], *articles(4))
    batch(files, server)
    whole = files[1].read_bytes()
    expected = output(files)
    first = whole.index(b"\n") + 1
    second = whole.index(b"\n", first) + 1
    accent = whole.index("ë".encode())
    points = {0, 1, 5, 7, 8, accent + 1, first - 1, first, first + 1, second - 2, second - 1, second, len(whole) - 1}
    for point in sorted(points):
        files[1].write_bytes(whole[:point])
        assert batch(files, server).exit_code == 0, point
        assert output(files) == expected, point


def test_resuming_after_kill_9(files: Files, server: StubServer) -> None:
    """Kills the process while it writes answers, three times; the fourth run completes the output."""
    write(files[0], *articles(40))
    stuck = threading.Event()

    def script(requests: scripts.Requests, context: grpc.ServicerContext) -> scripts.Responses:
        first = len(server.servicer.streams) <= 3
        for number, request in enumerate(requests):
            if first and number == 10:
                stuck.set()
                disconnected = threading.Event()
                context.add_callback(disconnected.set)
                disconnected.wait(60)
                return
            yield answer(request)

    server.servicer.many = script
    command = [sys.executable, "-m", "nutgraf", "batch", str(files[0]), "-o", str(files[1])]
    for _ in range(3):
        stuck.clear()
        process = subprocess.Popen([*command, "--server", server.address])
        assert stuck.wait(60)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    assert batch(files, server).exit_code == 0
    assert len(output(files)) == 40


def test_a_server_that_restarts_meanwhile(files: Files, server: StubServer) -> None:
    server.servicer.many = scripts.dying(after=7)
    write(files[0], *articles(30))
    assert batch(files, server).exit_code == 0
    assert len(output(files)) == 30


def test_no_server(files: Files) -> None:
    write(files[0], *articles(2))
    result = CliRunner().invoke(
        cli, ["batch", str(files[0]), "-o", str(files[1]), "--server", f"localhost:{free_port()}"]
    )
    assert result.exit_code == 1
    assert "no server answers" in result.stderr
    assert "run the same command again to continue" in result.stderr


@pytest.mark.parametrize(
    "content", [b"notes\n", b'{"id": "x"}\n', b'{"id": "x", "text": "y"}\n', b"notes without an end", b"[]\n"]
)
def test_a_file_of_another_kind_is_not_overwritten(files: Files, server: StubServer, content: bytes) -> None:
    write(files[0], *articles(1))
    files[1].write_bytes(content)
    result = batch(files, server)
    assert result.exit_code == 1
    assert "line 1 was not written by nutgraf batch" in result.stderr
    assert files[1].read_bytes() == content


def test_the_input_as_output_is_refused(files: Files, server: StubServer) -> None:
    write(files[0], *articles(1))
    before = files[0].read_bytes()
    assert batch((files[0], files[0]), server).exit_code == 2
    assert files[0].read_bytes() == before


def test_an_output_locked_by_another_process(files: Files, server: StubServer) -> None:
    fcntl = pytest.importorskip("fcntl")
    write(files[0], *articles(1))
    with files[1].open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        result = batch(files, server)
    assert result.exit_code == 1
    assert "another nutgraf batch" in result.stderr


def test_standard_input_and_a_byte_order_mark(files: Files, server: StubServer) -> None:
    result = CliRunner().invoke(
        cli,
        ["batch", "-", "-o", str(files[1]), "--server", server.address],
        input=b'\xef\xbb\xbf{"text": "One. Two."}\n{"text": "Three. Four."}',
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert list(output(files)) == ["1", "2"]


def test_files_that_cannot_be_opened(files: Files, server: StubServer, tmp_path: Path) -> None:
    result = batch(files, server)
    assert (result.exit_code, result.stderr) == (1, f"nutgraf: error: {files[0]}: No such file or directory\n")
    write(files[0], *articles(1))
    result = batch((files[0], tmp_path / "no" / "out.jsonl"), server)
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr
