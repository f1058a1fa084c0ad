"""Tokens and TLS over a real channel."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from nutgraf import AsyncClient, Client, Unauthenticated, Unavailable
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_service.security import BearerTokens, SecurityError, credentials, exposure_warning
from nutgraf_service.settings import Settings
from support.articles import ARTICLE
from support.process import serve
from support.server import TIMEOUT, Running, running_server


@pytest.fixture
def token_file(tmp_path) -> Path:
    file = tmp_path / "tokens"
    file.write_text("# for the feed\nfirst-token\n\n  second-token  \n")
    return file


@pytest.fixture
def guarded(token_file) -> Iterator[Running]:
    with running_server(token_file=token_file) as running:
        yield running


@pytest.mark.parametrize("token", ["first-token", "second-token"])
def test_a_call_with_a_token_is_answered(guarded, token):
    with Client(guarded.address, token=token) as client:
        assert client.summarize(ARTICLE).short.text


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "Bearer wrong"),),
        (("authorization", "first-token"),),
        (("authorization", "Basic first-token"),),
        (("authorization", "Bearer "),),
        (("authorization", "Bearer # for the feed"),),
    ],
)
def test_a_call_without_a_valid_token_is_refused_with_its_reason(guarded, metadata):
    with grpc.insecure_channel(guarded.address) as channel:
        stub = SummarizerServiceStub(channel)
        for call in (
            lambda: stub.Summarize(pb.SummarizeRequest(text=ARTICLE), metadata=metadata, timeout=TIMEOUT),
            lambda: list(stub.SummarizeMany(iter(()), metadata=metadata, timeout=TIMEOUT)),
            lambda: stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=metadata, timeout=TIMEOUT),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                call()
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "authorization: Bearer" in caught.value.details()
            assert b"UNAUTHENTICATED" in rpc_status.from_call(caught.value).details[0].value
            assert dict(caught.value.initial_metadata())["x-request-id"]


def test_the_client_raises_unauthenticated(guarded):
    with Client(guarded.address) as client, pytest.raises(Unauthenticated):
        client.summarize(ARTICLE)


async def test_the_async_client_raises_unauthenticated(guarded):
    async with AsyncClient(guarded.address, token="wrong") as client:
        with pytest.raises(Unauthenticated):
            await client.summarize(ARTICLE)


def health(address: str) -> int:
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT).status


def reflect(address: str) -> int:
    with grpc.insecure_channel(address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        return len(list(stub.ServerReflectionInfo(iter([request]), timeout=TIMEOUT)))


def test_by_default_health_needs_no_token_and_reflection_does(guarded, token_file):
    assert health(guarded.address) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
        reflect(guarded.address)
    with running_server(token_file=token_file, open_health=False, open_reflection=True) as running:
        assert reflect(running.address) == 1
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            health(running.address)


@pytest.mark.parametrize("way", ["plain text", "TLS", "socket"])
async def test_clients_send_the_token_with_grpcs_health_checks(way, token_file, pki, tmp_path):
    tls = {"tls_certificate": pki.certificate, "tls_key": pki.key} if way == "TLS" else {}
    host = f"unix:{tmp_path}/socket" if way == "socket" else "127.0.0.1"
    with running_server(token_file=token_file, open_health=False, host=host, **tls) as running:
        address = host if way == "socket" else running.address
        credentials = pki.client() if way == "TLS" else False
        with Client(address, token="first-token", tls=credentials, retry_seconds=0) as client:
            assert client.check_health()
            assert client.server_info().model == "lead"
            assert client.summarize(ARTICLE).short.text
            assert [one.unwrap().short.text for one in client.summarize_many([ARTICLE])]
        async with AsyncClient(address, token="first-token", tls=credentials, retry_seconds=0) as client:
            assert await client.check_health()
            assert (await client.summarize(ARTICLE)).short.text
            assert [one.unwrap().short.text async for one in client.summarize_many([ARTICLE])]
        for token in (None, "wrong"):
            with (
                Client(address, token=token, tls=credentials, retry_seconds=0) as client,
                pytest.raises(Unauthenticated),
            ):
                client.summarize(ARTICLE)


def test_the_client_explains_that_grpcs_health_checks_cannot_send_a_token(token_file, monkeypatch):
    """gRPC refuses this in plain text to another machine, which the test simulates."""
    monkeypatch.setattr("nutgraf._channel._local_type", lambda target: None)
    with running_server(token_file=token_file, open_health=False) as running:
        with Client(running.address, token="first-token", retry_seconds=0) as client:
            assert client.check_health()
            with pytest.raises(Unavailable, match=r"does not answer health checks.*--open-health"):
                client.summarize(ARTICLE)
        with Client(running.address, retry_seconds=0) as client, pytest.raises(Unauthenticated):
            client.summarize(ARTICLE)


def test_a_changed_token_file_is_read_again_and_an_invalid_one_ignored(token_file):
    tokens = BearerTokens(token_file)
    assert tokens.is_valid("Bearer first-token")
    token_file.write_text("third-token-of-another-length\n")
    assert not tokens.is_valid("Bearer first-token")
    assert tokens.is_valid("bearer third-token-of-another-length")
    token_file.write_text("# none\n")
    assert tokens.is_valid("Bearer third-token-of-another-length")
    token_file.unlink()
    assert tokens.is_valid("Bearer third-token-of-another-length")


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot read tokens"), (b"#\n", "no token"), (b"\xff", "UTF-8")]
)
def test_a_file_without_tokens_is_refused(tmp_path, content, complaint):
    if content is not None:
        (tmp_path / "tokens").write_bytes(content)
    with pytest.raises(SecurityError, match=complaint):
        BearerTokens(tmp_path / "tokens")


class Pki:
    """A certificate authority, and the files of a certificate for 127.0.0.1 and of a client's."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca, self.certificate, self.key = (folder / name for name in ("ca.pem", "server.pem", "server.key"))
        authority.cert_pem.write_to_path(self.ca)
        self._authority = authority
        self.renew()
        client = authority.issue_cert("client@nutgraf.test")
        self.client_key = client.private_key_pem.bytes()
        self.client_chain = client.cert_chain_pems[0].bytes()

    def renew(self, authority: trustme.CA | None = None) -> None:
        server = (authority or self._authority).issue_cert("127.0.0.1")
        server.private_key_pem.write_to_path(self.key)
        self.certificate.write_bytes(b"".join(one.bytes() for one in server.cert_chain_pems))

    def client(self, *, with_certificate: bool = False) -> grpc.ChannelCredentials:
        chain = (self.client_key, self.client_chain) if with_certificate else (None, None)
        return grpc.ssl_channel_credentials(self.ca.read_bytes(), *chain)


@pytest.fixture(scope="module")
def pki(tmp_path_factory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


def info(address: str, tls: grpc.ChannelCredentials) -> str:
    with grpc.secure_channel(address, tls) as channel:
        return SummarizerServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT).model


def test_a_tls_port_answers_only_tls(pki):
    with running_server(tls_certificate=pki.certificate, tls_key=pki.key) as running:
        assert info(running.address, pki.client()) == "lead"
        with Client(running.address, tls=pki.client()) as client:
            assert client.summarize(ARTICLE).short.text
        with grpc.insecure_channel(running.address) as channel, pytest.raises(grpc.RpcError) as caught:
            SummarizerServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_mutual_tls_accepts_only_certificates_of_the_authority(pki):
    with running_server(tls_certificate=pki.certificate, tls_key=pki.key, tls_client_ca=pki.ca) as running:
        assert info(running.address, pki.client(with_certificate=True)) == "lead"
        with pytest.raises(grpc.RpcError) as caught:
            info(running.address, pki.client())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_renewed_certificate_is_used_for_the_next_connection(tmp_path):
    pki = Pki(tmp_path)
    with running_server(tls_certificate=pki.certificate, tls_key=pki.key) as running:
        assert info(running.address, pki.client()) == "lead"
        stranger = trustme.CA()
        pki.renew(stranger)
        with pytest.raises(grpc.RpcError):
            info(running.address, pki.client())
        trusting = grpc.ssl_channel_credentials(stranger.cert_pem.bytes())
        assert info(running.address, trusting) == "lead"


def test_invalid_renewed_certificates_are_logged_once_not_per_connection(tmp_path, capfd):
    pki = Pki(tmp_path)
    with running_server(tls_certificate=pki.certificate, tls_key=pki.key) as running:
        key = pki.key.read_bytes()
        for content in (b"spoilt", b"spoilt again", key):
            pki.key.write_bytes(content)
            for _ in range(5):
                assert info(running.address, pki.client()) == "lead"
            assert "".join(capfd.readouterr()).count("cannot reload certificates") == (content != key)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"tls_certificate": "server.pem"}, "requires both"),
        ({"tls_client_ca": "ca.pem"}, "requires both"),
        ({"tls_certificate": "missing.pem", "tls_key": "server.key"}, "missing.pem"),
    ],
)
def test_incomplete_tls_settings_are_refused(pki, settings, complaint):
    paths = {name: pki.ca.parent / file for name, file in settings.items()}
    with pytest.raises(SecurityError, match=complaint):
        credentials(Settings(**paths))


@pytest.mark.parametrize(
    ("host", "settings", "words"),
    [
        ("127.0.0.1", {}, ()),
        ("::1", {}, ()),
        ("localhost", {}, ()),
        ("unix:/run/nutgraf.sock", {}, ()),
        ("0.0.0.0", {}, ("plain text", "may call")),
        ("0.0.0.0", {"token_file": "t"}, ("plain text",)),
        ("nutgraf.example", {"tls_certificate": "c", "tls_key": "k"}, ("may call",)),
        ("::", {"tls_certificate": "c", "tls_key": "k", "tls_client_ca": "a"}, ()),
    ],
)
def test_an_exposed_server_without_tls_or_tokens_warns(host, settings, words):
    warning = exposure_warning(Settings(host=host, **settings)) or ""
    assert bool(warning) is bool(words)
    assert all(word in warning for word in words)


def test_a_missing_token_file_ends_the_process_with_one_line(tmp_path):
    with serve("--model", "lead", "--token-file", str(tmp_path / "none")) as process:
        assert process.wait(TIMEOUT) == 1
        assert "cannot read tokens" in process.stderr.read()
