"""A refresher over a store in memory, and a teacher that counts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from cache import page
from cache.account import Outcome
from cache.demand import Demand
from cache.memory_store import MemoryStore
from cache.page import Page
from cache.refresh.batch_size import BatchSize
from cache.refresh.follower import ItemFollower
from cache.refresh.hand import InHand
from cache.refresh.pages import PageRules, PageWriter
from cache.refresh.server_clock import ServerClock
from cache.refresh.stacked import Wanted
from cache.refresh.tally import Tally
from cache.refresh.teacher import Judge, Judged, Teacher
from cache.refresh.worker import Refresher
from cache.tiers import TtlPolicy
from tests.bundles import log_schema
from tests.cache.fake_clock import FakeClock

TTL = TtlPolicy(soft_s=60.0, hard_s=600.0)
SERVER_MS = 1_800_000_000_000


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
    """`clock` counts seconds, and the server's with it."""

    def __init__(self, teacher: Judge | None = None, follower: ItemFollower | None = None) -> None:
        self.store = MemoryStore()
        self.tally = Tally("refresh")
        self.counting = Counting()
        self.pages = PageWriter(self.store, "space", PageRules(TTL, entries=20), self.tally)
        self.clock = FakeClock()
        server_clock = ServerClock(self.clock)
        server_clock.told(SERVER_MS)
        self.size = BatchSize(50.0, 4096)
        self.refresher = Refresher(
            self.store, teacher or self.counting, log_schema(), self.pages, TTL, self.tally,
            server_clock, self.size, follower=follower,
            widths=teacher.widths if isinstance(teacher, Teacher) else None,
        )  # fmt: skip
        self.outcomes: Counter[str] = Counter()

    async def ask(self, *demands: Demand, token: int = 1) -> list[bool]:
        """Whose pages are written, of demands that the server took at SERVER_MS."""
        batch = [
            InHand(0, token, b"%d-%d" % (SERVER_MS, number), b"", asked, 0, 0.0)
            for number, asked in enumerate(demands)
        ]
        verdict = await self.refresher.judge(await self.refresher.plan(batch))
        unwritten = await self.refresher.write(verdict)
        for outcomes in verdict.outcomes:
            self.outcomes.update(outcomes)
        return [asked.user_id not in unwritten for asked in demands]

    async def page(self, user_id: str = "user-1") -> Page | None:
        [value] = await self.store.get_many([self.pages.key(user_id)])
        return None if value is None else page.decode(value)

    def pairs(self, outcome: str) -> float:
        return self.outcomes[Outcome(outcome)]
