"""Builds the image from service/deploy/Containerfile on Debian's Python, and runs it read-only without a network.

No image registry is needed: the base images are made from Debian's packages. The build uses the pip settings of this
machine (an index, a certificate, folders of wheels), which must not end up in the image. The tests need root and the
Debian packages buildah, podman, runc and mmdebstrap; without them they are skipped, or fail if REQUIRE_CONTAINERS is
set. They take a quarter of an hour on two cores, and 6 GB of disk.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.articles import ARTICLE
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "service/deploy"
POD = yaml.safe_load((DEPLOY / "kubernetes/deployment.yaml").read_text(encoding="utf-8"))["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
# Both stages need the same Python in the same place; the build stage needs more.
PACKAGES = {"base": "python3", "build-base": "python3,python3-venv,make,ca-certificates"}
# Seconds in which the server must become healthy.
HEALTHY = 300


def pip_settings() -> dict[str, str]:
    """pip's settings on this machine, from files and the environment."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    found = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return found


def on_this_machine(settings: dict[str, str]) -> list[Path]:
    """The files and folders that these settings name; for an index, its parent folder, which may contain its wheels."""
    words = {word.removeprefix("file://") for value in settings.values() for word in value.split()}
    paths = {Path(word) for word in words if word.startswith("/") and Path(word).exists()}
    return sorted(path.parent if path.name == "simple" else path for path in paths)


class Engine:
    """buildah and podman, with separate storage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._storage = ["--root", str(folder / "storage"), "--runroot", str(folder / "run")]

    def run(self, *command: str, given: str | None = None, fails: bool = False) -> str:
        """Runs a command that must succeed, or must fail if `fails`, and returns its standard output."""
        # Otherwise podman runs health checks by systemd.
        environment = {**os.environ, "DISABLE_HC_SYSTEMD": "true"}
        found = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=3000, env=environment, check=False
        )
        assert (found.returncode != 0) is fails, found.stdout + found.stderr
        return found.stdout

    def buildah(self, *arguments: str) -> str:
        # This folder also holds pip's downloads between build steps.
        return self.run("env", f"TMPDIR={self.folder}", "buildah", *self._storage, *arguments)

    def podman(self, *arguments: str, given: str | None = None, fails: bool = False) -> str:
        options = ["--cgroup-manager", "cgroupfs", "--runtime", str(shutil.which("runc"))]
        return self.run("podman", *self._storage, *options, *arguments, given=given, fails=fails)

    def build(self, tag: str, file: Path, folder: Path, *arguments: str) -> None:
        # A sandbox may allow no isolation but chroot. Only docker's format has health checks.
        command = ["build", "--isolation", "chroot", "--format", "docker", "--pull-never", "--tag", tag]
        self.buildah(*command, "--file", str(file), *arguments, str(folder))

    def clean(self) -> None:
        self.podman("rm", "--all", "--force")
        # podman leaves part of its storage bind-mounted.
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
    """The tag of the image, built from the Containerfile on other base images."""
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
    """The name of a container that runs the server with minimal privileges and the memory limit of a pod."""
    memory = CONTAINER["resources"]["limits"]["memory"].lower().removesuffix("i")
    options = ["--read-only", "--network=none", "--cap-drop=all", "--security-opt=no-new-privileges"]
    # podman's defaults exceed what a sandbox may allow.
    options += [f"--memory={memory}", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]
    engine.podman("run", "--detach", "--name=nutgraf", *options, image)

    def is_healthy() -> bool:
        try:
            engine.podman("healthcheck", "run", "nutgraf")
        except AssertionError:
            return False
        return True

    try:
        wait_until(is_healthy, seconds=HEALTHY, pause=1)
    except AssertionError:
        pytest.fail(engine.podman("logs", "nutgraf"))
    return "nutgraf"


def test_the_server_is_healthy_answers_writes_only_to_tmp_and_drains(engine: Engine, container: str) -> None:
    ask = ["exec", "--interactive", container, "nutgraf", "summarize", "--json"]
    answer = json.loads(engine.podman(*ask, given=ARTICLE))
    assert all(summary["text"] for summary in answer["summaries"])
    assert engine.podman("exec", container, "id", "-u").strip() == str(POD["securityContext"]["runAsUser"])
    engine.podman("exec", container, "touch", "/tmp/file")
    for folder in ("/", "/opt/nutgraf", "/var/lib/nutgraf"):
        engine.podman("exec", container, "touch", f"{folder}/file", fails=True)
    engine.podman("stop", f"--time={POD['terminationGracePeriodSeconds']}", container)
    assert engine.podman("inspect", container, "--format={{.State.ExitCode}} {{.State.OOMKilled}}").strip() == "0 false"


def test_the_image_keeps_no_build_settings_or_tools(engine: Engine, image: str) -> None:
    said = engine.podman("inspect", image) + engine.podman("history", "--no-trunc", image)
    assert not [value for value in pip_settings().values() if "/" in value and value in said]
    look = ["run", "--rm", "--network=none", "--user=0", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]
    found = engine.podman(*look, "--entrypoint=find", image, "/etc/pip.conf", "/root/.cache", "/src", fails=True)
    assert found == ""
    assert engine.podman(*look, "--entrypoint=sh", image, "-c", "command -v make || echo none").strip() == "none"
