"""Addresses, credentials and channel options."""

from __future__ import annotations

import grpc
import pytest

from nutgraf import AsyncClient, Client
from nutgraf._address import parse_server, proxy
from nutgraf._channel import _options, endpoint
from nutgraf._errors import Overloaded, Unavailable
from nutgraf._outage import Link, Outage


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("localhost", "localhost:50051"),
        ("localhost:50051", "localhost:50051"),
        (" summaries.internal:80 ", "summaries.internal:80"),
        ("10.0.0.1", "10.0.0.1:50051"),
        ("[::1]", "[::1]:50051"),
        ("[::1]:80", "[::1]:80"),
        ("::1", "[::1]:50051"),
        ("fe80::1%eth0", "[fe80::1%eth0]:50051"),
        ("dns:///summaries", "dns:///summaries:50051"),
        ("dns:///summaries:80", "dns:///summaries:80"),
        ("dns:summaries:80", "dns:summaries:80"),
        ("dns://8.8.8.8/summaries:80", "dns://8.8.8.8/summaries:80"),
        ("unix:/run/nutgraf.sock", "unix:/run/nutgraf.sock"),
        ("ipv4:10.0.0.1:80,10.0.0.2:80", "ipv4:10.0.0.1:80,10.0.0.2:80"),
        ("10.0.0.1:80,10.0.0.2:81", "ipv4:10.0.0.1:80,10.0.0.2:81"),
        (" 10.0.0.1, 10.0.0.2 ", "ipv4:10.0.0.1:50051,10.0.0.2:50051"),
        ("[::1]:80,::1", "ipv6:[::1]:80,[::1]:50051"),
    ],
)
def test_addresses(written: str, target: str) -> None:
    assert parse_server(written) == target


@pytest.mark.parametrize(
    "written",
    [
        *["", " ", ":50051", "host:", "host:x", "host:0", "host:65536", "a b", "http://host:1", "host/path", "[x"],
        *["10.0.0.1,", "10.0.0.1:0,10.0.0.2", "10.0.0.1,host", "host,host", "10.0.0.1,::1", "dns:///host,10.0.0.1"],
        *["unix:", "ipv4:", "h\udcff", "unix:/run/\udcff", "h\x00", "h\ni"],
    ],
)
def test_invalid_addresses(written: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        parse_server(written)


def test_the_address_comes_from_the_argument_the_environment_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Client().server == "localhost:50051"
    monkeypatch.setenv("NUTGRAF_SERVER", "")
    assert Client().server == "localhost:50051"
    monkeypatch.setenv("NUTGRAF_SERVER", "elsewhere:1")
    assert Client().server == "elsewhere:1"
    assert Client("here").server == "here:50051"
    with pytest.raises(ValueError, match="host:port"):
        Client("")


def test_tls() -> None:
    assert endpoint("h").credentials is None
    assert isinstance(endpoint("h", tls=True).credentials, grpc.ChannelCredentials)
    own = grpc.ssl_channel_credentials()
    assert endpoint("h", tls=own).credentials is own
    assert endpoint("10.0.0.1", tls=own).credentials is own
    with pytest.raises(ValueError, match="name"):
        endpoint("10.0.0.1,10.0.0.2", tls=own)


@pytest.mark.parametrize(
    ("target", "direct"),
    [
        *[("localhost:1", True), ("127.0.0.1:1", True), ("dns:///[::1]:1", True), ("host:1", False)],
        *[("10.0.0.1:1", False), ("ipv4:10.0.0.1:1,10.0.0.2:1", True), ("ipv4:127.0.0.1:1", True)],
    ],
)
def test_no_proxy_for_this_machine_or_lists_of_addresses(target: str, direct: bool) -> None:
    assert (("grpc.enable_http_proxy", 0) in _options(target, {})) is direct


@pytest.mark.parametrize(
    ("variables", "target", "through"),
    [
        ({"http_proxy": "http://p:3128"}, "host:1", "the proxy at p:3128 (from $http_proxy)"),
        ({"http_proxy": "http://p:1", "https_proxy": "http://q:2/"}, "host:1", "q:2 (from $https_proxy)"),
        ({"https_proxy": "http://q:2", "grpc_proxy": "http://r:3"}, "dns:///host:1", "r:3 (from $grpc_proxy)"),
        ({"http_proxy": "http://user:secret@p:3128"}, "10.0.0.1:1", "at p:3128 "),
        ({"http_proxy": "http://p", "no_proxy": "other, "}, "host:1", "at p "),
        ({"http_proxy": "http://p", "no_proxy": "internal", "no_grpc_proxy": ""}, "host.internal:1", "at p "),
        ({"http_proxy": "http://p", "no_proxy": "x,.INTERNAL"}, "host.internal:1", None),
        ({"http_proxy": "http://p", "no_proxy": "host"}, "dns:host:1", None),
        ({"http_proxy": "http://p", "no_proxy": "10.0.0.0/8"}, "10.1.2.3:1", None),
        ({"http_proxy": "http://p", "no_proxy": "10.0.0.0/8"}, "11.1.2.3:1", "at p "),
        ({"http_proxy": "http://p", "grpc_proxy": ""}, "host:1", None),
        ({"http_proxy": "socks5://p"}, "host:1", None),
        ({"HTTP_PROXY": "http://p"}, "host:1", None),
        ({"http_proxy": "http://p"}, "localhost:1", None),
        ({"http_proxy": "http://p"}, "unix:/run/s", None),
        ({}, "host:1", None),
    ],
)
def test_the_proxy_that_grpc_uses(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], target: str, through: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy(target)
    assert found is None if through is None else through in (found or "")
    assert "secret" not in (found or "")


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_warning_for_a_token_in_plain_text_over_a_network(client: type) -> None:
    with pytest.warns(UserWarning, match=r"summaries.example:50051 in plain text") as caught:
        client("summaries.example", token="secret")
    assert "secret" not in str(caught[0].message)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="plain text"):
        client("10.0.0.1,10.0.0.2", token="secret")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "server", ["localhost", "127.0.0.2:1", "::1", "dns:///localhost", "127.0.0.1,127.0.0.2", "unix:/run/s", "unix:s"]
)
def test_no_warning_for_a_token_on_this_machine_or_over_tls(server: str) -> None:
    Client(server, token="secret")
    Client("summaries.example", token="secret", tls=True)
    Client("summaries.example")


def test_an_outage_is_retried_for_long_only_if_a_server_was_reached() -> None:
    gone = Unavailable("gone")
    for link, is_retried in ((Link("s"), False), (Link("s", reached=True), True)):
        outage = Outage(link)
        assert outage.delay(gone, now=0.0) is not None
        assert (outage.delay(gone, now=5.0) is not None) is is_retried
    for answer in (Unavailable("loading", reason="LOADING"), Overloaded("slow down")):
        outage = Outage(Link("s"))
        outage.delay(answer, now=0.0)
        assert outage.delay(gone, now=5.0) is not None


@pytest.mark.parametrize("link", [Link("s", retry_seconds=0), Link("s", retry_seconds=0, reached=True)])
def test_retry_seconds_of_0_mean_one_attempt(link: Link) -> None:
    assert Outage(link).delay(Unavailable("gone"), now=0.0) is None


@pytest.mark.parametrize("seconds", [-1, float("nan")])
@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_invalid_retry_seconds(client: type, seconds: float) -> None:
    with pytest.raises(ValueError, match="retry_seconds"):
        client("h", retry_seconds=seconds)


def test_delays_grow_up_to_a_maximum_and_end() -> None:
    outage = Outage(Link("s", retry_seconds=30.0, reached=True))
    now, delays = 100.0, []
    while (delay := outage.delay(Unavailable("gone"), now=now)) is not None:
        delays.append(delay)
        now += delay
    assert 0.08 <= delays[0] <= 0.12
    assert max(delays) <= 2.4
    assert 25 < now - 100 < 30
    outage.over()
    assert outage.delay(Unavailable("gone"), now=now) is not None
    assert outage.delay(Unavailable("gone"), now=now, left=0.01) is None


def test_the_servers_retry_delay_is_used() -> None:
    outage = Outage(Link("s", reached=True))
    assert outage.delay(Unavailable("x", reason="LOADING", retry_after=1.0), now=0.0) == 1.0
    assert outage.delay(Unavailable("x", reason="LOADING", retry_after=20.0), now=1.0) == 20.0
    assert outage.delay(Unavailable("x", reason="LOADING", retry_after=20.0), now=1.0, left=10.0) is None
    assert outage.delay(Unavailable("x", reason="LOADING", retry_after=600.0), now=1.0) is None
