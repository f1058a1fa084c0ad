"""The two hosts of the service. Tests of the contract run on both."""

import importlib.util
import os
from collections.abc import Iterator

import pytest

from nutgraf_service.settings import Settings
from support.server import GatedEngine, running_server, summarizer_with

HOSTS = ["grpc.aio", pytest.param("ray", marks=pytest.mark.ray)]


@pytest.fixture(scope="session")
def ray_host() -> Iterator[object]:
    """A cluster with Serve and no deployment."""
    if importlib.util.find_spec("ray") is None:
        # `make test-ray` requires Ray, so it must not skip.
        assert "NUTGRAF_TEST_RAY" not in os.environ, "Ray is not installed"
        pytest.skip("Ray is not installed; `make test-ray` installs it")
    from support.ray_host import running_ray

    with running_ray() as host:
        yield host


@pytest.fixture(scope="module", params=HOSTS)
def server(request) -> Iterator[object]:
    """The service with the lead model."""
    if request.param == "ray":
        host = request.getfixturevalue("ray_host")
        host.deploy_gated()
        yield host
    else:
        with running_server(cache_bytes=Settings.model_fields["cache_bytes"].default) as running:
            yield running


@pytest.fixture(params=HOSTS)
def gated(request) -> Iterator[tuple[object, object]]:
    """The service, and its engine, whose steps wait for `allow`."""
    if request.param == "ray":
        host = request.getfixturevalue("ray_host")
        host.deploy_gated()
        with host.gated() as engine:
            yield host, engine
    else:
        engine = GatedEngine()
        with running_server(lambda: summarizer_with(engine)) as running:
            yield running, engine
