"""A worker that speculates, on a real server, in a time that passes only when told to."""

from typing import Final

import numpy as np

from cache.demand import HIT, Demand, Others
from cache.keys import pair_keys
from cache.redis_streams import RedisStreams
from cache.refresh.attempt import Attempts
from cache.refresh.intake import Intake
from cache.refresh.refresh_loop import RefreshLoop
from cache.refresh.settling import Settling
from cache.refresh.speculation.speculation import Speculation
from cache.refresh.speculation.speculator import Speculator
from cache.refresh.teacher import Judge
from cache.refresh.teacher_thread import ENDLESS, Patience
from cache.store import Store
from cache.tiers import TtlPolicy
from models.features.hashing import key64
from models.speculation.policy import Policy
from models.speculation.scheduler import Budget
from tests.cache.fake_clock import FakeClock
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.live_space import SPACE, Hired, LiveSpace

TTL: Final = TtlPolicy(soft_s=600.0, hard_s=3600.0)
AMPLE: Final = Budget(pairs_per_s=1e6)


class Foreseeing(Hired):
    """`time` is the requests'; leases and messages keep the server's."""

    def __init__(
        self,
        space: LiveSpace,
        policy: Policy,
        name: bytes = b"one",
        teacher: Judge | None = None,
        *,
        ttl: TtlPolicy = TTL,
        budget: Budget = AMPLE,
        store: Store | None = None,
        patience: Patience = ENDLESS,
    ) -> None:
        super().__init__(space, name, teacher, ttl=ttl, store=store, patience=patience)
        self.time = FakeClock()
        self.speculator = Speculator(policy, budget, ttl, self.tally, self.time)
        settling = Settling(self.own, self.backlog, self.tally)
        self.foresight = Speculation(self.speculator, self.refresher, settling, self.server_clock)
        self.intake = Intake(
            self.backlog, self.refresher.decode, self.hand, listener=self.foresight.hear
        )
        self.attempts = Attempts(
            SPACE, settling, self.backlog, self.refresher, RedisStreams(space.client),
            self.server_clock, self.tally, ttl.hard_s, self.speculator.demanded,
        )  # fmt: skip
        self.loop = RefreshLoop(
            self.own, self.intake, self.hand, self.size, self.attempts, self.backlog, self.tally,
            self.foresight,
        )  # fmt: skip

    async def works(self) -> None:
        """Until no demand is left."""
        await self.own.tick()
        while True:
            await self.intake.refill(self.own.leases(), 0)
            if not (self.hand or self.intake.rubbish or self.intake.heard):
                return
            await self.loop.step()

    async def idles(self, seconds: float) -> None:
        """So long without demand: one plan, and then all that there is budget for."""
        self.time.now += seconds
        await self.foresight.step(self.own.leases(), self.size.pairs)
        self.time.now += 0.01
        await self.foresight.step(self.own.leases(), self.size.pairs)
        while self.foresight.wait_ms(500) == 0:
            await self.foresight.step(self.own.leases(), self.size.pairs)


def told(demand: Demand, hits: int) -> Demand:
    """With its first candidates as hits that nothing is asked of."""
    standing = np.zeros(len(demand.item_keys), np.uint8)
    standing[:hits] = HIT
    none = Others(np.zeros(0, np.uint64), np.zeros(0, np.float32), standing)
    return demand._replace(others=none).asking(standing != HIT)


def made(user_id: str, items: range, hits: int = 0, at_ms: int = 0) -> Demand:
    return told(make_demand(user_id, items, at_ms or make_demand().as_of_ms), hits)


async def held(space: LiveSpace, user_id: str) -> set[int]:
    page = await space.page(user_id)
    return set() if page is None else set(page.pair_keys.tolist())


def keys_of(items: range, context: str = "feed") -> set[int]:
    fold = np.array([key64(context)], np.uint64)
    return set(pair_keys(make_demand(items=items).item_keys, fold).tolist())


def closes(worker: Foreseeing) -> bool:
    made = worker.speculator
    return made.selected == made.computed + made.waiting + made.dropped.total()
