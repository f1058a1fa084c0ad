"""A Ray cluster on this machine with Serve on it, and a replica whose engine a test holds and lets go."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import ray
from ray import serve

from nutgraf.v1 import summarizer_pb2_grpc
from nutgraf_models.summarizer import Summarizer
from nutgraf_service.ray_replica import Replica
from nutgraf_service.ray_serve import APP, deployment, start
from nutgraf_service.settings import Settings
from support.server import TIMEOUT, GatedEngine, summarizer_with

_POLL_SECONDS = 0.05


class GatedReplica(Replica):
    """Has a `GatedEngine`, which is open until it is shut."""

    def _load(self) -> Summarizer:
        self.engine = GatedEngine()
        self.engine.open()
        return summarizer_with(self.engine)

    async def shut(self) -> None:
        """As if just started: only the warm-up has passed."""
        self.engine.shut()
        del self.engine.submitted[1:], self.engine.cancelled[:]

    async def open(self) -> None:
        self.engine.open()

    async def allow(self, steps: int) -> None:
        self.engine.allow(steps)

    async def fail_next(self, error: Exception) -> None:
        self.engine.fail_next = error

    async def seen(self) -> dict[str, Any]:
        return {"submitted": self.engine.submitted, "cancelled": self.engine.cancelled, "pid": os.getpid()}


class RayHost:
    """The contract on Serve's proxy, at `address`."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"

    @contextlib.contextmanager
    def stub(self) -> Iterator[summarizer_pb2_grpc.SummarizerServiceStub]:
        with grpc.insecure_channel(self.address) as channel:
            yield summarizer_pb2_grpc.SummarizerServiceStub(channel)

    def deploy(self, replica: type[Replica] = GatedReplica, *, model: str = "lead", **options: object) -> None:
        """Puts this in the place of what was there before, and waits until it serves."""
        settings = Settings(model=model, drain_grace=5.0)
        serve.run(deployment(settings, replica).options(**options).bind(settings), name=APP)

    def ask(self, method: str, *arguments: object) -> Any:
        """Calls a method of a replica that is no RPC."""
        handle = serve.get_app_handle(APP).options(method_name=method)
        return handle.remote(*arguments).result(timeout_s=TIMEOUT)

    @contextlib.contextmanager
    def gated(self) -> Iterator["RemoteEngine"]:
        """With the only replica's engine shut."""
        self.ask("shut")
        try:
            yield RemoteEngine(self)
        finally:
            self.ask("open")


class RemoteEngine:
    """What tests do with a `GatedEngine`, done in another process."""

    def __init__(self, host: RayHost) -> None:
        self._host = host

    @property
    def submitted(self) -> list[str]:
        return self._host.ask("seen")["submitted"]

    def allow(self, steps: int = 1) -> None:
        self._host.ask("allow", steps)

    def wait_until(self, condition: Callable[[Any], bool]) -> None:
        wait_until(lambda: condition(SimpleNamespace(**self._host.ask("seen"))))


def wait_until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def running_ray() -> Iterator[RayHost]:
    """A cluster for this block, with Serve and nothing deployed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        num_cpus=2,
        object_store_memory=100 << 20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        _node_ip_address="127.0.0.1",
    )
    try:
        yield RayHost(start(Settings(port=0)))
    finally:
        serve.shutdown()
        ray.shutdown()
