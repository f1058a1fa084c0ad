"""A local Ray cluster with Serve, and a replica whose engine a test can hold."""

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import ray
from ray import serve

from nutgraf.v1 import summarizer_pb2_grpc
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_service.calls import request_id_of
from nutgraf_service.ray_proxy import REMAINING
from nutgraf_service.ray_replica import Replica
from nutgraf_service.ray_serve import APP, deployment, start
from nutgraf_service.settings import Settings
from support.server import TIMEOUT, GatedEngine, summarizer_with
from support.waiting import wait_until

_POLL_SECONDS = 0.05


class GatedReplica(Replica):
    """A replica with a `GatedEngine`, which is initially open."""

    def _load(self) -> Summarizer:
        self.engine = GatedEngine()
        self.engine.open()
        self.caller: dict[str, str] = {}
        return summarizer_with(self.engine)

    async def shut(self) -> None:
        """Resets the engine to its state after the warm-up."""
        self.engine.shut()
        del self.engine.submitted[1:], self.engine.cancelled[:]

    async def open(self) -> None:
        self.engine.open()

    async def allow(self, steps: int) -> None:
        self.engine.allow(steps)

    async def fail_next(self, error: Exception) -> None:
        self.engine.fail_next = error

    async def seen(self) -> dict[str, Any]:
        return {"submitted": self.engine.submitted, "cancelled": self.engine.cancelled, **self.caller}

    async def Summarize(self, request: Any, grpc_context: Any) -> Any:
        remaining = dict(grpc_context.invocation_metadata())[REMAINING]
        self.caller = {"remaining": remaining, "request_id": request_id_of(grpc_context)}
        return await super().Summarize(request, grpc_context)


class HeldReplica(Replica):
    """Records calls by process in a folder, and holds every article until the folder contains a file "open".

    Its engine's steps block while the folder contains a file "hang".
    """

    async def __init__(self, settings: Settings, folder: Path) -> None:  # type: ignore[misc]
        self._folder = folder
        await super().__init__(settings)

    def _load(self) -> Summarizer:
        return summarizer_with(_HeldEngine(self._folder))

    async def Summarize(self, request: Any, grpc_context: Any) -> Any:
        self._note("Summarize")
        return await super().Summarize(request, grpc_context)

    async def SummarizeMany(self, requests: Any, grpc_context: Any) -> Any:
        self._note("SummarizeMany")
        async for answer in super().SummarizeMany(requests, grpc_context):
            yield answer

    def _note(self, method: str) -> None:
        (self._folder / f"{method}-{os.getpid()}-{uuid.uuid4().hex}").touch()


class KillableReplica(Replica):
    """A replica whose engine's process can be killed."""

    async def kill_engine(self) -> None:
        self._core.summarizer.engine.kill()


class _HeldEngine(LeadEngine):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._is_warm = False

    def step(self) -> Any:
        while (self._folder / "hang").exists():
            time.sleep(0.02)
        if self._is_warm and not (self._folder / "open").exists():
            time.sleep(0.02)
            return []
        self._is_warm = True
        return super().step()


class RayHost:
    """A host of the contract: Serve's proxy at `address`."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self._is_gated = False

    @contextlib.contextmanager
    def stub(self) -> Iterator[summarizer_pb2_grpc.SummarizerServiceStub]:
        with grpc.insecure_channel(self.address) as channel:
            yield summarizer_pb2_grpc.SummarizerServiceStub(channel)

    def deploy(
        self, replica: type[Replica], *arguments: object, settings: Settings | None = None, **options: object
    ) -> None:
        """Replaces the current deployment, and waits until the new one serves."""
        settings = settings or Settings(model="lead", drain_grace=30.0, cache_bytes=0)
        # By default, Serve checks every 10 s whether replicas died, and every 2 s whether stopping ones have ended.
        soon = {"health_check_period_s": 0.5, "graceful_shutdown_wait_loop_s": 0.1}
        one = deployment(settings, replica).options(**{**soon, **options})
        serve.run(one.bind(settings, *arguments), name=APP)
        self._is_gated = replica is GatedReplica

    def deploy_gated(self) -> None:
        """Deploys one `GatedReplica`, unless it is deployed already."""
        if not self._is_gated:
            self.deploy(GatedReplica, autoscaling_config=None, num_replicas=1)

    @property
    def cluster(self) -> str:
        """The address of Ray, for other processes on this machine."""
        return ray.get_runtime_context().gcs_address

    def remove(self) -> None:
        """Removes the deployment, and waits until it is gone."""
        self._is_gated = False
        serve.delete(APP)

    @property
    def replicas(self) -> int:
        """The number of running replicas."""
        return serve.status().applications[APP].deployments["summarizer"].replica_states.get("RUNNING", 0)

    def ask(self, method: str, *arguments: object) -> Any:
        """Calls a method of a replica that is not an RPC."""
        handle = serve.get_app_handle(APP).options(method_name=method)
        return handle.remote(*arguments).result(timeout_s=TIMEOUT)

    @contextlib.contextmanager
    def gated(self) -> Iterator["RemoteEngine"]:
        """Shuts the gate of the only replica's engine for this block."""
        self.ask("shut")
        try:
            yield RemoteEngine(self)
        finally:
            self.ask("open")


class RemoteEngine:
    """Controls a `GatedEngine` in another process."""

    def __init__(self, host: RayHost) -> None:
        self._host = host

    @property
    def submitted(self) -> list[str]:
        return self._host.ask("seen")["submitted"]

    def allow(self, steps: int = 1) -> None:
        self._host.ask("allow", steps)

    def wait_until(self, condition: Callable[[Any], bool]) -> None:
        wait_until(lambda: condition(SimpleNamespace(**self._host.ask("seen"))), pause=_POLL_SECONDS)


@contextlib.contextmanager
def running_ray() -> Iterator[RayHost]:
    """A cluster with Serve and no deployment, for this block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Deployments from here are imported by other processes.
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    ray.init(
        num_cpus=2,
        object_store_memory=100 << 20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
    )
    try:
        yield RayHost(start(Settings(port=0)))
    finally:
        serve.shutdown()
        ray.shutdown()
