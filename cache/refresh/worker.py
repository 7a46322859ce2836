"""The refresher: what a batch of demand asks for, the teacher's word on it, into pages."""

import time
from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple, Self

import numpy as np

from cache import demand, record
from cache.account import Outcome
from cache.arrays import Mask
from cache.demand import Demand
from cache.entries import Entries
from cache.errors import MessageCorrupt, RecordCorrupt
from cache.keys import record_key
from cache.record import UserRecord, empty_record
from cache.refresh.batch_size import BatchSize
from cache.refresh.follower import ItemFollower
from cache.refresh.hand import InHand
from cache.refresh.item_sums import ItemSums, ItemWords
from cache.refresh.jobs import Job, Outcomes, Plan, Planner, User
from cache.refresh.pages import Fresh, PageWriter, Widths, held_page
from cache.refresh.server_clock import ServerClock
from cache.refresh.tally import Tally
from cache.refresh.teacher import Judge, Judged, chunked
from cache.refresh.teacher_thread import ENDLESS, Patience, TeacherThread
from cache.sequence import Spoken
from cache.store import Store
from cache.tiers import TtlPolicy
from models.schema import LogSchema, categorical, numbers


class Verdict(NamedTuple):
    plan: Plan
    fresh: dict[str, Fresh]  # by user
    outcomes: Sequence[Outcomes]  # of each message of the batch, all its pairs
    words: Sequence[ItemWords] = ()

    def of_users(self, users: Collection[str]) -> Self:
        """What there is to write of them; outcomes stay those of the whole batch."""
        jobs = [job for job in self.plan.jobs if job.user_id in users]
        fresh = {user: said for user, said in self.fresh.items() if user in users}
        words = [each for each in self.words if each.user_id in users]
        return self._replace(plan=self.plan._replace(jobs=jobs), fresh=fresh, words=words)


class Refresher:
    """Three steps a batch: `plan` reads, `judge` runs the teacher, `write` writes. The first and
    the last may raise StoreUnavailable, the second TeacherUnavailable, and be tried again. After
    TeacherHung there is nothing to try."""

    def __init__(
        self,
        store: Store,
        teacher: Judge,
        schema: LogSchema,
        pages: PageWriter,
        ttl: TtlPolicy,
        tally: Tally,
        clock: ServerClock,
        size: BatchSize,
        *,
        window_s: float = 10.0,
        follower: ItemFollower | None = None,
        items: ItemSums | None = None,
        widths: Widths | None = None,
        patience: Patience = ENDLESS,
    ) -> None:
        """`widths` of what the teacher says: a page of others is somebody else's."""
        self._store = store
        self._widths = widths
        self._teacher = TeacherThread(teacher, patience)
        self._schema = schema
        self._pages = pages
        self._tally = tally
        self._clock = clock
        self._size = size
        self._follower = follower
        self._items = items
        self.soft_ms: Final = 1000.0 * ttl.soft_s
        self._planner = Planner(
            soft_s=ttl.soft_s,
            past_limit=pages.rules.sequence.length,
            past_since_ms=teacher.trained_until_ms,
            window_s=window_s,
        )
        self._stranger = empty_record(
            len(categorical(schema.user)),
            len(numbers(schema.user)),
            len(schema.tasks),
            schema.fingerprint(),
        )

    def decode(self, body: bytes) -> Demand:
        """Raises MessageCorrupt, also for a context of another log schema."""
        asked = demand.decode(body).demand
        context = self._schema.context
        expected = len(categorical(context)), len(numbers(context))
        given = len(asked.context), len(asked.context_numbers)
        if given != expected:
            raise MessageCorrupt(f"context of {given} columns where the teacher reads {expected}")
        if not len(asked.item_keys) and asked.others is None:
            raise MessageCorrupt("a demand for nothing")
        return asked

    async def plan(self, batch: Sequence[InHand]) -> Plan:
        if self._follower is not None:
            await self._follower.catch_up()
        users = await self._read({message.demand.user_id for message in batch})
        # What waited is answered as of now: its time, and what it waited by the server's clock.
        at_ms = [message.demand.as_of_ms + self._clock.waited_ms(message.id) for message in batch]
        return self._planner.plan(batch, at_ms, users)

    async def judge(self, plan: Plan) -> Verdict:
        """In runs of at most the batch size of the moment."""
        if not plan.jobs:
            return Verdict(plan, {}, plan.outcomes)
        runs = []
        for wanted in chunked([job.wanted for job in plan.jobs], self._size.pairs):
            started = time.perf_counter()
            runs.append(await self._teacher.judge(wanted))
            seconds = time.perf_counter() - started
            self._size.took(sum(len(each.item_keys) for each in wanted), seconds)
            self._tally.add("seconds", "teacher", seconds)
            self._tally.add("runs", "teacher", 1)
        return self._verdict(plan, Judged(*map(np.concatenate, zip(*runs, strict=True))))

    async def write(self, verdict: Verdict) -> frozenset[str]:
        """Users whose pages somebody else kept changing; the rest is stored."""
        plan = verdict.plan
        held = {user: plan.users[user].held for user in verdict.fresh}
        unwritten = await self._pages.write(verdict.fresh, held)
        written = verdict.of_users(plan.users.keys() - unwritten)
        self._planner.remember(written.plan)
        if self._items is not None:
            self._items.add(written.words)
        return unwritten

    def is_stranger(self, user: User) -> bool:
        """Whether there is no usable record of a user that `plan` read."""
        return user.state is self._stranger

    async def _read(self, user_ids: set[str]) -> dict[str, User]:
        """Records and pages of all users in one round trip."""
        ids = sorted(user_ids)
        keys = [record_key(user) for user in ids] + [self._pages.key(user) for user in ids]
        values = await self._store.get_many(keys)
        records, pages = values[: len(ids)], values[len(ids) :]
        return {
            user: User(self._state(value), held_page(held, self._widths))
            for user, value, held in zip(ids, records, pages, strict=True)
        }

    def _state(self, value: bytes | None) -> UserRecord:
        """A user without a usable record is a stranger to the teacher, as to the student."""
        if value is None:
            return self._stranger
        try:
            decoded = record.decode(value)
        except RecordCorrupt:
            return self._stranger
        return decoded if decoded.fingerprint == self._stranger.fingerprint else self._stranger

    def _verdict(self, plan: Plan, judged: Judged) -> Verdict:
        """Rows that are not finite are left out and counted."""
        finite = _finite(judged)
        outcomes = [outcomes.copy() for outcomes in plan.outcomes]
        fresh: dict[str, Fresh] = {}
        words: list[ItemWords] = []
        for job, part in zip(plan.jobs, _parts(plan.jobs), strict=True):
            paired = slice(part.start, part.start + len(job.pair_keys))
            rows = np.flatnonzero(finite[paired])
            outcomes[job.position][Outcome.COMPUTED] = len(rows)
            outcomes[job.position][Outcome.NOT_FINITE] = len(job.pair_keys) - len(rows)
            entries = Entries.of(
                job.pair_keys[rows],
                np.full(len(rows), job.wanted.at_ms),
                judged.logit[paired][rows],
                judged.z[paired][rows],
                self._pages.rules.precision,
            )
            past = Spoken(job.past_ms, judged.z[paired.stop : part.stop])
            self._tally.add("pairs", "past", len(job.past_ms))
            said = Fresh(entries, past, plan.batch[job.position].token)
            if len(rows):
                fresh[job.user_id] = _joined(fresh.get(job.user_id), said)
                items, at_ms = job.wanted.item_keys[rows], job.wanted.at_ms
                words.append(ItemWords(job.user_id, items, at_ms, judged.z[paired][rows]))
        return Verdict(plan, fresh, outcomes, words)


def _finite(judged: Judged) -> Mask:
    rows = np.concatenate([judged.z, judged.logit], axis=1)
    finite: Mask = np.isfinite(rows).all(axis=1)
    return finite


def _parts(jobs: Sequence[Job]) -> list[slice]:
    ends = list(accumulate(len(job.wanted.item_keys) for job in jobs))
    return [slice(start, end) for start, end in pairwise([0, *ends])]


def _joined(before: Fresh | None, after: Fresh) -> Fresh:
    """Of one user, whose past the first of its jobs spoke of."""
    if before is None:
        return after
    both = before.entries.followed_by(after.entries).newest_of_each_pair()
    return before._replace(entries=both)
