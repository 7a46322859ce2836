"""redis-py's client of a cluster, for all but the reads of requests (cache.cluster_reads)."""

from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import ConnectionPool, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.cluster import PRIMARY

from cache.address import POOL_OPTIONS, Address, Node
from cache.asked_node import AskedNode

CONNECTIONS_A_NODE: Final = 32
"""This client fails rather than waits when none is free: a bound that a process never meets."""
STREAM_READS: Final = frozenset({"XREAD", "XREADGROUP"})


class ClusterClient(RedisCluster):
    """A command, also one of a pipeline, is tried once more after its node was lost or silent, by
    the map of the cluster as it is then: all that is sent here may be done twice without harm."""

    def __init__(self, address: Address, timing: Mapping[str, Any]) -> None:
        given = {k: v for k, v in address.options.items() if k not in POOL_OPTIONS}
        self._class = given.pop("connection_class", Connection)
        self._given = {**timing, **given}
        self.seeds = address.nodes
        super().__init__(
            startup_nodes=[ClusterNode(*node) for node in address.nodes],
            max_connections=CONNECTIONS_A_NODE,
            # What is missing of the slots is missed when it is asked for.
            require_full_coverage=False,
            retry=Retry(NoBackoff(), 1),
            ssl=self._class is SSLConnection,
            **self._given,
        )

    def pool_of(self, node: Node) -> ConnectionPool:
        """Connections to this node alone, for whoever keeps them himself."""
        return ConnectionPool(
            connection_class=self._class,
            host=node.host,
            port=node.port,
            retry=Retry(NoBackoff(), 0),
            **self._given,
        )

    async def initialize(
        self,
        additional_startup_nodes_info: list[tuple[str, int]] | None = None,
        last_failed_node_name: str | None = None,
    ) -> "ClusterClient":
        """The nodes of the URL are asked as well: names that outlive the addresses of all nodes."""
        also: list[tuple[str, int]] = [*(additional_startup_nodes_info or ()), *self.seeds]
        await super().initialize(also, last_failed_node_name)
        return self

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> Any:
        """By its name it is wanted for ASK: maybe one that has no slot yet, and so is on no map."""
        if node_name is None:
            return super().get_node(host, port)
        known = self.nodes_manager.nodes_cache
        if node_name not in known:
            name, _, number = node_name.rpartition(":")
            added = ClusterNode(name, int(number), PRIMARY, **self.connection_kwargs)
            self.nodes_manager.set_nodes(known, {added.name: added})
            node_name = added.name
        return AskedNode(known[node_name])

    async def _determine_slot(self, command: str, *args: Any) -> int:
        """Of a read of one stream; redis-py asks a node for the keys of such a command, each time,
        and always the same node, which may be down."""
        if command in STREAM_READS:
            return int(self.keyslot(args[_streams_at(args) + 1]))
        return int(await super()._determine_slot(command, *args))

    async def aclose(self) -> None:
        """Also of nodes that it has lost sight of."""
        await super().aclose()
        await self.nodes_manager.aclose()
        await self.nodes_manager.aclose("startup_nodes")


def _streams_at(args: tuple[Any, ...]) -> int:
    return next(at for at, word in enumerate(args) if word in (b"STREAMS", "STREAMS"))
