"""The loop of `understudy neighbours`: pages in, what neighbours lend to each user out."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

from redis.asyncio import Redis

from cache import page
from cache.entries import Aggregate, Entries
from cache.errors import StoreUnavailable
from cache.keys import neighbour_key
from cache.refresh.neighbour_index import NeighbourIndex, directions_of
from cache.refresh.neighbour_lending import NeighbourRules, lent_to
from cache.refresh.neighbour_shelf import Shelf, UserEntries, Width, gathered
from cache.refresh.process import at_most, warn
from cache.refresh.tally import Tally
from cache.sequence import no_sequence
from cache.store import Store

USERS_AT_ONCE: Final = 64
RETRY_S: Final = 5.0


class NeighbourLoop:
    """Any number may run, each doing all of it: what is written is that of whoever came last."""

    def __init__(
        self,
        client: Redis,
        store: Store,
        space: str,
        width: Width,
        rules: NeighbourRules,
        max_users: int,
        tally: Tally,
    ) -> None:
        self._client, self._store, self._space = client, store, space
        self._width, self._rules = width, rules
        self._max_users = max_users
        self._tally = tally

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, which ends a round between two blocks of users. After a store that was
        away a round begins anew."""
        while not stop.is_set():
            pause_s = self._rules.every_s
            try:
                await self.round(stop)
            except StoreUnavailable as error:
                warn("neighbours wait", reason=str(error))
                pause_s = min(RETRY_S, pause_s)
            await at_most(pause_s, stop)

    async def measure(self) -> None:
        pass

    async def round(self, stop: asyncio.Event) -> None:
        """Raises StoreUnavailable."""
        started = time.monotonic()
        shelf, index = await self._read()
        for users in _blocks(len(shelf.users)):
            if stop.is_set():
                return
            values = await asyncio.to_thread(self._values, shelf, index, users)
            await self._store.put_many(values, self._rules.hard_ttl_s)
            self._tally.add("values", "written", len(values))
        self._tally.levels["round_seconds"] = round(time.monotonic() - started, 3)
        self._tally.add("rounds", "done", 1)

    async def _read(self) -> tuple[Shelf, NeighbourIndex]:
        held, left_out = await gathered(
            self._client, self._store, self._space, self._width, self._max_users
        )
        shelf, index = await asyncio.to_thread(self._indexed, held)
        self._tally.levels |= {"users": len(shelf.users), "left_out": left_out}
        return shelf, index

    def _indexed(self, held: Sequence[UserEntries]) -> tuple[Shelf, NeighbourIndex]:
        shelf = Shelf.of(held, self._width, self._rules.hard_ttl_s)
        return shelf, NeighbourIndex(directions_of(shelf.means()))

    def _values(self, shelf: Shelf, index: NeighbourIndex, users: range) -> dict[bytes, bytes]:
        """Of users to whom anything is lent; what others were lent before ends by itself."""
        values = {}
        for user in users:
            near = index.near(user, self._rules.nearest_users)
            lent = lent_to(shelf, user, near, self._rules)
            self._tally.add("pairs", "lent", len(lent.pair_keys))
            if len(lent.pair_keys):
                values[neighbour_key(shelf.users[user], self._space)] = value_of(lent)
        return values


def value_of(lent: Entries) -> bytes:
    """A page of entries alone: of no user's mean and no sequence, and written by one who reads
    nothing of it before."""
    dim = lent.codes.shape[1]
    nobody = Aggregate(lent.z()[:0].sum(axis=0), 0, 0)
    return page.encode(lent, nobody, no_sequence(dim), version=1, fence=0)


def _blocks(users: int) -> Iterator[range]:
    for first in range(0, users, USERS_AT_ONCE):
        yield range(first, min(first + USERS_AT_ONCE, users))
