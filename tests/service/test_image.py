"""The image: built from service/deploy/Containerfile on Debian's own Python, run read-only without a network, asked.

No registry of images is needed: the base images are made of Debian's packages. What this machine's pip is told (an
index, a certificate, folders of wheels) holds while the image is built, and is not in it. This needs root and Debian's
packages buildah, podman, runc and mmdebstrap; without them it is skipped, but fails where REQUIRE_CONTAINERS is set. It
takes a quarter of an hour on two cores, and 6 GB.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.articles import ARTICLE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "service/deploy"
POD = yaml.safe_load((DEPLOY / "kubernetes/deployment.yaml").read_text(encoding="utf-8"))["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
# What both stages have, and what only the first one needs: the same Python, in the same place.
PACKAGES = {"base": "python3", "build-base": "python3,python3-venv,make,ca-certificates"}
# Seconds in which the server has to be healthy.
HEALTHY = 300


def pip_settings() -> dict[str, str]:
    """What pip is told on this machine, by files and by the environment."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    found = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return found


def on_this_machine(settings: dict[str, str]) -> list[Path]:
    """The files and folders that these settings name; of an index, the folder around it, where its wheels may be."""
    words = {word.removeprefix("file://") for value in settings.values() for word in value.split()}
    paths = {Path(word) for word in words if word.startswith("/") and Path(word).exists()}
    return sorted(path.parent if path.name == "simple" else path for path in paths)


class Engine:
    """buildah and podman with a storage of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._storage = ["--root", str(folder / "storage"), "--runroot", str(folder / "run")]

    def run(self, *command: str, given: str | None = None, fails: bool = False) -> str:
        """The standard output of a command that succeeds, or that `fails`."""
        # podman would have systemd do the health checks.
        environment = {**os.environ, "DISABLE_HC_SYSTEMD": "true"}
        found = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=3000, env=environment, check=False
        )
        assert (found.returncode != 0) is fails, found.stdout + found.stderr
        return found.stdout

    def buildah(self, *arguments: str) -> str:
        # What pip has fetched lies there, too, between one step and the next.
        return self.run("env", f"TMPDIR={self.folder}", "buildah", *self._storage, *arguments)

    def podman(self, *arguments: str, given: str | None = None, fails: bool = False) -> str:
        options = ["--cgroup-manager", "cgroupfs", "--runtime", str(shutil.which("runc"))]
        return self.run("podman", *self._storage, *options, *arguments, given=given, fails=fails)

    def build(self, tag: str, file: Path, folder: Path, *arguments: str) -> None:
        # A chroot is all the isolation that a sandbox may allow. Only docker's format has health checks.
        command = ["build", "--isolation", "chroot", "--format", "docker", "--pull-never", "--tag", tag]
        self.buildah(*command, "--file", str(file), *arguments, str(folder))

    def clean(self) -> None:
        self.podman("rm", "--all", "--force")
        # podman leaves part of its storage mounted on itself.
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
        for path in reversed(mounted):
            if Path(path).is_relative_to(self.folder):
                self.run("umount", path)
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or os.getuid() != 0:
        (pytest.fail if os.environ.get("REQUIRE_CONTAINERS") else pytest.skip)(f"needs root, and {', '.join(TOOLS)}")
    engine = Engine(tmp_path_factory.mktemp("image"))
    try:
        yield engine
    finally:
        engine.clean()


@pytest.fixture(scope="module")
def image(engine: Engine) -> str:
    """The image, by its tag, built as the Containerfile says but for where it begins."""
    for name, packages in PACKAGES.items():
        archive = engine.folder / f"{name}.tar"
        engine.run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", "bookworm", str(archive))
        file = engine.folder / f"{name}.Containerfile"
        file.write_text(f"FROM scratch\nADD {archive.name} /\n", encoding="utf-8")
        engine.build(f"localhost/{name}", file, engine.folder)
        archive.unlink()
    settings = pip_settings()
    config = engine.folder / "pip.conf"
    lines = [f"{name} = {' '.join(value.split())}" for name, value in settings.items()]
    config.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    volumes = [f"--volume={path}:{path}:ro" for path in on_this_machine(settings)]
    bases = ["--build-arg=BASE=localhost/base", "--build-arg=BUILD_BASE=localhost/build-base"]
    tag = f"localhost/{CONTAINER['image']}"
    engine.build(tag, DEPLOY / "Containerfile", ROOT, *bases, f"--secret=id=pip,src={config}", *volumes)
    return tag


@pytest.fixture(scope="module")
def container(engine: Engine, image: str) -> str:
    """The server in a container, by its name: nothing that it does not need, and as much memory as a pod has."""
    memory = CONTAINER["resources"]["limits"]["memory"].lower().removesuffix("i")
    options = ["--read-only", "--network=none", "--cap-drop=all", "--security-opt=no-new-privileges"]
    # By default more than a sandbox may be allowed to give.
    options += [f"--memory={memory}", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]
    engine.podman("run", "--detach", "--name=nutgraf", *options, image)
    over = time.monotonic() + HEALTHY
    while True:
        try:
            engine.podman("healthcheck", "run", "nutgraf")
            return "nutgraf"
        except AssertionError:
            assert time.monotonic() < over, engine.podman("logs", "nutgraf")
            time.sleep(1)


def test_it_is_healthy_answers_writes_to_tmp_only_and_drains(engine: Engine, container: str) -> None:
    ask = ["exec", "--interactive", container, "nutgraf", "summarize", "--json"]
    answer = json.loads(engine.podman(*ask, given=ARTICLE))
    assert all(summary["text"] for summary in answer["summaries"])
    assert engine.podman("exec", container, "id", "-u").strip() == str(POD["securityContext"]["runAsUser"])
    engine.podman("exec", container, "touch", "/tmp/file")
    for folder in ("/", "/opt/nutgraf", "/var/lib/nutgraf"):
        engine.podman("exec", container, "touch", f"{folder}/file", fails=True)
    engine.podman("stop", f"--time={POD['terminationGracePeriodSeconds']}", container)
    assert engine.podman("inspect", container, "--format={{.State.ExitCode}} {{.State.OOMKilled}}").strip() == "0 false"


def test_it_keeps_nothing_of_what_built_it(engine: Engine, image: str) -> None:
    said = engine.podman("inspect", image) + engine.podman("history", "--no-trunc", image)
    assert not [value for value in pip_settings().values() if "/" in value and value in said]
    look = ["run", "--rm", "--network=none", "--user=0", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]
    found = engine.podman(*look, "--entrypoint=find", image, "/etc/pip.conf", "/root/.cache", "/src", fails=True)
    assert found == ""
    assert engine.podman(*look, "--entrypoint=sh", image, "-c", "command -v make || echo none").strip() == "none"
