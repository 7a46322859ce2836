"""Which node of a cluster serves which slot."""

from typing import Any, Final, Self

from cache.address import Node
from cache.errors import StoreUnavailable

SLOTS: Final = 16_384


class SlotMap:
    def __init__(self) -> None:
        self._masters: list[Node | None] = [None] * SLOTS

    @classmethod
    def read(cls, told: Any, asked: Node) -> Self:
        """From the answer to CLUSTER SLOTS; a node that does not know its own address is the one
        that was asked. Raises StoreUnavailable for an answer that is none."""
        slots = cls()
        try:
            for first, last, (host, port, *_), *_ in told:
                node = Node((host or b"").decode() or asked.host, int(port))
                slots._masters[first : last + 1] = [node] * (last + 1 - first)
            if len(slots._masters) != SLOTS:
                raise ValueError(f"{len(slots._masters)} slots")
        except (TypeError, ValueError, AttributeError) as error:
            raise StoreUnavailable(
                f"{asked.host}:{asked.port} does not tell who serves which slot: "
                f"{str(told)[:80]}: is it a node of a cluster?"
            ) from error
        return slots

    def master(self, slot: int) -> Node | None:
        """None: nobody serves it."""
        return self._masters[slot]

    def moved(self, slot: int, node: Node) -> None:
        self._masters[slot] = node

    def masters(self) -> frozenset[Node]:
        return frozenset(node for node in self._masters if node is not None)


def redirected(where: str, asked: Node) -> Node:
    """`host:port` of a MOVED or ASK; without a host it is the one that was asked."""
    host, _, port = where.rpartition(":")
    return Node(host or asked.host, int(port))
