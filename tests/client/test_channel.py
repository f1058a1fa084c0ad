"""Addresses, credentials and the options of channels."""

from __future__ import annotations

import grpc
import pytest

from nutgraf import Client
from nutgraf._channel import _options, endpoint, parse_server
from nutgraf._errors import Unavailable
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
    ],
)
def test_what_is_no_address(written: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        parse_server(written)


def test_argument_environment_default(monkeypatch: pytest.MonkeyPatch) -> None:
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
        *[("10.0.0.1:1", False), ("ipv4:10.0.0.1:1,10.0.0.2:1", True)],
    ],
)
def test_a_proxy_is_not_asked_for_this_machine(target: str, direct: bool) -> None:
    assert (("grpc.enable_http_proxy", 0) in _options(target, {})) is direct


def test_an_outage_is_bridged_only_where_a_server_was() -> None:
    gone = Unavailable("gone")
    assert Outage(Link("s")).delay(gone, now=0.0) is None
    assert Outage(Link("s", reached=True)).delay(gone, now=0.0) is not None
    assert Outage(Link("s")).delay(Unavailable("loading", reason="LOADING"), now=0.0) is not None


def test_delays_grow_are_bounded_and_end() -> None:
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


def test_the_server_may_say_when_to_come_back() -> None:
    outage = Outage(Link("s", reached=True))
    assert outage.delay(Unavailable("x", reason="LOADING", retry_after=1.0), now=0.0) == 1.0
    assert outage.delay(Unavailable("x", reason="LOADING", retry_after=600.0), now=0.0) == 2.0
