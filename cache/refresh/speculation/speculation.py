"""Speculation while demand leaves the teacher idle: one batch at a time, on demand's own path."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from cache.account import Outcome
from cache.demand import Demand
from cache.errors import StoreUnavailable, TeacherHung, TeacherUnavailable
from cache.keys import pair_keys
from cache.refresh.hand import InHand
from cache.refresh.jobs import Job, Plan
from cache.refresh.lease import Lease
from cache.refresh.process import warn
from cache.refresh.server_clock import ServerClock
from cache.refresh.settling import Settling
from cache.refresh.speculation.orders import Orders
from cache.refresh.speculation.speculator import Speculator
from cache.refresh.worker import Refresher, Verdict

POLL_MS: Final = 50
"""While something waits for budget."""


class Speculation:
    """What is lost on the way is not tried again: the policy wishes for it once more, or does not.
    No pair of it is in the account of demand."""

    def __init__(
        self,
        speculator: Speculator,
        refresher: Refresher,
        settling: Settling,
        clock: ServerClock,
    ) -> None:
        self.speculator = speculator
        self._orders = Orders(speculator)
        self._refresher = refresher
        self._settling = settling
        self._clock = clock
        self._has_worked = False

    def hear(self, shard: int, message_id: bytes, demand: Demand) -> None:
        self.speculator.hear(shard, demand, self._clock.waited_ms(message_id))

    def wait_ms(self, most: int) -> int:
        """How long it may be waited for demand."""
        if self._has_worked or self.speculator.has_news:
            return 0
        return min(most, POLL_MS) if self.speculator.waiting else most

    async def step(self, leases: Mapping[int, Lease], pairs: int) -> None:
        """At most one batch of so many pairs."""
        self.speculator.plan()
        runs = self.speculator.take(pairs)
        self._has_worked = bool(runs)
        if messages := self._orders.of(runs, leases, self._clock.now_ms()):
            await self._answer(messages)

    async def _answer(self, messages: Sequence[InHand]) -> None:
        """While store or teacher is away, demand's own next step waits for it."""
        try:
            await self._compute(messages)
        except (StoreUnavailable, TeacherUnavailable):
            self.speculator.drop("unavailable", sum(message.pairs for message in messages))
        except TeacherHung:
            raise
        except Exception as error:
            # One pair that the teacher cannot take must not take the others with it.
            if len(messages) == 1:
                warn("speculation passes over", reason=repr(error)[:1000])
                self.speculator.drop("failed", messages[0].pairs)
                return
            for message in messages:
                await self._answer([message])

    async def _compute(self, messages: Sequence[InHand]) -> None:
        plan = await self._refresher.plan(messages)
        known = [job for job in plan.jobs if not self._is_stranger(plan, job)]
        verdict = await self._refresher.judge(plan._replace(jobs=known))
        ours = {m.demand.user_id for m in messages if self._settling.lease(m) is not None}
        stored = ours - await self._refresher.write(verdict.of_users(ours))
        self._forget(job for job in plan.jobs if self._is_stranger(plan, job))
        for message, outcomes in zip(messages, verdict.outcomes, strict=True):
            self._count(message, outcomes, message.demand.user_id in stored)
        self._tell(verdict, stored)

    def _is_stranger(self, plan: Plan, job: Job) -> bool:
        return self._refresher.is_stranger(plan.users[job.user_id])

    def _forget(self, strangers: Iterable[Job]) -> None:
        """Nothing is foreseen of users whose record is gone, until they ask again."""
        for job in strangers:
            self.speculator.drop("no_record", len(job.pair_keys))
            self.speculator.people.forget(job.user_id)

    def _count(self, message: InHand, outcomes: Counter[Outcome], is_stored: bool) -> None:
        """Of what is stored the speculator itself is told."""
        for outcome, pairs in outcomes.items():
            if outcome is not Outcome.COMPUTED:
                self.speculator.drop(outcome.value, pairs)
            elif not is_stored:
                has_lease = self._settling.lease(message) is not None
                self.speculator.drop("conflict" if has_lease else "left", pairs)

    def _tell(self, verdict: Verdict, stored: set[str]) -> None:
        for user_id in stored & verdict.fresh.keys():
            entries = verdict.fresh[user_id].entries
            at_ms = int(entries.computed_at_ms.min())
            self.speculator.speculated(user_id, entries.pair_keys, at_ms)
        for message in verdict.plan.batch:
            self._found(message.demand, verdict.plan)

    def _found(self, asked: Demand, plan: Plan) -> None:
        """The page may know more than the policy: of an earlier worker, or of a backfill."""
        page = plan.users[asked.user_id].held.page
        if page is None:
            return
        rows = np.flatnonzero(np.isin(page.pair_keys, pair_keys(asked.item_keys, asked.context)))
        at_ms = page.computed_at_ms()[rows]
        fresh = asked.as_of_ms - at_ms <= self._refresher.soft_ms
        if fresh.any():
            # Of several times the earliest: none is taken to live longer than it does.
            oldest_ms = int(at_ms[fresh].min())
            self.speculator.found(asked.user_id, page.pair_keys[rows[fresh]], oldest_ms)
