"""One cluster out of Valkey nodes that are told by name.

    python -m cache.operator.forming --replicas 1 HOST:PORT HOST:PORT …

Asked again it mends what is not so and leaves the rest: nodes that came back at other addresses and
lost each other meet again, an empty one becomes a replica. The password is that of REDIS_PASSWORD.
"""

import os
import socket
import time
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Annotated, Any, Final

import redis
import typer
from redis.backoff import NoBackoff
from redis.retry import Retry

from cache.operator.seen_nodes import Seen, read_nodes
from cache.slot_map import SLOTS

POLL_S: Final = 0.2
PATIENCE_S: Final = 300.0


class NotFormed(Exception):
    """The nodes are still no cluster; the message says what is missing."""


class Node:
    def __init__(self, host: str, port: int, password: str | None = None) -> None:
        self.host = host
        self.port = port
        self._password = password

    @classmethod
    def of(cls, address: str, password: str | None) -> "Node":
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise typer.BadParameter(f"{address!r}: give HOST:PORT")
        return cls(host, int(port), password)

    def call(self, *command: object) -> Any:
        """The bare reply, of whoever has that name now."""
        with redis.Redis(
            self.host, self.port, password=self._password, socket_timeout=5.0, protocol=2,
            retry=Retry(NoBackoff(), 0),  # the next round is one
        ) as client:  # fmt: skip
            client.response_callbacks.clear()
            return client.execute_command(*command)

    def seen(self) -> list[Seen]:
        return read_nodes(self.call("CLUSTER NODES").decode())

    def own(self) -> Seen:
        return next(seen for seen in self.seen() if seen.is_self)

    @property
    def ip(self) -> str:
        """MEET takes no names."""
        return str(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][4][0])


def form(nodes: Sequence[Node], replicas: int, within_s: float = PATIENCE_S) -> None:
    """Returns when every node sees every slot served. Raises NotFormed."""
    masters = len(nodes) // (replicas + 1)
    until = time.monotonic() + within_s
    while missing := _mended(nodes, masters):
        if time.monotonic() > until:
            raise NotFormed(f"no cluster within {within_s:g} s: {missing}")
        time.sleep(POLL_S)


def _mended(nodes: Sequence[Node], masters: int) -> str:
    """One round of mending; what is still missing, or nothing."""
    try:
        owns = [node.own() for node in nodes]
        return (
            _strangers(nodes, owns)
            or _unserved(nodes, owns, masters)
            or _idle(nodes, owns)
            or _unsettled(nodes)
        )
    except (OSError, redis.RedisError) as error:
        return f"{type(error).__name__}: {error}"


def _strangers(nodes: Sequence[Node], owns: Sequence[Seen]) -> str:
    connected = [{seen.name for seen in node.seen() if seen.is_connected} for node in nodes]
    pairs = [
        (one, other)
        for one, other in permutations(range(len(nodes)), 2)
        if owns[other].name not in connected[one]
    ]
    for one, other in pairs:
        met = nodes[other]
        nodes[one].call("CLUSTER", "MEET", met.ip, met.port, owns[other].bus_port)
    return f"{len(pairs)} pairs of nodes have to meet" if pairs else ""


def _unserved(nodes: Sequence[Node], owns: Sequence[Seen], masters: int) -> str:
    """A share of the slots that nobody claims goes to the node of its number."""
    claimed = {slot for own in owns for part in own.slots for slot in part}
    given = 0
    for at in range(masters):
        share = range(at * SLOTS // masters, (at + 1) * SLOTS // masters)
        if claimed.isdisjoint(share):
            nodes[at].call("CLUSTER", "ADDSLOTSRANGE", share.start, share.stop - 1)
            given += 1
    return f"{given} shares of the slots were just given away" if given else ""


def _idle(nodes: Sequence[Node], owns: Sequence[Seen]) -> str:
    """A master of nothing follows the one with the fewest replicas."""
    followers = {own.name: 0 for own in owns if own.slots}
    for own in owns:
        if own.master in followers:
            followers[own.master] += 1
    idle = [at for at, own in enumerate(owns) if not own.master and not own.slots]
    for at in idle:
        master = min(followers, key=lambda name: followers[name])
        nodes[at].call("CLUSTER", "REPLICATE", master)
        followers[master] += 1
    return f"{len(idle)} nodes have just become replicas" if idle else ""


def _unsettled(nodes: Iterable[Node]) -> str:
    wanted = ("cluster_state:ok", f"cluster_slots_ok:{SLOTS}")
    for node in nodes:
        told = node.call("CLUSTER INFO").decode()
        if any(fact not in told for fact in wanted):
            return f"{node.host}:{node.port} does not see all slots served"
    return ""


def main(
    addresses: Annotated[list[str], typer.Argument(metavar="HOST:PORT...", help="Of all nodes.")],
    replicas: Annotated[int, typer.Option(min=0, help="Of each master.")] = 1,
    within_s: Annotated[float, typer.Option(min=1, help="Then it gives up.")] = PATIENCE_S,
) -> None:
    """Make one cluster of Valkey nodes, or mend it."""
    password = os.environ.get("REDIS_PASSWORD")
    try:
        form([Node.of(address, password) for address in addresses], replicas, within_s)
    except NotFormed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{len(addresses)} nodes are one cluster")


if __name__ == "__main__":
    typer.run(main)
