"""Fills a space that nobody is answered from yet: what requests ask of the served space is asked of
it too, behind their backs."""

import asyncio
from collections import deque
from typing import Final, NamedTuple

import numpy as np

from cache.demand import Demand
from cache.demand_feed import DemandFeed
from cache.keys import pair_keys
from cache.page import Page
from cache.reader import CacheReader
from cache.standing import Standing
from cache.tiers import PAIR, Lookup, Resolved, TtlPolicy, resolve
from models.schema import FeatureSchema
from server.demanded import demand_of
from server.ranked import Ranked

WAITING: Final = 256
"""Requests; the oldest leave. A sample is enough to judge by, and a pair that is asked for often
comes again."""


class Mirrored(NamedTuple):
    demand: Demand  # of all candidates in the catalogue
    held: int  # candidates with a pair in the space that is served


class Mirror:
    """`reader` and `feed` are of the space to come; its student's schema says what is read."""

    def __init__(
        self, schema: FeatureSchema, ttl: TtlPolicy, reader: CacheReader, feed: DemandFeed | None
    ) -> None:
        self._schema = schema
        self._ttl = ttl
        self._reader = reader
        self._feed = feed
        self._waiting: deque[Mirrored] = deque(maxlen=WAITING)
        self._offered = asyncio.Event()
        self._standing = Standing()

    def offer(self, ranked: Ranked) -> None:
        """When the cache was not read nobody knows what the served space holds."""
        if ranked.cache_reason is None:
            known = np.flatnonzero(ranked.assembled.known)
            held = ranked.assembled.summary.by_tier[PAIR]
            self._waiting.append(Mirrored(demand_of(ranked, known), held))
            self._offered.set()

    async def run(self) -> None:
        """Until cancelled. One request at a time, so that answers never wait for several."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            while self._waiting:
                await self._reflect(*self._waiting.popleft())

    def counts(self) -> dict[str, int]:
        """Candidates since it was begun."""
        return self._standing._asdict()

    def _count(self, seen: Standing) -> None:
        self._standing = self._standing.plus(seen)

    async def _reflect(self, asked: Demand, held: int) -> None:
        seen = len(asked.item_keys)
        if self._feed is None:  # a student that reads no teacher lacks nothing
            self._count(Standing(seen, held, seen))
            return
        found = await self._reader.read(asked.user_id)
        if found.reason is not None:
            return
        resolved = self._resolved(asked, found.page)
        ready = int((resolved.tier == PAIR).sum())
        self._count(Standing(seen, held, ready))
        wanted = np.flatnonzero(resolved.wanted)
        if len(wanted):
            self._feed.offer(asked.only(wanted))

    def _resolved(self, asked: Demand, page: Page | None) -> Resolved:
        pairs = pair_keys(asked.item_keys, asked.context)
        schema = self._schema
        lookup = Lookup(page, pairs, asked.as_of_ms)
        return resolve([lookup], self._ttl, schema.teacher_dim, len(schema.log.tasks))
