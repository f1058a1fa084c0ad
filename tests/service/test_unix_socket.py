"""`nutgraf serve` on a Unix domain socket."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nutgraf import AsyncClient, Client, Unavailable
from support.articles import ARTICLE
from support.process import entry, serve
from support.server import TIMEOUT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def serve_at(path: Path, *arguments: str):
    return serve("--model", "lead", "--host", f"unix:{path}", *arguments)


def test_clients_use_the_same_address_and_the_socket_is_removed_at_the_end(path):
    async def summarize() -> str:
        async with AsyncClient(server) as client:
            return (await client.summarize(ARTICLE)).short.text

    server = f"unix:{path}"
    with serve_at(path) as process:
        assert entry(process, "listening")["address"] == server
        entry(process, "serving")
        with Client(server) as client:
            assert client.summarize(ARTICLE).short.text
            assert [found.error for found in client.summarize_many([ARTICLE] * 3)] == [None] * 3
            assert client.check_health()
        assert asyncio.run(summarize())
        command = [sys.executable, "-m", "nutgraf", "health", "--server", server]
        assert subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT).stdout == b"serving\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
    assert not path.exists()


def test_the_log_does_not_warn_of_exposure(path):
    with serve_at(path) as process:
        entry(process, "serving")
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert "plain text" not in rest
        assert '"level": "warning"' not in rest


@pytest.mark.parametrize("form", ["unix://{}", "unix-abstract:nutgraf-test-{}"])
def test_other_forms_of_the_address(path, form):
    server = form.format(path if form.startswith("unix:") else os.getpid())
    with serve("--model", "lead", "--host", server) as process:
        assert entry(process, "listening")["address"] == server
        with Client(server) as client:
            assert client.server_info().model == "lead"


def test_the_socket_of_a_killed_server_is_replaced(path):
    with serve_at(path) as process:
        entry(process, "listening")
        process.kill()
        process.wait(TIMEOUT)
        assert path.is_socket()
    with Client(f"unix:{path}") as client, pytest.raises(Unavailable, match=f"no server answers at unix:{path}"):
        client.server_info()
    with serve_at(path) as process:
        entry(process, "listening")
        with Client(f"unix:{path}") as client:
            assert client.server_info().model == "lead"


def refusal(server: str) -> str:
    """The error of a server that cannot listen."""
    with serve("--model", "lead", "--host", server) as process:
        said = process.stderr.read().splitlines()
        assert process.wait(TIMEOUT) == 1
    assert said[-1].startswith(f"nutgraf: error: cannot listen on {server}: ")
    return said[-1]


def test_the_socket_of_a_running_server_is_not_replaced(path):
    with serve_at(path) as process:
        entry(process, "listening")
        assert "a server is listening on it" in refusal(f"unix:{path}")
        with Client(f"unix:{path}") as client:
            assert client.server_info().model == "lead"


def test_files_other_than_sockets_are_not_replaced(path):
    path.write_text("precious")
    assert "something else is there" in refusal(f"unix:{path}")
    assert path.read_text() == "precious"
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        assert "wrong type" in refusal(f"unix:{path}")
        assert path.is_socket()


def test_invalid_addresses_are_refused(tmp_path):
    assert "its folder is missing" in refusal(f"unix:{tmp_path}/none/s")
    assert "path too long" in refusal(f"unix:{tmp_path}/{'x' * 200}")
    assert "it names no socket" in refusal("unix:")


def test_ray_refuses_unix_sockets(path):
    from nutgraf_service.ray_serve import RayUnavailable, run
    from nutgraf_service.settings import Settings

    with pytest.raises(RayUnavailable):
        run(Settings(host=f"unix:{path}", model="lead"))
