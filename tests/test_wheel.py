"""The built packages: their contents, metadata and installation."""

import email
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.process import entry, running

ROOT = Path(__file__).parents[1]
PROJECTS = {"nutgraf": ROOT / "client", "nutgraf_server": ROOT}
FOLDERS = {"nutgraf": ["client/nutgraf"], "nutgraf_server": ["models/nutgraf_models", "service/nutgraf_service"]}
LIBRARY = {"googleapis-common-protos", "grpcio", "grpcio-health-checking", "grpcio-status", "protobuf"}
CARDS = "nutgraf_models/checkpoints/cards"
WEIGHTS = [f"{CARDS}/smollm2-135m-nutgraf{part}/adapter_model.safetensors" for part in ("-ranker", "")]
SECONDS = 900.0

both = pytest.mark.parametrize("package", list(PROJECTS))


def run(*command: object, **options: object) -> "subprocess.CompletedProcess[str]":
    """Runs a command without PYTHONPATH, so that it does not import the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= options.pop("env", {})
    words = [str(word) for word in command]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=SECONDS, env=environment, check=False, **options
    )


def done(*command: object, **options: object) -> str:
    ended = run(*command, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """The sdists of both packages, and the wheels built from them."""
    folder = tmp_path_factory.mktemp("dist")
    for project in PROJECTS.values():
        done(sys.executable, "-m", "build", "--outdir", folder, project)
    return folder


def wheel(dist: Path, package: str) -> Path:
    (file,) = dist.glob(f"{package}-*.whl")
    return file


def names(dist: Path, package: str) -> set[str]:
    with zipfile.ZipFile(wheel(dist, package)) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(dist: Path, package: str) -> email.message.Message:
    file = wheel(dist, package)
    with zipfile.ZipFile(file) as archive:
        folder = "-".join(file.name.split("-")[:2]) + ".dist-info"
        return email.message_from_bytes(archive.read(f"{folder}/METADATA"))


def project(package: str) -> dict:
    return tomllib.loads((PROJECTS[package] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@both
def test_wheel_has_exactly_the_tracked_files(dist, package):
    tracked = subprocess.run(
        ["git", "ls-files", *FOLDERS[package]], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    assert {name.partition("/")[2] for name in tracked} == names(dist, package)


@both
def test_sdist_has_exactly_the_build_inputs(dist, package):
    (file,) = dist.glob(f"{package}-*.tar.gz")
    with tarfile.open(file) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    folders = {folder if package == "nutgraf_server" else Path(folder).name for folder in FOLDERS[package]}
    rest = {name for name in found if not name.startswith(tuple(f"{folder}/" for folder in folders))}
    assert rest == {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", ".gitignore"}


def test_client_wheel_is_small_and_has_only_the_client(dist):
    assert wheel(dist, "nutgraf").stat().st_size < 300_000
    found = names(dist, "nutgraf")
    assert {name.partition("/")[0] for name in found} == {"nutgraf"}
    assert {Path(name).suffix for name in found} == {".py", ".pyi", ".typed", ".css", ".js"}
    assert {f"nutgraf/v1/summarizer_pb2{ending}" for ending in (".py", ".pyi", "_grpc.py", "_grpc.pyi")} <= found


def test_server_wheel_has_every_card_and_both_adapters(dist):
    assert wheel(dist, "nutgraf_server").stat().st_size < 22_000_000
    with zipfile.ZipFile(wheel(dist, "nutgraf_server")) as archive:
        sizes = {file.filename: file.file_size for file in archive.infolist()}
    assert all(sizes[file] < 20_000_000 for file in WEIGHTS)
    assert sum(size for name, size in sizes.items() if name not in WEIGHTS) < 4_000_000
    found = names(dist, "nutgraf_server")
    assert {name.partition("/")[0] for name in found} == {"nutgraf_models", "nutgraf_service"}
    assert len([name for name in found if re.fullmatch(r"nutgraf_models/checkpoints/cards/[^/]+\.toml", name)]) == 6
    assert {name for name in found if name.endswith((".safetensors", ".gguf", ".bin"))} == set(WEIGHTS)


def test_dependencies(dist):
    plain = {}
    for package in PROJECTS:
        needed = metadata(dist, package).get_all("Requires-Dist")
        plain[package] = {re.split(r"[^\w\[\]-]", one)[0] for one in needed if "extra ==" not in one}
    assert plain["nutgraf"] == LIBRARY
    assert "nutgraf[cli]" in plain["nutgraf_server"]
    assert not plain["nutgraf_server"] & {"torch", "transformers", "sentencepiece", "ray"}


@both
def test_metadata(dist, package):
    found = metadata(dist, package)
    versions = {"3.11", "3.12", "3.13"}
    assert {f"Programming Language :: Python :: {one}" for one in versions} <= set(found.get_all("Classifier"))
    assert (found["Requires-Python"], found["License-Expression"]) == (">=3.11", "Apache-2.0")
    assert {url.partition(",")[0] for url in found.get_all("Project-URL")} >= {"Homepage", "Source", "Issues"}
    assert found["Keywords"]
    assert re.findall(r"\]\((?!https://)[^)]*\)", found.get_payload()) == []


def test_packages_have_the_same_version_and_licence():
    client, server = project("nutgraf"), project("nutgraf_server")
    assert client["version"] == server["version"]
    assert f"nutgraf[cli]=={client['version']}" in server["dependencies"]
    assert client["urls"]["Homepage"] == server["urls"]["Homepage"]
    # A package cannot have a licence from outside its own folder.
    assert (ROOT / "client/LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Callable[..., Path]:
    def make(*wheels: object) -> Path:
        """Creates a virtual environment with these packages; returns its bin folder."""
        folder = tmp_path_factory.mktemp("environment")
        done(sys.executable, "-m", "venv", folder)
        done(folder / "bin/pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", *wheels)
        done(folder / "bin/pip", "check")
        return folder / "bin"

    return make


@pytest.mark.timeout(SECONDS)
def test_client_alone_is_a_library_and_names_the_missing_extra(dist, environment, tmp_path):
    programs = environment(wheel(dist, "nutgraf"))
    modules = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in sorted(names(dist, "nutgraf"))
        if name.endswith(".py") and "/_cli/" not in name
    ]
    done(programs / "python", "-c", f"import importlib\nfor name in {modules}: importlib.import_module(name)")
    for command in ([programs / "nutgraf"], [programs / "python", "-m", "nutgraf"]):
        ended = run(*command, "summarize", "--help", cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == "nutgraf: error: the command line needs click and rich: pip install 'nutgraf[cli]'\n"
    assert {one["name"] for one in json.loads(done(programs / "pip", "list", "--format", "json"))} == {
        *LIBRARY,
        *("nutgraf", "pip", "setuptools", "typing_extensions"),
    }


@pytest.mark.timeout(SECONDS)
def test_client_command_line_names_the_server_package(dist, environment):
    programs = environment(f"{wheel(dist, 'nutgraf')}[cli]")
    assert "summarize" in done(programs / "nutgraf", "--help")
    ended = run(programs / "nutgraf", "serve")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == 'nutgraf: error: "nutgraf serve" requires the server: pip install nutgraf-server\n'


@pytest.mark.timeout(SECONDS)
def test_server_without_torch_gives_equal_summaries(dist, environment, tmp_path):
    from nutgraf_models.article import Article
    from nutgraf_models.checkpoints.registry import DEFAULT_MODEL
    from nutgraf_models.loading import load_summarizer

    programs = environment(wheel(dist, "nutgraf"), wheel(dist, "nutgraf_server"))
    assert not {"torch", "transformers"} & {
        one["name"] for one in json.loads(done(programs / "pip", "list", "--format", "json"))
    }
    home = {"NUTGRAF_HOME": str(tmp_path)}
    done(programs / "nutgraf", "models", "pull", env=home)
    title, _, text = next(ROOT.glob("seeds/03-*.txt")).read_text(encoding="utf-8").partition("\n")
    (tmp_path / "article.txt").write_text(text, encoding="utf-8")
    with running(programs / "nutgraf", "serve", "--port", "0", PYTHONPATH="", **home) as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        summarize = ("summarize", tmp_path / "article.txt", "--title", title, "--json", "--server", address)
        written = json.loads(done(programs / "nutgraf", *summarize))
    # This one was pulled with torch.
    here = load_summarizer(DEFAULT_MODEL).summarize(Article(text, title=title))
    assert [one["text"] for one in written["summaries"]] == [one.text for one in here.summaries]

    for arguments in (["serve", "--port", "0", "--engine", "torch"], ["models", "pull", "facebook/bart-large-cnn"]):
        ended = run(programs / "nutgraf", *arguments, env=home)
        assert ended.returncode == 1
        assert "needs the torch engine: pip install 'nutgraf-server[torch]'" in ended.stderr
