"""Nodes that know nothing of each other, as they come up in an empty namespace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cache.connection import connect
from cache.operator import forming
from cache.operator.forming import Node, NotFormed, form
from cache.operator.seen_nodes import read_nodes
from tests.cache.cluster.nodes import HOST, NODE_TIMEOUT_MS, Server, free_ports

pytestmark = pytest.mark.redis

PASSWORD = "secret"


def settings(bus_port: int) -> list[str]:
    return [
        "cluster-enabled yes",
        f"cluster-port {bus_port}",
        f"cluster-node-timeout {10 * NODE_TIMEOUT_MS}",
        "cluster-require-full-coverage no",
    ]


@contextmanager
def running(folder: Path, count: int) -> Iterator[list[Server]]:
    ports = free_ports(2 * count)
    started: list[Server] = []
    try:
        for at in range(count):
            lines = settings(ports[count + at])
            started.append(Server(folder / f"node-{at}", ports[at], *lines))
        yield started
    finally:
        for server in started:
            server.kill()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Two masters and a replica each; a test may move them, not more."""
    with running(tmp_path_factory.mktemp("formed"), 4) as servers:
        form(nodes_of(servers), replicas=1)
        yield servers


def nodes_of(servers: list[Server]) -> list[Node]:
    return [Node(HOST, server.port) for server in servers]


def masters(node: Node) -> set[str]:
    return {seen.name for seen in node.seen() if seen.slots}


async def test_nodes_become_a_cluster_that_serves(servers: list[Server]) -> None:
    nodes = nodes_of(servers)
    followed = {seen.master for seen in nodes[0].seen() if seen.master}
    assert masters(nodes[0]) == {nodes[0].own().name, nodes[1].own().name} == followed
    hosts = ",".join(f"{HOST}:{server.port}" for server in servers)
    client = connect(f"redis+cluster://{hosts}")
    await client.set("us:p:{a}", b"1")
    assert await client.get("us:p:{a}") == b"1"
    await client.aclose()


def test_forming_again_changes_nothing(servers: list[Server]) -> None:
    nodes = nodes_of(servers)
    before = [node.own() for node in nodes]
    form(nodes, replicas=1)
    assert [node.own() for node in nodes] == before


def test_nodes_that_moved_meet_again(servers: list[Server]) -> None:
    """All at once, each to another address: nobody knows where anybody is."""
    before = {node.own().name: node.own().slots for node in nodes_of(servers)}
    for server in servers:
        server.kill()
    ports = free_ports(8)
    for at, server in enumerate(servers):
        server.move(ports[at], ports[4 + at])
    form(nodes_of(servers), replicas=1)
    assert {node.own().name: node.own().slots for node in nodes_of(servers)} == before


def test_an_empty_node_becomes_a_replica(tmp_path: Path) -> None:
    with running(tmp_path, 4) as servers:
        *first, late = nodes_of(servers)
        form(first, replicas=0)
        form([*first, late], replicas=0)
        assert late.own().master in {node.own().name for node in first}


def test_a_node_that_is_away_is_named() -> None:
    [gone] = free_ports(1)
    with pytest.raises(NotFormed, match="Connection"):
        form([Node(HOST, gone)], replicas=0, within_s=0.1)


def test_the_command_takes_the_password_of_its_environment(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.command()(forming.main)
    addresses = [f"{HOST}:{server.port}" for server in servers]
    for name in ("primaryauth", "requirepass"):
        for server in servers:
            Node(HOST, server.port).call("CONFIG", "SET", name, PASSWORD)
    told = CliRunner().invoke(app, ["--within-s", "1", *addresses])
    assert told.exit_code == 1
    monkeypatch.setenv("REDIS_PASSWORD", PASSWORD)
    told = CliRunner().invoke(app, addresses)
    for server in servers:
        Node(HOST, server.port, PASSWORD).call("CONFIG", "SET", "requirepass", "")
    assert (told.exit_code, told.output.strip()) == (0, "4 nodes are one cluster")
    assert CliRunner().invoke(app, ["nowhere"]).exit_code == 2


def test_nodes_are_read_as_a_server_tells_them() -> None:
    told = (
        "a1 10.0.0.1:6379@16379,host myself,master - 0 0 1 connected 0-5 7 [8->-b2]\n"
        "b2 10.0.0.2:6379@16379 slave a1 0 0 1 disconnected\n"
    )
    first, second = read_nodes(told)
    assert first == ("a1", 16379, True, "", True, (range(6), range(7, 8)))
    assert second == ("b2", 16379, False, "a1", False, ())
