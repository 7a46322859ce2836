"""The shards that this worker may work on: its fair share, however many workers come and go."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from cache.errors import StoreUnavailable
from cache.redis_demand import check_shards
from cache.refresh.lease import Lease, Leases
from cache.refresh.roster import Roster, fair_share
from cache.refresh.server_clock import ServerClock
from cache.refresh.tally import Tally

TICKS_A_LEASE: Final = 5
MAX_TICK_S: Final = 1.0


class OwnShards:
    """`tick` renews, lets go of what is more than the share, and takes what is free up to it.

    A shard that is let go is first left out of `leases`, and released when no batch has it.
    """

    def __init__(
        self,
        space: str,
        roster: Roster,
        leases: Leases,
        clock: ServerClock,
        tally: Tally,
        *,
        shards: int,
        lease_ms: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._space = space
        self._roster = roster
        self._leases = leases
        self._server_clock = clock
        self._tally = tally
        self._shards = shards
        self._tick_s = min(lease_ms / 1000.0 / TICKS_A_LEASE, MAX_TICK_S)
        self._monotonic = monotonic
        self._held: dict[int, Lease] = {}
        self._leaving: frozenset[int] = frozenset()
        self.busy: frozenset[int] = frozenset()
        """Shards of the batch in work: set by who works."""
        self.changed = asyncio.Event()
        """Set when a shard was taken."""

    def leases(self) -> Mapping[int, Lease]:
        """By shard: those that work may begin with."""
        return {
            shard: lease
            for shard, lease in self._held.items()
            if shard not in self._leaving and self._is_valid(lease)
        }

    def lease(self, shard: int, token: int) -> Lease | None:
        """The one of that token, also of a shard that is to be let go; None once it is over."""
        lease = self._held.get(shard)
        is_it = lease is not None and lease.token == token and self._is_valid(lease)
        return lease if is_it else None

    def lost(self, shard: int) -> None:
        """The server says that somebody else holds it."""
        self._held.pop(shard, None)

    async def keep(self) -> None:
        """Until cancelled. Raises ShardsDiffer. While the server is away, leases just end."""
        while True:
            with suppress(StoreUnavailable):
                await self.tick()
            await asyncio.sleep(self._tick_s)

    async def tick(self) -> None:
        """Raises StoreUnavailable, and ShardsDiffer when the space was divided anew."""
        beat = await self._roster.beat()
        check_shards(self._space, beat.shards, self._shards)
        self._server_clock.told(beat.server_ms)
        await self._renew()
        share = fair_share(self._shards, beat)
        await self._let_go(len(self._held) - share)
        await self._take(share - len(self._held))
        self._tally.levels |= {"leases": len(self._held), "workers": beat.workers}

    async def end(self) -> None:
        """Others need not wait for the leases to end. Best effort."""
        held, self._held = self._held, {}
        with suppress(StoreUnavailable):
            await self._leases.release(held.values())
            await self._roster.leave()

    async def _renew(self) -> None:
        renewed = await self._leases.renew(self._held.values())
        gone = len(self._held) - len(renewed)
        self._tally.add("lease_changes", "lost", gone)
        self._held = {lease.shard: lease for lease in renewed}

    async def _let_go(self, surplus: int) -> None:
        # Those that no batch has can go at once.
        by_ease = sorted(self._held, key=lambda shard: (shard in self.busy, shard))
        self._leaving = frozenset(by_ease[: max(surplus, 0)])
        going = [self._held[shard] for shard in self._leaving - self.busy]
        if going:
            await self._leases.release(going)
            self._forget(going)
            self._tally.add("lease_changes", "released", len(going))

    async def _take(self, missing: int) -> None:
        if missing <= 0:
            return
        free = await self._leases.free([n for n in range(self._shards) if n not in self._held])
        chosen = random.sample(free, min(missing, len(free)))
        got = await self._leases.acquire(chosen)
        self._held |= {lease.shard: lease for lease in got}
        self._tally.add("lease_changes", "taken", len(got))
        if got:
            self.changed.set()

    def _is_valid(self, lease: Lease) -> bool:
        """By this process's own clock."""
        return self._monotonic() < lease.until_s

    def _forget(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            self._held.pop(lease.shard, None)
