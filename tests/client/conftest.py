from __future__ import annotations

from collections.abc import Iterator

import pytest

from client.stub_server import StubServer
from nutgraf import Client


@pytest.fixture(autouse=True)
def _no_server_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = ("grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy")
    for name in ("NUTGRAF_SERVER", "NUTGRAF_TOKEN", *proxies):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[StubServer]:
    server = StubServer().start()
    yield server
    server.stop()


@pytest.fixture
def client(server: StubServer) -> Iterator[Client]:
    with Client(server.address, timeout=30.0) as client:
        yield client


@pytest.fixture
def impatient(server: StubServer) -> Iterator[Client]:
    """A client that does not retry when the server is unavailable."""
    with Client(server.address, timeout=30.0, retry_seconds=0.0) as client:
        yield client
