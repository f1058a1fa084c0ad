"""The files in service/deploy, checked by the schemas of Kubernetes, by systemd, make, and nutgraf itself.

No cluster runs here. The image is built by test_image.py, ray.yaml is deployed by test_ray.py, and
test_prometheus.py runs Prometheus with prometheus/.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import grpc
import kubernetes_validate
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nutgraf import Client
from nutgraf._cli.main import cli
from nutgraf_service.metrics import Metrics
from nutgraf_service.settings import Settings
from support.process import entry, serve
from support.server import running_server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "service/deploy"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
# Maximum seconds between the end of a drain and the end of the process.
TO_END = 5
# The oldest version with preStop.sleep enabled by default, and the newest with schemas.
KUBERNETES = ("1.30", kubernetes_validate.latest_version())
# Variables that are not settings of the server.
NOT_SETTINGS = {"NUTGRAF_HOME", "NUTGRAF_SERVER", "NUTGRAF_TOKEN"}


def load(file: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / file).read_text(encoding="utf-8"))


def manifest(name: str) -> dict[str, Any]:
    return load(f"kubernetes/{name}.yaml")


OWN = sorted(file.stem for file in (DEPLOY / "kubernetes").iterdir())
DEPLOYMENT = manifest("deployment")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
PROBES = {name: CONTAINER[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
RAY = load("rayservice.yaml")["spec"]
RAY_GROUPS = [RAY["rayClusterConfig"]["headGroupSpec"], *RAY["rayClusterConfig"]["workerGroupSpecs"]]
RAY_PODS = [group["template"]["spec"] for group in RAY_GROUPS]


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Containerfile, each on one line."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.strip().partition(" ") for line in lines) if word]


def last(word: str) -> str:
    return [rest for one, rest in instructions() if one == word][-1]


def unit() -> dict[str, list[str]]:
    """The lines of the unit by key, without comments."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "nutgraf.service").read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def image_environment() -> dict[str, str]:
    pairs = dict(word.split("=", 1) for word in shlex.split(last("ENV")))
    return {name: value.replace("${MODEL}", Settings().model) for name, value in pairs.items()}


def pod_environment() -> dict[str, str]:
    """The variables of the image and of the Deployment."""
    found = image_environment()
    for one in CONTAINER["env"]:
        source = one.get("valueFrom", {}).get("resourceFieldRef")
        found[one["name"]] = one["value"] if source is None else field(CONTAINER["resources"], source["resource"])
    return found


def field(resources: dict[str, dict[str, str]], path: str) -> str:
    part, _, name = path.partition(".")
    return resources[part][name]


def unit_environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in unit()["Environment"] for pair in line.split())


def settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings by this environment; fails for an unknown name."""
    ours = {name: value for name, value in environment.items() if name.startswith("NUTGRAF_")}
    names = {name.removeprefix("NUTGRAF_").lower() for name in ours if name not in NOT_SETTINGS}
    assert names <= set(Settings.model_fields)
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    found = Settings()
    assert names <= found.model_fields_set
    return found


def accepts(words: list[str]) -> None:
    """Asserts that `nutgraf` accepts these arguments, without running them."""
    command: click.Command = cli
    context = None
    while isinstance(command, click.Group):
        context = click.Context(command, parent=context, info_name=words[0])
        found = command.get_command(context, words[1])
        assert found is not None, f"no command {words[1]!r}"
        command, words = found, words[1:]
    command.make_context(words[0], words[1:], parent=context).close()


def dry_run(make: list[str], folder: Path) -> str:
    """The commands that make would run, without the flags of a make that runs the tests."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"}
    made = subprocess.run(
        [*make, "--dry-run"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return made.stdout


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in OWN:
        yield name, manifest(name)
    for number, group in enumerate(RAY_GROUPS):
        template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "ray"}}
        yield f"rayservice {number}", template | {"template": group["template"]}


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize(("name", "resource"), [pytest.param(*one, id=one[0]) for one in manifests()])
def test_manifests_conform_to_the_schemas(name: str, resource: dict[str, Any], version: str) -> None:
    """The schema of RayService is part of its operator, so only its pods are checked."""
    kubernetes_validate.validate(resource, version, strict=True)


def test_references_between_manifests_are_valid() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels
    assert POD["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] == labels
    assert manifest("service")["spec"]["selector"] == labels
    assert manifest("disruptions")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("network")["spec"]["podSelector"]["matchLabels"] == labels
    target = manifest("autoscaler")["spec"]["scaleTargetRef"]
    assert target == {key: DEPLOYMENT[key] for key in ("apiVersion", "kind")} | {"name": DEPLOYMENT["metadata"]["name"]}


def test_ports_match_the_servers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    found = settings(pod_environment(), monkeypatch)
    assert ports == {"grpc": found.port, "metrics": found.metrics_port}
    assert last("EXPOSE").split() == [str(found.port), str(found.metrics_port)]
    service = manifest("service")["spec"]
    assert service["clusterIP"] == "None"
    # A headless Service does not map ports, so these must equal the pod's.
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == ports
    rules = manifest("network")["spec"]["ingress"]
    assert [port["port"] for rule in rules for port in rule["ports"]] == list(ports)
    assert {probe["grpc"]["port"] for probe in PROBES.values()} == {found.port}
    (ray_port,) = RAY["serveService"]["spec"]["ports"]
    assert ray_port["port"] == ray_port["targetPort"] == found.port


def test_probes_match_the_server_and_leave_time_to_load() -> None:
    startup, readiness, liveness = PROBES.values()
    with running_server() as server, grpc.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for probe in PROBES.values():
            request = health_pb2.HealthCheckRequest(service=probe["grpc"].get("service", ""))
            response = stub.Check(request, timeout=probe["timeoutSeconds"])
            assert response.status == health_pb2.HealthCheckResponse.SERVING
    # Liveness probes begin after startup has succeeded, when the model is loaded.
    assert startup["grpc"] == readiness["grpc"] != liveness["grpc"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60
    assert readiness["periodSeconds"] * readiness["failureThreshold"] <= 10


def test_termination_leaves_time_to_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    grace = settings(pod_environment(), monkeypatch).drain_grace
    pre_stop = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["terminationGracePeriodSeconds"] >= pre_stop + grace + TO_END
    (stop,) = unit()["TimeoutStopSec"]
    assert int(stop) >= settings(unit_environment(), monkeypatch).drain_grace + TO_END
    (deployment,) = yaml.safe_load(RAY["serveConfigV2"])["applications"][0]["deployments"]
    assert RAY_PODS[1]["terminationGracePeriodSeconds"] >= deployment["graceful_shutdown_timeout_s"] + TO_END


def test_pods_have_minimal_privileges() -> None:
    uid, gid = map(int, last("USER").split(":"))
    for pod in (POD, *RAY_PODS):
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": uid,
            "runAsGroup": gid,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert uid > 0
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    assert POD["automountServiceAccountToken"] is False
    assert [mount["mountPath"] for mount in CONTAINER["volumeMounts"]] == [last("VOLUME")]
    assert image_environment()["HOME"] == last("VOLUME")


def test_the_engine_has_as_many_threads_as_the_pod_has_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(pod_environment(), monkeypatch).threads == int(CONTAINER["resources"]["requests"]["cpu"])


def test_the_autoscaler_uses_an_exported_metric() -> None:
    (metric,) = manifest("autoscaler")["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] in {family.name for family in Metrics().registry.collect()}


def test_the_ray_service_deploys_the_tested_application() -> None:
    config = load("ray.yaml")
    served = yaml.safe_load(RAY["serveConfigV2"])
    assert served["http_options"].pop("host") == "0.0.0.0"
    assert config["http_options"].pop("host") == "127.0.0.1"
    assert served == config
    pinned = re.search(r"(?m)^ray==(.*)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert pinned is not None
    assert RAY["rayClusterConfig"]["rayVersion"] == pinned[1]
    for pod in RAY_PODS:
        environment = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
        assert environment["RAY_SERVE_GRPC_MAX_MESSAGE_SIZE"] == str(Settings().max_message_bytes)
    # The cores of a replica fit into a pod.
    cores = served["applications"][0]["deployments"][0]["ray_actor_options"]["num_cpus"]
    assert int(RAY_PODS[1]["containers"][0]["resources"]["limits"]["cpu"]) >= cores


@pytest.mark.ray
def test_the_serve_config_conforms_to_rays_schema(ray_host: object) -> None:
    from ray.serve.schema import ServeDeploySchema

    served = yaml.safe_load(RAY["serveConfigV2"])
    # Ray ignores unknown fields.
    assert ServeDeploySchema.model_validate(served).model_dump(mode="json", exclude_unset=True) == served


def test_images_have_this_version() -> None:
    version = PROJECT["version"]
    assert CONTAINER["image"] == f"nutgraf:{version}"
    assert {pod["containers"][0]["image"] for pod in RAY_PODS} == {f"nutgraf:{version}-ray"}


def test_a_server_with_the_environment_of_a_pod_serves_and_is_healthy() -> None:
    """The model and the ports differ from a pod's."""
    environment = pod_environment() | {
        **{"NUTGRAF_MODEL": "lead", "NUTGRAF_HOST": "127.0.0.1", "NUTGRAF_METRICS_HOST": "127.0.0.1"},
        "NUTGRAF_METRICS_PORT": "0",
    }
    del environment["PATH"], environment["NUTGRAF_HOME"]
    with serve(**environment) as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with Client(address) as client:
            assert client.server_info().model == "lead"
        health = [sys.executable, "-m", "nutgraf", *json.loads(last("HEALTHCHECK").partition("CMD ")[2])[1:]]
        assert subprocess.run([*health, "--server", address], timeout=60, check=False).returncode == 0


def test_linters_accept_the_containerfile() -> None:
    """The checks of BuildKit and hadolint, without matters of style and checks that need a registry."""
    command = [sys.executable, "-m", "tally_cli", "lint", "--no-config", "--slow-checks", "off", "--ignore", "tally/*"]
    found = subprocess.run(
        [*command, str(DEPLOY / "Containerfile")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_signals_reach_the_server_in_a_container() -> None:
    """The command is a list, because a string would run in a shell, which does not forward signals."""
    entrypoint, command = json.loads(last("ENTRYPOINT")), json.loads(last("CMD"))
    accepts([*entrypoint, *command])
    accepts(json.loads(last("HEALTHCHECK").partition("CMD ")[2]))


def test_the_containerfile_builds_with_make_from_the_copied_files(tmp_path: Path) -> None:
    """The build uses only the copied files, and the result does not need them."""
    steps = instructions()
    _, second = (number for number, (word, _) in enumerate(steps) if word == "FROM")
    stage = steps[:second]
    for source in (one for word, rest in stage if word == "COPY" for one in rest.split()[:-1]):
        if (ROOT / source).is_dir():
            (tmp_path / source).mkdir()
            for project in (ROOT / source).glob("pyproject.toml"):
                shutil.copy(project, tmp_path / source)
        else:
            shutil.copy(ROOT / source, tmp_path)
    install, pull = (rest for word, rest in stage if word == "RUN")
    make = shlex.split(install.replace("$EXTRAS", ""))
    settings = "--mount=type=secret,id=pip,target=/etc/pip.conf"
    assert [make.pop(0), make.pop(0)] == ["--mount=type=cache,target=/root/.cache/pip", settings]
    assert make[:2] == ["make", "install"]
    commands = [line for line in dry_run(make, tmp_path).splitlines() if "pip install" in line]
    pip = "/opt/nutgraf/bin/pip install --quiet --constraint constraints.txt"
    assert [" ".join(shlex.split(line)) for line in commands] == [f"{pip} ./client[cli] ."]
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    packages = ("client/pyproject.toml", *(Path(package).parts[0] for package in wheel))
    for needed in (*packages, PROJECT["readme"], *PROJECT["license-files"]):
        assert (tmp_path / needed).exists(), needed
    assert pull.startswith(settings)
    (words,) = (shlex.split(one) for one in pull.split("&&") if "/nutgraf " in one)
    accepts(["nutgraf", *words[1:]])
    assert PROJECT["requires-python"] == ">=3.11"
    # By default, both stages have Python at the same path, which the virtual environment links to.
    assert [rest for word, rest in steps if word == "ARG"][:3] == [
        "PYTHON=3.11",
        "BUILD_BASE=docker.io/library/python:${PYTHON}",
        "BASE=docker.io/library/python:${PYTHON}-slim",
    ]


def test_make_installs_in_editable_mode_by_default() -> None:
    made = dry_run(["make", "--always-make", "install"], ROOT)
    assert "--editable './client[cli]' --editable '.[torch]'" in made


@pytest.mark.parametrize("extras", ["torch", "ray,torch", "train"])
def test_torch_is_installed_first_and_alone(extras: str) -> None:
    """The pinned version is the CPU build."""
    made = dry_run(["make", "--always-make", "install", f"EXTRAS={extras}"], ROOT)
    first, second = (line.split("constraints.txt ")[1] for line in made.splitlines() if "pip install" in line)
    assert (first, second.split()[-1]) == ("torch", f"'.[{extras}]'")


def test_nutgraf_accepts_the_command_of_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = unit_environment()
    assert settings(environment, monkeypatch).model == Settings().model
    for key in ("ExecStartPre", "ExecStart"):
        (line,) = unit()[key]
        for name, value in environment.items():
            line = line.replace(f"${{{name}}}", value)
        words = shlex.split(line)
        assert words[0] == "/opt/nutgraf/bin/nutgraf"
        accepts(["nutgraf", *words[1:]])
    # Including the commented example for TLS.
    text = (DEPLOY / "nutgraf.service").read_text(encoding="utf-8")
    (shown,) = re.findall(r"(?m)^# Environment=(.*)$", text)
    settings(dict(pair.split("=", 1) for pair in shown.split()), monkeypatch)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    command = tmp_path / "nutgraf"
    command.write_text("#!/bin/sh\n", encoding="utf-8")
    command.chmod(0o755)
    text = (DEPLOY / "nutgraf.service").read_text(encoding="utf-8")
    file = tmp_path / "nutgraf.service"
    file.write_text(text.replace("/opt/nutgraf/bin/nutgraf", str(command)), encoding="utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", str(file)]
    found = subprocess.run(verify, capture_output=True, text=True, timeout=60, check=False)
    # systemd-analyze also reports on other units of the machine.
    complaints = [line for line in found.stderr.splitlines() if "nutgraf" in line]
    assert (found.returncode, complaints) == (0, [])
