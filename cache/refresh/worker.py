"""The refresher: demand in, the teacher's word into pages."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
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
from cache.refresh.pages import Fresh, HeldPage, PageWriter, held_page
from cache.refresh.stacked import Wanted
from cache.refresh.tally import Tally
from cache.refresh.teacher import Judge, Judged
from cache.sequence import Impressions, Spoken, unspoken
from cache.store import Store
from cache.tiers import TtlPolicy
from models.schema import LogSchema, categorical, numbers


class _User(NamedTuple):
    state: UserRecord
    held: HeldPage


class _Job(NamedTuple):
    """What is left of one demand once fresh pairs are out, and past impressions to speak of."""

    user_id: str
    pair_keys: U64  # [P] of the first items wanted
    past_ms: I64  # [K] times of the impressions, which are the last items wanted
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
                is_first = asked.user_id not in planned
                planned[asked.user_id] = np.concatenate([before, pairs[is_new]])
                past = self._unspoken(users[asked.user_id], at_ms, is_first)
                jobs.append(_job(asked, users[asked.user_id].state, at_ms, pairs, is_new, past))
        return jobs

    def _unspoken(self, user: _User, at_ms: int, is_first: bool) -> Impressions:
        """What this refresh is the first to speak of; another demand of the batch may have."""
        state, held, policy = user.state, user.held.page, self._pages.sequence
        until = int(np.searchsorted(state.times_ms, at_ms)) if is_first else 0
        past = Impressions(state.items[:until], state.times_ms[:until])
        return unspoken(
            past,
            held and held.sequence,
            since_ms=self._teacher.trained_until_ms,
            limit=policy.length,
        )

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
        fresh = self._fresh(jobs, judged)
        held = {user: users[user].held for user in fresh}
        return await self._pages.write(fresh, held)

    def _fresh(self, jobs: Sequence[_Job], judged: Judged) -> dict[str, Fresh]:
        """By user; rows that are not finite are left out and counted."""
        finite = _finite(judged)
        fresh: dict[str, Fresh] = {}
        for job, part in zip(jobs, _parts(jobs), strict=True):
            paired = slice(part.start, part.start + len(job.pair_keys))
            rows = np.flatnonzero(finite[paired])
            self._tally.add("pairs", "computed", len(rows))
            self._tally.add("pairs", "not_finite", len(job.pair_keys) - len(rows))
            entries = Entries.of(
                job.pair_keys[rows],
                np.full(len(rows), job.wanted.at_ms),
                judged.logit[paired][rows],
                judged.z[paired][rows],
                self._pages.precision,
            )
            past = Spoken(job.past_ms, judged.z[paired.stop : part.stop])
            self._tally.add("pairs", "past", len(job.past_ms))
            if len(rows):
                fresh[job.user_id] = _joined(fresh.get(job.user_id), Fresh(entries, past))
        return fresh


def _finite(judged: Judged) -> Mask:
    rows = np.concatenate([judged.z, judged.logit], axis=1)
    finite: Mask = np.isfinite(rows).all(axis=1)
    return finite


def _job(
    asked: Demand, state: UserRecord, at_ms: int, pairs: U64, is_new: Mask, past: Impressions
) -> _Job:
    items = np.concatenate([asked.item_keys[is_new], past.items])
    wanted = Wanted(state, at_ms, asked.context, asked.context_numbers, items)
    return _Job(asked.user_id, pairs[is_new], past.at_ms, wanted)


def _parts(jobs: Sequence[_Job]) -> list[slice]:
    ends = list(accumulate(len(job.wanted.item_keys) for job in jobs))
    return [slice(start, end) for start, end in pairwise([0, *ends])]


def _joined(before: Fresh | None, after: Fresh) -> Fresh:
    """Of one user, whose past the first of its jobs spoke of."""
    if before is None:
        return after
    both = before.entries.followed_by(after.entries).newest_of_each_pair()
    return Fresh(both, before.past)
