"""The refresher: demand in, the teacher's word into pages."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cache import demand, record
from cache.arrays import I64, U64, Mask
from cache.clock import wall_clock_ms
from cache.demand import Demand, Received
from cache.entries import Entries
from cache.errors import MessageCorrupt, RecordCorrupt
from cache.keys import pair_keys, record_key
from cache.page import Page
from cache.record import UserRecord, empty_record
from cache.refresh.follower import ItemFollower
from cache.refresh.pages import HeldPage, PageWriter, held_page
from cache.refresh.stacked import Wanted
from cache.refresh.tally import Tally
from cache.refresh.teacher import Judge, Judged
from cache.store import Store
from cache.tiers import TtlPolicy
from models.schema import LogSchema, categorical, numbers


class _User(NamedTuple):
    state: UserRecord
    held: HeldPage


class _Job(NamedTuple):
    """What is left of one demand once fresh pairs are out."""

    user_id: str
    pair_keys: U64
    wanted: Wanted


class Refresher:
    """Work for a Consumer of one space's demand stream."""

    def __init__(
        self,
        store: Store,
        teacher: Judge,
        schema: LogSchema,
        pages: PageWriter,
        ttl: TtlPolicy,
        tally: Tally,
        follower: ItemFollower | None = None,
        wall_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._store = store
        self._teacher = teacher
        self._schema = schema
        self._pages = pages
        self._ttl = ttl
        self._tally = tally
        self._follower = follower
        self._wall_ms = wall_ms
        self._stranger = empty_record(
            len(categorical(schema.user)),
            len(numbers(schema.user)),
            len(schema.tasks),
            schema.fingerprint(),
        )

    def decode(self, body: bytes) -> Received:
        """Raises MessageCorrupt, also for a context of another log schema."""
        received = demand.decode(body)
        context = self._schema.context
        expected = len(categorical(context)), len(numbers(context))
        given = len(received.demand.context), len(received.demand.context_numbers)
        if given != expected:
            raise MessageCorrupt(f"context of {given} columns where the teacher reads {expected}")
        return received

    async def process(self, values: Sequence[Received]) -> list[bool]:
        if self._follower is not None:
            await self._follower.catch_up()
        users = await self._read({received.demand.user_id for received in values})
        jobs = self._jobs(values, users)
        failed = await self._answer(jobs, users) if jobs else frozenset()
        return [received.demand.user_id not in failed for received in values]

    async def _read(self, user_ids: set[str]) -> dict[str, _User]:
        """Records and pages of all users in one round trip."""
        ids = sorted(user_ids)
        keys = [record_key(user) for user in ids] + [self._pages.key(user) for user in ids]
        values = await self._store.get_many(keys)
        records, pages = values[: len(ids)], values[len(ids) :]
        return {
            user: _User(self._state(value), held_page(held))
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

    def _jobs(self, values: Sequence[Received], users: Mapping[str, _User]) -> list[_Job]:
        now_ms = self._wall_ms()
        planned: dict[str, U64] = {}
        jobs = []
        for asked, enqueued_ms in values:
            at_ms = asked.as_of_ms + max(now_ms - enqueued_ms, 0)
            pairs = pair_keys(asked.item_keys, asked.context)
            before = planned.get(asked.user_id, np.zeros(0, np.uint64))
            is_new = ~np.isin(pairs, before) & ~self._is_fresh(
                users[asked.user_id].held.page, pairs, at_ms
            )
            self._tally.add("pairs", "fresh", len(pairs) - int(is_new.sum()))
            if is_new.any():
                planned[asked.user_id] = np.concatenate([before, pairs[is_new]])
                jobs.append(_job(asked, users[asked.user_id].state, at_ms, pairs, is_new))
        return jobs

    def _is_fresh(self, page: Page | None, pairs: U64, at_ms: int) -> Mask:
        if page is None or not len(page.pair_keys):
            return np.zeros(len(pairs), np.bool_)
        rows = np.searchsorted(page.pair_keys, pairs)
        rows[rows == len(page.pair_keys)] = 0
        age_ms = at_ms - page.computed_at_ms()[rows]
        fresh: Mask = (page.pair_keys[rows] == pairs) & (age_ms <= self._ttl.soft_s * 1000)
        return fresh

    async def _answer(self, jobs: Sequence[_Job], users: Mapping[str, _User]) -> frozenset[str]:
        started = time.perf_counter()
        judged = await asyncio.to_thread(self._teacher.judge, [job.wanted for job in jobs])
        self._tally.add("seconds", "teacher", time.perf_counter() - started)
        fresh = self._entries(jobs, judged)
        held = {user: users[user].held for user in fresh}
        return await self._pages.write(fresh, held)

    def _entries(self, jobs: Sequence[_Job], judged: Judged) -> dict[str, Entries]:
        """By user; rows that are not finite are left out and counted."""
        finite = _finite(judged)
        self._tally.add("pairs", "computed", int(finite.sum()))
        self._tally.add("pairs", "not_finite", len(finite) - int(finite.sum()))
        sizes = [len(job.pair_keys) for job in jobs]
        pairs = np.concatenate([job.pair_keys for job in jobs])
        at_ms: I64 = np.repeat([job.wanted.at_ms for job in jobs], sizes)
        names = [job.user_id for job in jobs]
        owner = np.repeat([names.index(name) for name in names], sizes)
        fresh = {}
        for first in np.unique(owner[finite]):
            rows = np.flatnonzero(finite & (owner == first))
            fresh[names[first]] = Entries.of(
                pairs[rows], at_ms[rows], judged.logit[rows], judged.z[rows], self._pages.precision
            )
        return fresh


def _finite(judged: Judged) -> Mask:
    rows = np.concatenate([judged.z, judged.logit], axis=1)
    finite: Mask = np.isfinite(rows).all(axis=1)
    return finite


def _job(asked: Demand, state: UserRecord, at_ms: int, pairs: U64, is_new: Mask) -> _Job:
    wanted = Wanted(state, at_ms, asked.context, asked.context_numbers, asked.item_keys[is_new])
    return _Job(asked.user_id, pairs[is_new], wanted)
