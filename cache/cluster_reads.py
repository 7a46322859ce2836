"""Reads of requests from a cluster: one connection to each master, shared by all of them."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final, cast

from hiredis import ReplyError
from redis.crc import key_slot

from cache.address import Node
from cache.errors import StoreUnavailable
from cache.pipelined_reads import Values, are_values, no_values
from cache.slot_map import redirected
from cache.topology import KEEP_LOOKING_S, Topology

MAX_HOPS: Final = 4
"""Of one read, while a slot moves."""
SLOTS_AT_ONCE: Final = 128


class ClusterReads:
    """A user's keys share a slot: one command to one node, and no other node's failure matters."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology

    async def get_many(self, keys: Sequence[bytes]) -> Values:
        """Raises StoreUnavailable, for all keys when one of their nodes fails."""
        slots = [key_slot(key) for key in keys]
        if slots.count(slots[0]) == len(slots):
            return await self._of_slot(slots[0], keys)
        by_slot: dict[int, list[bytes]] = {}
        for slot, key in zip(slots, keys, strict=True):
            by_slot.setdefault(slot, []).append(key)
        found: dict[bytes, bytes | None] = {}
        waiting = iter(by_slot.items())
        while part := list(islice(waiting, SLOTS_AT_ONCE)):
            told = await asyncio.gather(*(self._of_slot(*each) for each in part))
            for (_, asked), values in zip(part, told, strict=True):
                found.update(zip(asked, values, strict=True))
        return [found[key] for key in keys]

    async def close(self) -> None:
        await self._topology.close()

    async def _of_slot(self, slot: int, keys: Sequence[bytes]) -> Values:
        node = (self._topology.known or await self._topology.slots()).master(slot)
        if node is None:
            self._topology.look_soon(KEEP_LOOKING_S)
            raise StoreUnavailable(f"no node of the cluster serves slot {slot}")
        answer = await self._asked(node, keys)
        if isinstance(answer, ReplyError):
            answer = await self._redirected(str(answer), slot, node, keys)
        if not are_values(answer, len(keys)):
            self._topology.look_soon(KEEP_LOOKING_S)
            raise no_values(answer, len(keys))
        return cast(Values, answer)

    async def _redirected(self, told: str, slot: int, node: Node, keys: Sequence[bytes]) -> Any:
        """Where the answers lead to in a few hops; the last one's answer, be it an error."""
        answer: Any = told
        for _ in range(MAX_HOPS):
            word, _, rest = str(answer).partition(" ")
            if word not in ("MOVED", "ASK"):
                break
            node = redirected(rest.rpartition(" ")[2], node)
            if word == "MOVED":
                (await self._topology.slots()).moved(slot, node)
                self._topology.look_soon()
            answer = await self._asked(node, keys, is_asking=word == "ASK")
            if not isinstance(answer, ReplyError):
                return answer
        if word == "TRYAGAIN" and len(keys) > 1:
            # Some of them have gone to the slot's next node, and only each by itself is answered.
            apart = await asyncio.gather(*(self._of_slot(slot, [key]) for key in keys))
            return [value for values in apart for value in values]
        return answer

    async def _asked(self, node: Node, keys: Sequence[bytes], *, is_asking: bool = False) -> Any:
        line = self._topology.line(node)
        try:
            ask = line.ask_asking if is_asking else line.ask
            return await ask(b"MGET", *keys)
        except (StoreUnavailable, asyncio.CancelledError):
            # Also when the caller gave up: the node may be frozen.
            self._topology.look_soon(KEEP_LOOKING_S)
            raise
