"""A circuit breaker for each node: one that is down must not stop the reads of the others."""

from collections.abc import Hashable
from typing import Protocol

from cache.breaker import CircuitBreaker


class Nodes(Protocol):
    def node_of(self, key: bytes) -> Hashable: ...

    def masters(self) -> frozenset[Hashable]: ...


class NodeBreakers(CircuitBreaker):
    """Open while any node's is; `of` gives the one to ask."""

    def __init__(self, nodes: Nodes, failures: int = 5, open_s: float = 1.0) -> None:
        super().__init__(failures, open_s)
        self._nodes = nodes
        self._failures = failures
        self._open_s = open_s
        self._by_node: dict[Hashable, CircuitBreaker] = {}

    def of(self, key: bytes) -> CircuitBreaker:
        node = self._nodes.node_of(key)
        held = self._by_node.get(node)
        return self._added(node) if held is None else held

    @property
    def is_open(self) -> bool:
        masters = self._nodes.masters()
        return any(
            held.is_open for node, held in self._by_node.items() if node is None or node in masters
        )

    def _added(self, node: Hashable) -> CircuitBreaker:
        """In place of those of nodes that serve nothing any more."""
        masters = self._nodes.masters()
        self._by_node = {known: held for known, held in self._by_node.items() if known in masters}
        added = self._by_node[node] = CircuitBreaker(self._failures, self._open_s)
        return added
