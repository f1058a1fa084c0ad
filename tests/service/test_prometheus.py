"""service/deploy/prometheus: the rules and their tests, the dashboard, and Prometheus itself scraping a real server.

Without Prometheus, the tests that need it are skipped, or fail if REQUIRE_PROMETHEUS is set (as `.ci/run` does).
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_service.metrics import Metrics
from nutgraf_service.settings import Settings
from support.articles import ARTICLE
from support.process import Log, entry, serve
from support.server import TIMEOUT, running_server
from support.waiting import wait_for

FOLDER = Path(__file__).parents[2] / "service/deploy/prometheus"
CONFIG, RULES, RULE_TESTS = (FOLDER / f"{name}.yml" for name in ("prometheus", "nutgraf.rules", "nutgraf.rules.test"))
NEEDED = "needs Prometheus and promtool: apt-get install prometheus"
# Seconds that a process may take to end after its drain.
TO_END = 5
# Seconds between two polls.
PAUSE = 0.1


def load(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in load(RULES)["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        (pytest.fail if os.environ.get("REQUIRE_PROMETHEUS") else pytest.skip)(NEEDED)
    return found


def promtool(*arguments: str | Path) -> str:
    """Runs promtool and returns its output; fails if promtool does."""
    command = [tool("promtool"), *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def seconds(duration: str) -> int:
    found = re.fullmatch(r"(\d+)([smhd])", duration)
    assert found is not None
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def test_promtool_accepts_the_config_and_the_rules() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", RULES)
    promtool("check", "config", CONFIG)


def test_alerts_pass_their_own_tests() -> None:
    promtool("test", "rules", RULE_TESTS)


def test_every_alert_is_tested_firing_and_silent() -> None:
    tested = [one for test in load(RULE_TESTS)["tests"] for one in test.get("alert_rule_test", [])]
    assert {one["alertname"] for one in tested if one["exp_alerts"]} == set(ALERTS)
    assert {one["alertname"] for one in tested if not one["exp_alerts"]} == set(ALERTS)


def test_rules_and_dashboard_use_metrics_that_a_server_exports() -> None:
    with running_server(metrics_port=0) as running:
        with running.stub() as stub:
            # `nutgraf_calls_total` has no series before the first call.
            stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        url = f"http://127.0.0.1:{running.server.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
    there = {sample.name for family in families for sample in family.samples}
    # Names with colons are the rules' own.
    asked = re.findall(r"(?<![\w:])(?:nutgraf|process)_\w+", "\n".join([*QUERIES, *(rule["expr"] for rule in rules())]))
    assert set(asked) <= there
    # The dashboard shows all of our metrics.
    ours = {family.name for family in Metrics().registry.collect() if family.name.startswith("nutgraf_")}
    assert {name for name in ours if not any(name in query for query in QUERIES)} == set()


def test_limits_in_the_rules_match_the_servers() -> None:
    settings = Settings()
    assert ALERTS["NutgrafHeldBytesNearLimit"]["expr"] == f"nutgraf_held_bytes > 0.8 * {settings.max_held_bytes}"
    assert seconds(ALERTS["NutgrafDrainStuck"]["for"]) >= settings.drain_grace + TO_END
    (window,) = re.findall(r"\[(\w+)\]", ALERTS["NutgrafEngineHangs"]["expr"])
    assert seconds(window) < settings.max_step_seconds
    target = float(ALERTS["NutgrafSlow"]["expr"].rpartition(">")[2])
    metrics = Metrics()
    metrics.call_ended("Summarize", "OK", 1.0)
    buckets = {
        float(sample.labels["le"])
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "nutgraf_call_seconds_bucket"
    }
    assert target in buckets


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    titles = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert titles == ["Traffic", "Latency", "Queue", "Engine", "Truth", "Process"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        across, down = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in across for y in down}
        assert across.stop <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


class Prometheus:
    """A client of the HTTP API of Prometheus."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str, **parameters: str) -> Any:
        url = f"http://{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[float]:
        return [float(one["value"][1]) for one in self.get("query", query=expression)["result"]]

    def firing(self) -> set[str]:
        alerts = self.get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def failing(self) -> list[Any]:
        """Rules that have not been evaluated yet, or failed."""
        found = [rule for group in self.get("rules")["groups"] for rule in group["rules"]]
        assert len(found) == len(rules())
        return [rule for rule in found if rule["health"] != "ok"]


@contextlib.contextmanager
def running_prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """Runs Prometheus with our config and rules, but with another target, short intervals and no `for`."""
    config, shipped = load(CONFIG), load(RULES)
    config["global"] = {"scrape_interval": "200ms", "evaluation_interval": "200ms"}
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [target]}]
    for rule in (rule for group in shipped["groups"] for rule in group["rules"]):
        rule.pop("for", None)
    (folder / CONFIG.name).write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / RULES.name).write_text(yaml.safe_dump(shipped), encoding="utf-8")
    command = [tool("prometheus"), f"--config.file={folder / CONFIG.name}", f"--storage.tsdb.path={folder / 'data'}"]
    process = subprocess.Popen([*command, "--web.listen-address=127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    try:
        found, ready, lines = None, False, []
        for line in process.stderr:  # the two lines come in either order
            lines.append(line)
            found = found or re.search(r'msg="Listening on" address=(\S+)', line)
            ready = ready or "Server is ready" in line
            if found and ready:
                break
        assert found is not None, "Prometheus ended before it said where it listens:\n" + "".join(lines)
        log = Log(process)
        yield Prometheus(found[1])
        process.terminate()
        assert process.wait(TIMEOUT) == 0, log.text()
    finally:
        process.kill()
        process.wait()


until = partial(wait_for, seconds=TIMEOUT, pause=PAUSE)


def test_prometheus_sees_a_server_its_calls_and_its_end(tmp_path: Path) -> None:
    tool("prometheus")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve("--model", "lead", "--metrics-port", "0", "--cache-bytes", "0"))
        metrics = urllib.parse.urlsplit(entry(server, "metrics")["address"])
        assert metrics.path == "/metrics"
        channel = stack.enter_context(grpc.insecure_channel(entry(server, "listening")["address"]))
        entry(server, "serving")
        Log(server)
        prometheus = stack.enter_context(running_prometheus(tmp_path, metrics.netloc))
        until([1.0], lambda: prometheus.query('up{job="nutgraf"}'))
        until([1.0], lambda: prometheus.query("nutgraf_serving"))

        stub = SummarizerServiceStub(channel)
        for _ in range(3):
            stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
        with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
            stub.Summarize(pb.SummarizeRequest(), timeout=TIMEOUT)
        until([3.0], lambda: prometheus.query("nutgraf_articles_total"))
        until([3.0], lambda: prometheus.query('nutgraf_calls_total{method="Summarize", code="OK"}'))
        until([1.0], lambda: prometheus.query('nutgraf_refusals_total{reason="EMPTY_TEXT"}'))

        until([], prometheus.failing)
        until(
            [0.25], lambda: [round(one, 3) for one in prometheus.query('nutgraf:refused:share5m{reason="EMPTY_TEXT"}')]
        )
        chosen = {"$job": "nutgraf", "$instance": ".*", "$__rate_interval": "1m"}
        queries = [re.sub(r"\$\w+", lambda name: chosen[name[0]], query) for query in QUERIES]
        until([], lambda: [query for query in queries if not prometheus.query(query)])
        until(set(), prometheus.firing)

        server.terminate()
        assert server.wait(TIMEOUT) == 0
        until([0.0], lambda: prometheus.query('up{job="nutgraf"}'))
        until({"NutgrafDown"}, prometheus.firing)
