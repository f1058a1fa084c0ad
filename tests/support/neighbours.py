"""Third-party programs: proxies with the configs in service/deploy, certificates, and skipping without them.

Tests are skipped if their program is missing, but fail if REQUIRE_NEIGHBOURS is set, as in `.ci/run`.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
import trustme

from client.stub_server import free_port

DEPLOY = Path(__file__).parents[2] / "service/deploy"
_SECONDS = 60.0


def need(found: object, packages: str) -> None:
    """Skips the test if nothing was found, or fails it if neighbours are required."""
    if not found:
        (pytest.fail if os.environ.get("REQUIRE_NEIGHBOURS") else pytest.skip)(f"needs {packages}")


@dataclass(frozen=True)
class Certificates:
    """The files of a certificate authority and of its certificate for localhost."""

    folder: Path
    ca: Path = field(init=False)
    certificate: Path = field(init=False)
    key: Path = field(init=False)

    def __post_init__(self) -> None:
        authority = trustme.CA()
        server = authority.issue_cert("localhost")
        for name, pem in (
            ("ca", authority.cert_pem),
            ("certificate", server.cert_chain_pems[0]),
            ("key", server.private_key_pem),
        ):
            object.__setattr__(self, name, self.folder / f"{name}.pem")
            pem.write_to_path(getattr(self, name))

    def trust(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.ca.read_bytes())


@dataclass(frozen=True)
class Upstream:
    """A server's address and the port of its metrics."""

    address: str
    metrics_port: int


@dataclass(frozen=True)
class Proxy:
    """A proxy with TLS on a local port, in front of one or two servers."""

    address: str
    certificates: Certificates
    process: "subprocess.Popen[str]"

    @contextlib.contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        with grpc.secure_channel(self.address, self.certificates.trust()) as channel:
            yield channel

    def says(self, words: str) -> None:
        """Waits until a line with these words appears on the proxy's standard error."""
        assert self.process.stderr is not None
        assert any(words in line for line in self.process.stderr), f"it ended without {words!r}"


def program(name: str) -> str:
    """The path of a program; on Debian, /usr/sbin is only on the administrator's path."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    need(found, f"{name}: apt-get install {name}")
    return str(found)


@contextlib.contextmanager
def running_nginx(folder: Path, first: Upstream, second: Upstream) -> Iterator[Proxy]:
    nginx = program("nginx")
    certificates, port = Certificates(folder), free_port()
    config = _changed(
        DEPLOY / "nginx/nutgraf.conf",
        {
            "listen 443 ": f"listen 127.0.0.1:{port} ",
            "/etc/nginx/tls/summaries.example.pem": str(certificates.certificate),
            "/etc/nginx/tls/summaries.example.key": str(certificates.key),
            "10.0.0.1:50051": first.address,
            "10.0.0.2:50051": second.address,
        },
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    )
    (folder / "nginx.conf").write_text(
        # Two worker processes, because they must share their state about the servers.
        f"daemon off; pid {folder}/pid; user {pwd.getpwuid(os.getuid()).pw_name}; worker_processes 2;\n"
        f"events {{ worker_connections 1024; }}\nhttp {{ access_log off;\n{temporary}{config} }}\n",
        encoding="utf-8",
    )
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with _running(command, port, certificates) as proxy:
        yield proxy


@contextlib.contextmanager
def running_haproxy(folder: Path, first: Upstream, second: Upstream) -> Iterator[Proxy]:
    haproxy = program("haproxy")
    certificates, port = Certificates(folder), free_port()
    both = folder / "both.pem"
    both.write_bytes(certificates.certificate.read_bytes() + certificates.key.read_bytes())
    config = _changed(
        DEPLOY / "haproxy/haproxy.cfg",
        {
            "bind :443 ": f"bind 127.0.0.1:{port} ",
            "/etc/haproxy/summaries.example.pem": str(both),
            "10.0.0.1:50051": f"{first.address} port {first.metrics_port}",
            "10.0.0.2:50051": f"{second.address} port {second.metrics_port}",
        },
    )
    (folder / "haproxy.cfg").write_text(config, encoding="utf-8")
    with _running([haproxy, "-db", "-f", str(folder / "haproxy.cfg")], port, certificates) as proxy:
        yield proxy


def _changed(file: Path, changes: dict[str, str]) -> str:
    text = file.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def _running(command: list[str], port: int, certificates: Certificates) -> Iterator[Proxy]:
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    proxy = Proxy(f"localhost:{port}", certificates, process)
    try:
        with proxy.channel() as channel:
            grpc.channel_ready_future(channel).result(_SECONDS)
        yield proxy
    finally:
        process.terminate()
        process.communicate(timeout=_SECONDS)
