"""Clients of real servers that are killed, drained and restarted under load.

What is asserted of every article in every way of calling: one answer, its own, and no error.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nutgraf import Client
from support.loads import WAYS, Load, article, running, summary
from support.names import running_names
from support.replicas import Replica
from support.waiting import wait_until

CALLS = 1_000
THREADS = 8
# Chi-squared with one degree of freedom exceeds this by chance once in a thousand times.
CRITICAL = 10.83
# Answers that show that calls continue: more than the maximum in flight, two streams with 16 each.
SOME = 40
SECONDS = 60.0


@pytest.fixture
def replicas() -> Iterator[tuple[Replica, Replica]]:
    """Two servers with the same port, like the pods of a service."""
    with Replica("127.0.0.1") as first, Replica("127.0.0.2", first.port) as second:
        yield first, second


def both(replicas: tuple[Replica, Replica]) -> str:
    return ",".join(replica.address for replica in replicas)


def go_on(loads: list[Load]) -> None:
    for load in loads:
        load.more(SOME)


def check_even(client: Client, replicas: tuple[Replica, Replica]) -> None:
    """Asserts that calls are spread evenly, by the metrics of the servers."""
    before = [replica.answered() for replica in replicas]
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda number: client.summarize(article("spread", number)), range(CALLS)))
    assert [result.summaries[0].text for result in found] == [summary("spread", number) for number in range(CALLS)]
    counts = [replica.answered() - count for replica, count in zip(replicas, before, strict=True)]
    assert sum(counts) == CALLS
    assert sum((count - CALLS / 2) ** 2 / (CALLS / 2) for count in counts) < CRITICAL


def call_until_called(client: Client, replica: Replica) -> None:
    """Calls until `replica` has answered one; every call must be answered."""

    def is_called() -> bool:
        for number in range(10):
            assert client.summarize(article("again", number)).summaries[0].text == summary("again", number)
        return bool(replica.answered())

    wait_until(is_called, seconds=SECONDS)


def test_calls_are_spread_evenly_over_a_list_of_addresses_and_over_those_of_a_name(
    replicas: tuple[Replica, Replica],
) -> None:
    with running_names(*(replica.host for replica in replicas)) as names:
        for server in (both(replicas), f"dns://127.0.0.1:{names.port}/summaries.test:{replicas[0].port}"):
            with Client(server) as client:
                check_even(client, replicas)


def test_a_restarted_server_gets_its_share_again(replicas: tuple[Replica, Replica]) -> None:
    first, second = replicas
    with Client(both(replicas)) as client:
        call_until_called(client, first)
        call_until_called(client, second)
        first.kill()
        for number in range(20):
            assert client.summarize(article("alone", number)).summaries[0].text == summary("alone", number)
        first.start()
        call_until_called(client, first)
        check_even(client, replicas)


def test_calls_are_spread_to_an_added_address_of_a_name() -> None:
    """When connections end, at the server's --max-connection-age."""
    with (
        Replica("127.0.0.1", None, "--max-connection-age", "1") as first,
        Replica("127.0.0.2", first.port) as second,
        running_names(first.host) as names,
        Client(f"dns://127.0.0.1:{names.port}/summaries.test:{first.port}") as client,
    ):
        client.summarize(article("name", 0))
        assert (first.answered(), second.answered()) == (1, 0)
        names.addresses.append(second.host)
        # gRPC resolves the name again when a connection ends, at most every 5 s.
        call_until_called(client, second)


def test_one_of_two_servers_is_killed_and_restarted(replicas: tuple[Replica, Replica], tmp_path: Path) -> None:
    first, second = replicas
    with running(both(replicas), tmp_path, WAYS) as loads:
        go_on(loads)
        first.kill()
        go_on(loads)
        first.start()
        go_on(loads)
        second.kill()
        go_on(loads)
    assert first.answered() > 0


def test_a_rolling_restart(replicas: tuple[Replica, Replica], tmp_path: Path) -> None:
    with running(both(replicas), tmp_path, WAYS) as loads:
        for replica in replicas:
            go_on(loads)
            replica.drain()
            go_on(loads)
            replica.start()
        go_on(loads)
    assert all(replica.answered() > 0 for replica in replicas)


def test_the_only_server_is_killed_and_restarted(tmp_path: Path) -> None:
    with Replica() as replica, running(replica.address, tmp_path, WAYS) as loads:
        for _ in range(2):
            go_on(loads)
            replica.kill()
            replica.start()
        go_on(loads)


def test_the_only_server_is_drained_and_restarted(tmp_path: Path) -> None:
    with Replica() as replica, running(replica.address, tmp_path, WAYS) as loads:
        go_on(loads)
        replica.drain()
        replica.start()
        go_on(loads)
