"""Server processes on fixed ports, to be killed, drained and restarted."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from client.stub_server import SERVICE, SERVING, free_port
from support.process import children

_SECONDS = 60.0


class Replica:
    """`nutgraf serve`, by default with the lead model.

    Its log goes to `log` or is discarded: an unread pipe would block it when full.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int | None = None, *arguments: str, log: Path | None = None
    ) -> None:
        self.host = host
        self.port = port or free_port()
        self.address = f"{host}:{self.port}"
        self.metrics_port = free_port()
        self._arguments = arguments
        self._log = log or Path(os.devnull)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; returns when it is SERVING."""
        command = [sys.executable, "-m", "nutgraf", "serve", "--model", "lead", "--host", self.host]
        command += ["--port", str(self.port), "--metrics-port", str(self.metrics_port)]
        # Capacity for the calls of the other replicas.
        command += ["--max-queued-requests", "1000", *self._arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NUTGRAF_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, env=environment)
        with grpc.insecure_channel(self.address) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(service=SERVICE), wait_for_ready=True, timeout=_SECONDS
            )
            assert any(response.status == SERVING for response in watch)
            watch.cancel()

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_SECONDS)

    def drain(self) -> None:
        """Sends SIGTERM; returns when the process has ended by itself."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(_SECONDS) == 0

    @property
    def resident_bytes(self) -> int:
        """Resident memory in bytes, including the engine's process. Needs /proc."""
        assert self._process is not None
        pids = [self._process.pid, *children(self._process.pid)]
        lines = "".join(Path(f"/proc/{pid}/status").read_text(encoding="utf-8") for pid in pids).splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024

    def answered(self, method: str = "Summarize") -> int:
        """The number of successful calls of `method` since the start."""
        return int(self.metric("nutgraf_calls_total", method=method, code="OK"))

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric with these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=_SECONDS) as response:
            text = response.read().decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        )

    def __enter__(self) -> "Replica":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
