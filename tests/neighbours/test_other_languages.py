"""The programs in client/examples against real servers; their output is compared with the Python client's.

The Ruby stubs are generated here; `npm ci` in client/examples/node installs the dependencies of the Node.js program.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import google.rpc
import pytest

from nutgraf import Client, Result
from support.articles import ARTICLE, OTHER
from support.neighbours import Certificates, need
from support.process import entry, serve
from support.server import GatedEngine, running_server, summarizer_with

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "client/examples"
NODE_PACKAGES = "Node.js, and its packages: npm ci --ignore-scripts --prefix client/examples/node"
RUBY_PACKAGES = (
    "Ruby's gRPC: apt-get install ruby-grpc ruby-grpc-tools ruby-googleapis-common-protos-types libprotobuf-dev"
)
TOKEN = "a-token"
# Characters beyond the BMP, of one or several code points, and a letter with a combining accent.
EMOJI = "🚢🎈 " + ARTICLE.replace("Nobody was hurt", "👩🏽‍🚒 Nobody was hurt 🏗").replace("breakwater", "Cafe\u0301 𝄞")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def programs_of_node(folder: Path) -> Callable[[str], list[str]]:
    need(shutil.which("node") and (EXAMPLES / "node/node_modules").is_dir(), NODE_PACKAGES)
    return lambda name: ["node", str(EXAMPLES / f"node/{name}.js")]


def programs_of_ruby(folder: Path) -> Callable[[str], list[str]]:
    generator = shutil.which("grpc_tools_ruby_protoc")
    need(generator and shutil.which("ruby") and Path("/usr/include/google/protobuf/any.proto").exists(), RUBY_PACKAGES)
    googleapis = Path(next(iter(google.rpc.__path__))).parents[1]
    includes = ["-I", str(ROOT / "protos"), "-I", str(googleapis)]
    outputs = [f"--ruby_out={folder}", f"--grpc_out={folder}"]
    subprocess.run([generator, *includes, *outputs, "nutgraf/v1/summarizer.proto"], check=True)
    return lambda name: ["ruby", "-I", str(folder), str(EXAMPLES / f"ruby/{name}.rb")]


@pytest.fixture(scope="module", params=[programs_of_node, programs_of_ruby], ids=["node", "ruby"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    return request.param(tmp_path_factory.mktemp("stubs"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def guarded(certificates: Certificates) -> dict[str, Path]:
    """Settings of a server with TLS and a token."""
    tokens = certificates.folder / "tokens"
    tokens.write_text(f"{TOKEN}\n", encoding="utf-8")
    return {"tls_certificate": certificates.certificate, "tls_key": certificates.key, "token_file": tokens}


@pytest.fixture(scope="module")
def server(guarded: dict[str, Path]) -> Iterator[str]:
    """The address of a server process with TLS and a token."""
    flags = [text for name, file in guarded.items() for text in (f"--{name.replace('_', '-')}", str(file))]
    with serve("--model", "lead", *flags) as process:
        port = entry(process, "listening")["address"].rpartition(":")[2]
        entry(process, "serving")
        yield f"localhost:{port}"


@pytest.fixture
def run(program: Callable[[str], list[str]], certificates: Certificates, tmp_path: Path) -> Run:
    """Runs one of the programs, in the folder of the articles."""
    (tmp_path / "emoji.txt").write_text(EMOJI, encoding="utf-8")
    (tmp_path / "other.txt").write_text(OTHER, encoding="utf-8")
    (tmp_path / "empty.txt").write_text(" ", encoding="utf-8")

    def run(server: str, name: str, *arguments: str, token: str = TOKEN) -> "subprocess.CompletedProcess[str]":
        settings = {"NUTGRAF_SERVER": server, "NUTGRAF_CA": str(certificates.ca), "NUTGRAF_TOKEN": token}
        return subprocess.run(
            [*program(name), *arguments],
            cwd=tmp_path,
            env={**os.environ, **settings, "LANG": "C.UTF-8"},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run


def lines(result: Result) -> list[str]:
    """The expected output of summarize.js and summarize.rb."""
    found = []
    for summary in result.summaries:
        found.append(f"SUMMARY_LENGTH_{summary.length.upper()}")
        for sentence in summary.sentences:
            found.append(f"- {sentence.text}")
            found += [f"  from: {source.text}" for source in sentence.sources]
    return found


def test_sentences_and_passages_equal_those_of_the_python_client(run: Run, server: str, certificates: Certificates):
    with Client(server, tls=certificates.trust(), token=TOKEN) as client:
        result = client.summarize(EMOJI)
    sources = [source for sentence in result.long.sentences for source in sentence.sources]
    assert sources[-1].text.startswith("Two ships")
    assert sum(character > "\uffff" for character in EMOJI[: sources[-1].start]) == 6
    done = run(server, "summarize", "emoji.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == lines(result)


def test_a_stream_has_an_answer_or_a_reason_for_each_article(run: Run, server: str, certificates: Certificates):
    with Client(server, tls=certificates.trust(), token=TOKEN) as client:
        emoji, other = (client.summarize(text, summaries="short").short.text for text in (EMOJI, OTHER))
    done = run(server, "batch", "emoji.txt", "empty.txt", "other.txt")
    assert (done.returncode, done.stderr) == (0, "")
    expected = [f"emoji.txt: {emoji}", "empty.txt: EMPTY_TEXT", f"other.txt: {other}"]
    assert sorted(done.stdout.splitlines()) == expected


@pytest.mark.parametrize(
    ("arguments", "token", "reason"),
    [
        (("summarize", "empty.txt"), TOKEN, "EMPTY_TEXT"),
        (("summarize", "emoji.txt"), "another", "UNAUTHENTICATED"),
        (("batch", "emoji.txt"), "another", "UNAUTHENTICATED"),
    ],
)
def test_an_error_has_the_servers_reason(
    run: Run, server: str, arguments: tuple[str, ...], token: str, reason: str
) -> None:
    done = run(server, *arguments, token=token)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{reason}: ")


def test_a_deadline_ends_the_call_in_client_and_server(run: Run, guarded: dict[str, Path]) -> None:
    engine = GatedEngine()
    with running_server(lambda: summarizer_with(engine), **guarded) as gated:
        done = run(f"localhost:{gated.server.port}", "summarize", "emoji.txt", "5")
        assert len(engine.submitted) == 2  # including the warm-up
        engine.wait_until(lambda engine: engine.cancelled)
    assert (done.returncode, done.stdout) == (1, "")
    # The server's reason or gRPC's own error, whichever comes first.
    assert re.match(r"(DEADLINE_EXCEEDED|GRPC::DeadlineExceeded): ", done.stderr)


def test_the_program_in_the_readme(tmp_path: Path) -> None:
    programs_of_node(tmp_path)
    block = re.search(r"```js\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
    program, file = tmp_path / "program.js", tmp_path / "article.txt"
    file.write_text(ARTICLE, encoding="utf-8")
    with running_server() as server, Client(server.address) as client:
        program.write_text(block.replace("localhost:50051", server.address), encoding="utf-8")
        done = subprocess.run(
            ["node", str(program), str(file)],
            cwd=ROOT,
            env={**os.environ, "NODE_PATH": str(EXAMPLES / "node/node_modules")},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        summaries = client.summarize(ARTICLE).summaries
    assert (done.returncode, done.stderr) == (0, "")
    assert all(summary.text in done.stdout for summary in summaries)
