"""Checking summaries: both clients over a real channel, and `nutgraf check`."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner, Result
from google.protobuf import json_format
from google.rpc import code_pb2

from client.stub_server import StubServer, abort, checked, draining, make_status
from nutgraf import (
    AsyncClient,
    CheckKind,
    CheckResult,
    Client,
    DeadlineExceeded,
    InvalidArticle,
    Overloaded,
    TermKind,
    Verdict,
)
from nutgraf._cli import main as cli
from nutgraf.v1 import summarizer_pb2 as pb

TEXT = "Zoë won. It was wet."
SUMMARY = "Zoë won 🎈.\nBob lost.\nHello!"


def assert_complete(result: CheckResult) -> None:
    assert result.summary == SUMMARY
    assert [(one.text, one.support, one.verdict) for one in result.sentences] == [
        ("Zoë won 🎈.", 0.75, Verdict.SUPPORTED),
        ("Bob lost.", 0.25, Verdict.DOUBTED),
        ("Hello!", 1.0, Verdict.NO_CLAIM),
    ]
    assert [one.is_supported for one in result.sentences] == [True, False, True]
    assert [source.text for source in result.sentences[0].sources] == [TEXT]
    assert [(term.text, term.kind) for term in result.unsupported_terms] == [("Bob", TermKind.NAME)]
    assert (result.support, result.verdict, result.is_supported) == (0.25, Verdict.DOUBTED, False)
    assert result.checks_run == (CheckKind.EVIDENCE,)
    assert result.article.character_count == len(TEXT)
    assert result.timings.total_seconds == 0.02


def test_a_complete_check(server: StubServer, client: Client) -> None:
    result = client.check(TEXT, SUMMARY, title="Zoë", support_threshold=0.25, request_id="r1")
    assert_complete(result)
    assert (result.support_threshold, result.request_id) == (0.25, "r1")
    assert server.servicer.checks == [
        pb.CheckSummaryRequest(text=TEXT, title="Zoë", summary=SUMMARY, support_threshold=0.25)
    ]


def test_the_servers_threshold_is_the_default(server: StubServer, client: Client) -> None:
    assert client.check(TEXT, "Zoë won.").support_threshold == 0.5
    assert client.check(TEXT, "Zoë won.", support_threshold=0.0).support_threshold == 0.0
    assert [request.HasField("support_threshold") for request in server.servicer.checks] == [False, True]


def test_a_sentence_without_a_claim_does_not_count(client: Client) -> None:
    assert client.check(TEXT, "Zoë won.\nHello!").is_supported


async def test_for_asyncio(server: StubServer) -> None:
    async with AsyncClient(server.address) as client:
        assert_complete(await client.check(TEXT, SUMMARY, title="Zoë", support_threshold=0.25))
        with pytest.raises(InvalidArticle, match="summary has a lone surrogate"):
            await client.check(TEXT, "\ud83d")
    assert server.servicer.checks[0].title == "Zoë"


async def test_cancelling_a_check_cancels_it_on_the_server(server: StubServer) -> None:
    arrived, cancelled = threading.Event(), threading.Event()

    def slow(request: pb.CheckSummaryRequest, context: grpc.ServicerContext) -> pb.CheckSummaryResponse:
        context.add_callback(cancelled.set)
        arrived.set()
        cancelled.wait(30)
        return checked(request)

    server.servicer.check = slow
    async with AsyncClient(server.address) as client:
        task = asyncio.create_task(client.check(TEXT, SUMMARY))
        assert await asyncio.to_thread(arrived.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(cancelled.wait, 30)


@pytest.mark.parametrize("field", ["text", "summary", "title"])
def test_invalid_text_is_refused_before_the_call(server: StubServer, client: Client, field: str) -> None:
    arguments = {"text": TEXT, "summary": SUMMARY, field: "half \ud83d of"}
    with pytest.raises(InvalidArticle, match=r"U\+D83D.*position 5") as caught:
        client.check(**arguments)
    assert caught.value.details[0][0] == field
    with pytest.raises(TypeError, match=f"{field} must be a str, not bytes"):
        client.check(**{**arguments, field: b"bytes"})  # type: ignore[arg-type]
    assert not server.servicer.metadata


def test_a_threshold_of_another_type(client: Client) -> None:
    with pytest.raises(TypeError):
        client.check(TEXT, SUMMARY, support_threshold="high")  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["EMPTY_SUMMARY", "SUMMARY_TOO_LONG", "BAD_THRESHOLD"])
def test_reasons_of_checks_are_errors_of_the_request(server: StubServer, client: Client, reason: str) -> None:
    # The reason decides, not the code.
    status = make_status(
        code_pb2.UNKNOWN, "no", reason=reason, fields={"summary": "no"}, metadata={"limit": "10", "size": "11"}
    )
    server.servicer.check = lambda request, context: abort(context, status)  # type: ignore[assignment, return-value]
    with pytest.raises(InvalidArticle) as caught:
        client.check(TEXT, SUMMARY)
    assert (caught.value.reason, caught.value.details) == (reason, (("summary", "no"),))
    assert (caught.value.limit, caught.value.size) == (10, 11)


def test_a_full_queue_and_a_deadline(server: StubServer, client: Client) -> None:
    status = make_status(code_pb2.RESOURCE_EXHAUSTED, "full", reason="QUEUE_FULL", retry_after=1.5)
    server.servicer.check = lambda request, context: abort(context, status)  # type: ignore[assignment, return-value]
    with pytest.raises(Overloaded) as caught:
        client.check(TEXT, SUMMARY)
    assert caught.value.retry_after == 1.5
    release = threading.Event()
    server.servicer.check = lambda request, context: (release.wait(30), checked(request))[1]
    try:
        with pytest.raises(DeadlineExceeded):
            client.check(TEXT, SUMMARY, timeout=0.2)
    finally:
        release.set()


def test_a_check_is_retried_while_the_server_drains(server: StubServer, client: Client) -> None:
    refusals = iter([draining(), draining()])

    def first_draining(request: pb.CheckSummaryRequest, context: grpc.ServicerContext) -> pb.CheckSummaryResponse:
        status = next(refusals, None)
        if status is not None:
            abort(context, status)
        return checked(request)

    server.servicer.check = first_draining
    assert_complete(client.check(TEXT, SUMMARY))
    assert len(server.servicer.checks) == 3


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    article, summary = tmp_path / "article.txt", tmp_path / "summary.txt"
    article.write_text(TEXT, encoding="utf-8")
    summary.write_text(SUMMARY, encoding="utf-8")
    return str(article), str(summary)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli.cli, ["check", *arguments], input=stdin)


def test_the_command_prints_a_mark_for_each_sentence_and_exits_1_for_doubt(
    server: StubServer, files: tuple[str, str]
) -> None:
    result = run(*files, "--title", "Zoë", "--threshold", "0.25", "--server", server.address)
    assert result.stdout.splitlines() == [
        "✓  75%  Zoë won 🎈.",
        "        from: Zoë won. It was wet.",
        "✗  25%  Bob lost.",
        "        not in the article: “Bob” (name)",
        "        closest: Zoë won. It was wet.",
        "–       Hello!",
        "",
        "1 of 2 sentences doubted; threshold 25%",
    ]
    assert (result.exit_code, result.stderr) == (1, "")
    (request,) = server.servicer.checks
    assert (request.text, request.summary, request.title) == (TEXT, SUMMARY, "Zoë")
    assert request.support_threshold == 0.25


def test_the_command_exits_0_if_nothing_is_doubted(server: StubServer, files: tuple[str, str]) -> None:
    for stdin in ("Zoë won.", "Zoë won.\nHello!", "Hello!"):
        result = run(files[0], "-", "--server", server.address, stdin=stdin.encode())
        assert (result.exit_code, result.stderr) == (0, "")
        assert server.servicer.checks[-1].summary == stdin


def test_the_article_may_come_from_standard_input(server: StubServer, files: tuple[str, str]) -> None:
    run("-", files[1], "--server", server.address, stdin=b"\xef\xbb\xbf" + TEXT.encode())
    assert (server.servicer.checks[0].text, server.servicer.checks[0].summary) == (TEXT, SUMMARY)


def test_json_is_protobufs_mapping_and_the_exit_status_is_the_same(server: StubServer, files: tuple[str, str]) -> None:
    result = run(*files, "--json", "--server", server.address)
    data = json.loads(result.stdout_bytes)
    assert json_format.ParseDict(data, pb.CheckSummaryResponse()) == checked(server.servicer.checks[0])
    assert data["warnings"] == []  # fields with default values are printed
    assert (data["verdict"], result.exit_code) == ("VERDICT_DOUBTED", 1)


def test_warnings_go_to_stderr(server: StubServer, files: tuple[str, str]) -> None:
    def unsure(request: pb.CheckSummaryRequest, context: object) -> pb.CheckSummaryResponse:
        response = checked(request)
        response.warnings.add(code=pb.WARNING_CODE_NO_PROSE, detail="it is a table")
        response.warnings.add(code=pb.WARNING_CODE_LANGUAGE_NOT_SUPPORTED)
        return response

    server.servicer.check = unsure
    assert run(*files, "--server", server.address).stderr.splitlines() == [
        "nutgraf: warning: it is a table",
        "nutgraf: warning: language_not_supported",
    ]


def test_a_page_is_written_despite_doubts(server: StubServer, files: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = run(*files, "--title", "Zoë & all", "--html", str(page), "--server", server.address)
    html = page.read_text(encoding="utf-8")
    assert result.exit_code == 1
    assert result.stdout.startswith("✓")
    assert "<title>Zoë &amp; all</title>" in html
    assert "<strong>doubted</strong>" in html
    assert sorted(tmp_path.iterdir()) == [Path(files[0]), page, Path(files[1])]


@pytest.mark.parametrize("place", [0, 1])
def test_a_page_must_not_replace_an_input(server: StubServer, files: tuple[str, str], place: int) -> None:
    before = Path(files[place]).read_bytes()
    result = run(*files, "--html", files[place], "--server", server.address)
    assert result.exit_code == 2
    assert "the page must not be the file" in result.stderr
    assert Path(files[place]).read_bytes() == before
    assert not server.servicer.checks


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "-"], "only one of article and summary can come from standard input"),
        (["{article}"], "Missing argument 'SUMMARY'"),
        (["{article}", "{summary}", "--threshold", "1.1"], "--threshold"),
    ],
)
def test_wrong_usage_exits_2(server: StubServer, files: tuple[str, str], arguments: list[str], message: str) -> None:
    filled = [one.format(article=files[0], summary=files[1]) for one in arguments]
    result = run(*filled, "--server", server.address)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert not server.servicer.checks


def test_a_failure_exits_1_and_prints_nothing_on_stdout(
    server: StubServer, files: tuple[str, str], tmp_path: Path
) -> None:
    empty, latin = tmp_path / "empty.txt", tmp_path / "latin.txt"
    empty.write_text(" \n")
    latin.write_bytes("Caf\xe9".encode("latin-1"))
    status = make_status(code_pb2.INVALID_ARGUMENT, "the summary is too long", reason="SUMMARY_TOO_LONG")
    server.servicer.check = lambda request, context: abort(context, status)  # type: ignore[assignment, return-value]
    for arguments, message in (
        ((files[0], str(empty)), f"{empty} is empty; it should contain a summary"),
        ((str(empty), files[1]), f"{empty} is empty; it should contain an article"),
        ((files[0], str(latin)), f"{latin} is not UTF-8"),
        ((files[0], str(tmp_path / "none.txt")), "none.txt"),
        (files, "the summary is too long (request id from-server)"),
    ):
        result = run(*arguments, "--server", server.address)
        assert (result.exit_code, result.stdout) == (1, "")
        assert message in result.stderr
