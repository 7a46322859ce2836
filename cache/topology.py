"""What a process knows of a cluster: which node serves which slot, and a connection to each."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from redis.crc import key_slot

from cache.address import Node
from cache.ending import end
from cache.errors import StoreUnavailable
from cache.line import Line
from cache.shared_line import SharedLine
from cache.slot_map import SlotMap

ANSWER_S: Final = 1.0
"""Another node may answer while this one is silent."""
LOOK_S: Final = 0.2
KEEP_LOOKING_S: Final = 5.0
"""After a failure: a replica takes over only once the others agree that its master is gone."""


class Topology:
    """Learns in the background, behind the reads that found it wrong. Belongs to one event loop."""

    def __init__(
        self,
        seeds: Sequence[Node],
        open_line: Callable[[Node], Awaitable[Line]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seeds = seeds
        self._open_line = open_line
        self._clock = clock
        self._slots: SlotMap | None = None
        self._lines: dict[Node, SharedLine] = {}
        self._first: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._look_until_s = 0.0
        self._closing: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def node_of(self, key: bytes) -> Node | None:
        """None while that is not known."""
        return None if self._slots is None else self._slots.master(key_slot(key))

    @property
    def known(self) -> SlotMap | None:
        return self._slots

    def masters(self) -> frozenset[Node]:
        return frozenset() if self._slots is None else self._slots.masters()

    async def slots(self) -> SlotMap:
        """Raises StoreUnavailable while no node has told."""
        if self._slots is None:
            if self._first is None:
                self._first = asyncio.create_task(self.look())
                self._first.add_done_callback(self._told)
            await asyncio.shield(self._first)
        assert self._slots is not None, "looked"
        return self._slots

    def line(self, node: Node) -> SharedLine:
        held = self._lines.get(node)
        if held is None:
            held = self._lines[node] = SharedLine(lambda: self._open_line(node))
        return held

    def look_soon(self, keep_s: float = 0.0) -> None:
        """Once, and again until `keep_s` from now."""
        self._look_until_s = max(self._look_until_s, self._clock() + keep_s)
        if self._looking is None and not self._is_closed:
            self._looking = asyncio.create_task(self._keep_looking())
            self._looking.add_done_callback(self._looked)

    async def look(self) -> None:
        """Raises StoreUnavailable when no node answers."""
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        last: Exception | None = None
        for node in self._told_by():
            try:
                async with asyncio.timeout(ANSWER_S):
                    told = await self.line(node).ask(b"CLUSTER", b"SLOTS")
                self._adopt(SlotMap.read(told, node))
                return
            except (StoreUnavailable, TimeoutError) as error:
                last = error
        raise StoreUnavailable(f"no node of the cluster tells who serves which slot: {last}")

    async def close(self) -> None:
        self._is_closed = True
        await end(task for task in (self._first, self._looking) if task is not None)
        await asyncio.gather(*self._closing, *(line.close() for line in self._lines.values()))

    def _told_by(self) -> list[Node]:
        """Masters in any order, then what the URL names: a name may lead to nodes of today."""
        masters = [node for node in self.masters() if node not in self._seeds]
        known = [*masters, *self._seeds]
        random.shuffle(known)
        return known

    def _adopt(self, slots: SlotMap) -> None:
        self._slots = slots
        masters = slots.masters()
        for node in [node for node in self._lines if node not in masters]:
            if self._lines[node].is_idle():
                closing = asyncio.create_task(self._lines.pop(node).close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def _keep_looking(self) -> None:
        while True:
            with suppress(StoreUnavailable):
                await self.look()
            if self._clock() >= self._look_until_s:
                return
            await asyncio.sleep(LOOK_S)

    def _told(self, first: asyncio.Task[None]) -> None:
        self._first = None
        if not first.cancelled():
            # Whoever waited may have gone.
            first.exception()

    def _looked(self, looking: asyncio.Task[None]) -> None:
        self._looking = None
