from collections.abc import Hashable

from cache.breaker import CircuitBreaker
from cache.node_breakers import NodeBreakers


class Known:
    """Keys are names of nodes."""

    def __init__(self, *nodes: Hashable) -> None:
        self.nodes = frozenset(nodes)

    def node_of(self, key: bytes) -> Hashable:
        return key if key in self.nodes else None

    def masters(self) -> frozenset[Hashable]:
        return self.nodes


def fail(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        breaker.failed()


def test_one_nodes_failures_stop_its_reads_alone() -> None:
    breakers = NodeBreakers(Known(b"a", b"b"))
    fail(breakers.of(b"a"))
    assert not breakers.of(b"a").allows()
    assert breakers.of(b"b").allows()
    assert breakers.is_open


def test_node_that_serves_nothing_any_more_is_forgotten() -> None:
    known = Known(b"a", b"b")
    breakers = NodeBreakers(known)
    fail(breakers.of(b"a"))
    known.nodes = frozenset([b"b", b"c"])
    assert not breakers.is_open
    assert breakers.of(b"c").allows()
    known.nodes = frozenset([b"a", b"b"])
    assert breakers.of(b"a").allows()


def test_cluster_of_which_nothing_is_known_stops_as_one_server_does() -> None:
    breakers = NodeBreakers(Known())
    fail(breakers.of(b"x"))
    assert not breakers.of(b"y").allows()
    assert breakers.is_open


def test_single_servers_breaker_is_the_one_of_every_key() -> None:
    breaker = CircuitBreaker()
    assert breaker.of(b"a") is breaker.of(b"b") is breaker
