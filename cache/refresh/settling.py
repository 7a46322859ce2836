"""Saying what became of messages, under the leases that they were read under."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from cache.refresh.backlog import Backlog, Settlement
from cache.refresh.lease import Lease
from cache.refresh.own_shards import OwnShards
from cache.refresh.tally import Tally


class Leased(Protocol):
    """Something that was read under a lease."""

    @property
    def shard(self) -> int: ...

    @property
    def token(self) -> int: ...


L = TypeVar("L", bound=Leased)


class Ended(NamedTuple):
    """A message of which nothing is left to do but to say what became of it."""

    shard: int
    token: int
    settlement: Settlement


class Settling:
    def __init__(self, own: OwnShards, backlog: Backlog, tally: Tally) -> None:
        self._own = own
        self._backlog = backlog
        self._tally = tally

    def lease(self, leased: Leased) -> Lease | None:
        """None once it is over."""
        return self._own.lease(leased.shard, leased.token)

    def by_lease(self, leased: Iterable[L]) -> dict[Lease, list[L]]:
        """Without those whose lease is over."""
        by_lease: defaultdict[Lease, list[L]] = defaultdict(list)
        for each in leased:
            lease = self.lease(each)
            if lease is not None:
                by_lease[lease].append(each)
        return by_lease

    def lost(self, lease: Lease) -> None:
        """As the server says."""
        self._own.lost(lease.shard)

    async def settle(self, ended: Sequence[Ended]) -> None:
        """Raises StoreUnavailable, and may then have been done all the same."""
        by_lease = self.by_lease(ended)
        wanted = {lease: [each.settlement for each in own] for lease, own in by_lease.items()}
        told = await self._backlog.settle(wanted)
        for (lease, settlements), were_there in zip(wanted.items(), told, strict=True):
            if len(were_there) < len(settlements):
                self.lost(lease)
                self._tally.add("messages", "left", len(settlements) - len(were_there))
            for settlement, was_there in zip(settlements, were_there, strict=False):
                self._count(settlement, was_there)

    def _count(self, settlement: Settlement, was_there: int) -> None:
        self._tally.add("messages", "done" if was_there else "gone", 1)
        if was_there:
            for name, pairs in settlement.counted().items():
                self._tally.add("pairs", name, pairs)
