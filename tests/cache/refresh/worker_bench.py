"""A refresher over a store in memory, and a teacher that counts."""

from collections.abc import Sequence

import numpy as np

from cache import page
from cache.demand import Demand, Received
from cache.memory_store import MemoryStore
from cache.page import Page
from cache.refresh.follower import ItemFollower
from cache.refresh.pages import PageWriter
from cache.refresh.stacked import Wanted
from cache.refresh.tally import Tally
from cache.refresh.teacher import Judge, Judged
from cache.refresh.worker import Refresher
from cache.tiers import TtlPolicy
from tests.bundles import log_schema

TTL = TtlPolicy(soft_s=60.0, hard_s=600.0)
WALL_MS = 1_800_000_000_000


class Counting:
    """z and logit are 1, 2, 3, … in the order of judgement; those in `broken` are NaN."""

    trained_until_ms = 0

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []
        self.broken: set[int] = set()

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        self.wanted += wanted
        number = np.arange(1, 1 + sum(len(each.item_keys) for each in wanted), dtype=np.float32)
        z, logit = np.tile(number[:, None] / np.float32(8), 8), np.tile(number[:, None], 2)
        for row in self.broken:
            z[row, 3], logit[row, 0] = np.nan, np.inf
        return Judged(z, logit)


class Bench:
    def __init__(self, teacher: Judge | None = None, follower: ItemFollower | None = None) -> None:
        self.store = MemoryStore()
        self.tally = Tally("refresh")
        self.counting = Counting()
        self.pages = PageWriter(self.store, "space", TTL, self.tally, entry_limit=20)
        self.wall_ms = WALL_MS
        self.refresher = Refresher(
            self.store, teacher or self.counting, log_schema(), self.pages, TTL, self.tally,
            follower, wall_ms=lambda: self.wall_ms,
        )  # fmt: skip

    async def ask(self, *demands: Demand) -> list[bool]:
        return await self.refresher.process([Received(asked, WALL_MS) for asked in demands])

    async def page(self, user_id: str = "user-1") -> Page | None:
        [value] = await self.store.get_many([self.pages.key(user_id)])
        return None if value is None else page.decode(value)

    def pairs(self, outcome: str) -> float:
        return self.tally.counts["pairs", outcome]
