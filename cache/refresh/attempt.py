"""What is made of one batch: begun, judged, written, settled, as long as its leases last."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from cache.account import Outcome
from cache.demand import pairs_of
from cache.demand_keys import ShardKeys
from cache.errors import CacheError, StoreUnavailable, TeacherUnavailable
from cache.refresh.backlog import Backlog, Settlement
from cache.refresh.dead_letters import bury
from cache.refresh.hand import InHand
from cache.refresh.intake import Heard, Rubbish
from cache.refresh.jobs import Outcomes
from cache.refresh.server_clock import ServerClock
from cache.refresh.settling import Ended, Leased, Settling
from cache.refresh.tally import Tally
from cache.refresh.worker import Refresher, Verdict
from cache.streams import Message, Streams

T = TypeVar("T")

MAX_TRIES: Final = 5
FIRST_PAUSE_S: Final = 0.05
MAX_PAUSE_S: Final = 1.0


class NeverSettled(Exception):
    """Workers began with a message again and again, and all of them ended before they were done."""


class LeasesLost(Exception):
    """Of a whole batch: others have its shards, or the server was away for too long."""


class Attempts:
    """`run` takes one batch after another. While the store is away it tries again, without asking
    the teacher twice; so it does while a teacher elsewhere is away. What loses its lease meanwhile
    is left to whoever has it then."""

    def __init__(
        self,
        space: str,
        settling: Settling,
        backlog: Backlog,
        refresher: Refresher,
        dead: Streams,
        clock: ServerClock,
        tally: Tally,
        hard_ttl_s: float,
        told: Callable[[Verdict, Collection[str]], None] | None = None,
    ) -> None:
        """`told`: of what was written of these users."""
        self._space = space
        self._settling = settling
        self._backlog = backlog
        self._refresher = refresher
        self._dead = dead
        self._clock = clock
        self._tally = tally
        self._hard_ttl_ms = hard_ttl_s * 1000
        self._told = told

    async def run(self, batch: Sequence[InHand]) -> list[InHand]:
        """Those to be tried again, since their pages changed all the time."""
        settled: list[Ended] = []
        with suppress(LeasesLost):
            settled = await self._ended(batch)
            await self._patiently(settled, lambda: self._settling.settle(settled))
        done = {(each.token, each.settlement.id) for each in settled}
        rest = [message for message in batch if (message.token, message.id) not in done]
        again = [message for message in rest if self._settling.lease(message) is not None]
        self._tally.add("messages", "left", len(rest) - len(again))
        return again

    async def end_rubbish(self, rubbish: Sequence[Rubbish]) -> None:
        """Raises StoreUnavailable; what was buried by then is buried once more the next time."""
        ended = []
        for each in rubbish:
            if self._settling.lease(each) is not None:
                ended.append(await self._buried(each.shard, each.token, each.message, each.error))
        await self._settling.settle(ended)

    async def end_heard(self, heard: Sequence[Heard]) -> None:
        """They have no pairs to account for. Raises StoreUnavailable."""
        nothing: Outcomes = Counter()
        await self._settling.settle(
            [Ended(each.shard, each.token, Settlement(each.id, nothing)) for each in heard]
        )

    async def _ended(self, batch: Sequence[InHand]) -> list[Ended]:
        ended: list[Ended] = []
        live = await self._live(batch, ended)
        return ended + await self._answered(await self._begun(live))

    async def _live(self, batch: Sequence[InHand], ended: list[Ended]) -> list[InHand]:
        """Without what is no longer wanted, and what nobody ever got done: they are ended."""
        live = []
        for message in batch:
            if self._clock.waited_ms(message.id) > self._hard_ttl_ms:
                ended.append(_ended(message, Counter({Outcome.EXPIRED: message.pairs})))
            elif message.tries >= MAX_TRIES:
                error = NeverSettled(f"{message.tries} workers ended over it: see their logs")
                ended.append(await self._dead_letter(message, error))
            else:
                live.append(message)
        return live

    async def _begun(self, messages: Sequence[InHand]) -> list[InHand]:
        """Those whose lease the server confirms, with how often they were begun before."""
        if not messages:
            return []
        by_lease = self._settling.by_lease(messages)
        ids = {lease: [m.id for m in own] for lease, own in by_lease.items()}
        told = await self._patiently(messages, lambda: self._backlog.begin(ids))
        begun = []
        for (lease, own), tries in zip(by_lease.items(), told, strict=True):
            if len(tries) < len(own):
                self._settling.lost(lease)
            begun += [m._replace(tries=n - 1) for m, n in zip(own, tries, strict=False)]
        return begun

    async def _answered(self, messages: Sequence[InHand]) -> list[Ended]:
        if not messages:
            return []
        try:
            return await self._written(messages)
        except (CacheError, LeasesLost):
            raise
        except Exception as error:
            # One message must not take its batch with it, nor come back for ever.
            if len(messages) > 1:
                return [ended for each in messages for ended in await self._answered([each])]
            return [await self._dead_letter(messages[0], error)]

    async def _written(self, messages: Sequence[InHand]) -> list[Ended]:
        plan = await self._patiently(messages, lambda: self._refresher.plan(messages))
        verdict = await self._patiently(messages, lambda: self._refresher.judge(plan))
        stored = await self._patiently(messages, lambda: self._stored(messages, verdict))
        if self._told is not None:
            self._told(verdict, stored)
        return [
            _ended(message, outcomes)
            for message, outcomes in zip(messages, verdict.outcomes, strict=True)
            if message.demand.user_id in stored
        ]

    async def _stored(self, messages: Sequence[InHand], verdict: Verdict) -> set[str]:
        """Users of whom all is in their pages. Whoever was frozen meanwhile knows it here; what
        comes between this look at the clock and the write, the fence keeps out."""
        ours = {m.demand.user_id for m in messages if self._settling.lease(m) is not None}
        return ours - await self._refresher.write(verdict.of_users(ours))

    async def _dead_letter(self, message: InHand, error: Exception) -> Ended:
        letter = Message(message.id, message.body)
        return await self._patiently(
            [message], lambda: self._buried(message.shard, message.token, letter, error)
        )

    async def _buried(self, shard: int, token: int, message: Message, error: Exception) -> Ended:
        await bury(self._dead, ShardKeys.of(self._space, shard).stream, message, error)
        self._tally.add("messages", "dead", 1)
        return Ended(shard, token, Settlement(message.id, {Outcome.DEAD: pairs_of(message.body)}))

    async def _patiently(self, leased: Sequence[Leased], do: Callable[[], Awaitable[T]]) -> T:
        """Raises LeasesLost."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return await do()
            except (StoreUnavailable, TeacherUnavailable):
                self._tally.add("messages", "postponed", len(leased))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, MAX_PAUSE_S)
            if not any(self._settling.lease(each) is not None for each in leased):
                raise LeasesLost


def _ended(message: InHand, outcomes: Outcomes) -> Ended:
    is_repeated = message.tries > 0
    return Ended(message.shard, message.token, Settlement(message.id, outcomes, is_repeated))
