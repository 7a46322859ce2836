"""The loop of a refresher: what is read, in which order it is worked on, and an orderly end."""

import asyncio
from collections.abc import Mapping
from typing import Final

from cache.ending import end
from cache.errors import StoreUnavailable
from cache.refresh.attempt import Attempts
from cache.refresh.backlog import Backlog
from cache.refresh.batch_size import BatchSize
from cache.refresh.hand import Hand
from cache.refresh.intake import Intake
from cache.refresh.lease import Lease
from cache.refresh.own_shards import OwnShards
from cache.refresh.process import at_most
from cache.refresh.speculation.speculation import Speculation
from cache.refresh.tally import Tally

BLOCK_MS: Final = 500
PAUSE_S: Final = 0.1
MAX_PAUSE_S: Final = 5.0


class RefreshLoop:
    """Killed at any step, it leaves its messages in the stream, and leases that end by themselves:
    a message goes only together with the account of its pairs."""

    def __init__(
        self,
        own: OwnShards,
        intake: Intake,
        hand: Hand,
        size: BatchSize,
        attempts: Attempts,
        backlog: Backlog,
        tally: Tally,
        speculation: Speculation | None = None,
    ) -> None:
        self._own = own
        self._intake = intake
        self._hand = hand
        self._size = size
        self._attempts = attempts
        self._backlog = backlog
        self._tally = tally
        self._speculation = speculation

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; the batch in work is finished first, and the leases are given back.

        Waits out an unavailable store. Raises ShardsDiffer when the space was divided anew, and
        TeacherHung, the leases being given back.
        """
        keeping = asyncio.create_task(self._own.keep())
        pause_s = PAUSE_S
        try:
            while not (stop.is_set() or keeping.done()):
                try:
                    await self.step()
                    pause_s = PAUSE_S
                except StoreUnavailable:
                    await at_most(pause_s, stop)
                    pause_s = min(2 * pause_s, MAX_PAUSE_S)
        finally:
            await end([keeping])
            await self._own.end()
        if not keeping.cancelled():
            keeping.result()

    async def step(self) -> None:
        """At most one batch: of demand, or when there is none of speculation. Raises
        StoreUnavailable."""
        leases = self._own.leases()
        if not leases:
            self._own.changed.clear()
            await at_most(BLOCK_MS / 1000.0, self._own.changed)
            return
        wait_ms = BLOCK_MS if self._speculation is None else self._speculation.wait_ms(BLOCK_MS)
        await self._intake.refill(leases, wait_ms)
        await self._end_unasked()
        batch = self._hand.take(self._size.pairs)
        if not batch:
            await self._speculate(leases)
            return
        self._own.busy = frozenset(message.shard for message in batch)
        left = await self._attempts.run(batch)
        self._own.busy = frozenset()
        self._hand.done(batch)
        for message in left:
            self._hand.add(message)

    async def _speculate(self, leases: Mapping[int, Lease]) -> None:
        if self._speculation is not None:
            self._own.busy = frozenset(leases)
            await self._speculation.step(leases, self._size.pairs)
            self._own.busy = frozenset()

    async def measure(self) -> None:
        """Raises StoreUnavailable."""
        if self._speculation is not None:
            self._speculation.speculator.measure()
        lengths = await self._backlog.lengths()
        account = await self._backlog.account()
        self._tally.levels |= {
            "backlog": sum(lengths),
            "unsettled_pairs": account.unsettled,
            "pairs_in_hand": self._hand.pairs,
            "batch_pairs": self._size.pairs,
        }
        by_shard = {str(shard): float(length) for shard, length in enumerate(lengths)}
        self._tally.labelled["shard_backlog", "shard"] = by_shard
        self._tally.labelled["account_pairs", "outcome"] = account.counts()

    async def _end_unasked(self) -> None:
        """Messages that demand nothing that the teacher could say."""
        if self._intake.heard:
            await self._attempts.end_heard(self._intake.heard)
            self._intake.heard.clear()
        if self._intake.rubbish:
            await self._attempts.end_rubbish(self._intake.rubbish)
            self._intake.rubbish.clear()
