"""A lane over a loaded cache in memory, and what it keeps of its answers."""

import asyncio
from typing import Any, NamedTuple

import msgspec
import numpy as np

from cache.breaker import CircuitBreaker
from cache.keys import SERVED_STREAM
from cache.memory_store import MemoryStore
from cache.memory_streams import MemoryStreams
from cache.sequence import Spoken
from cache.served import Served, decode
from cache.served_feed import ServedFeed
from cache.streams import START
from models.features.build import group_side
from models.features.grouping import grouped_in_order
from models.features.records import Arrays
from server.cache_links import CacheLinks
from server.lane import Lane, build_lane, load_model
from server.metrics import Metrics
from server.ranked import Ranked
from server.served_log import ServedLog
from server.stages import StageClock
from server.wire import RankAnswer, RankRequest
from tests.bundles import NOW_MS, rank_body, tiny_users
from tests.server.conftest import Served as ServedFolder
from tests.server.live import settings_for
from tests.server.loaded_cache import page_of, records_of


class Answered(NamedTuple):
    ranked: Ranked
    answer: RankAnswer


class Keeping:
    """A lane whose answers are kept as a gateway keeps them, in a stream in memory."""

    def __init__(self, lane: Lane, share: float = 1.0) -> None:
        self.lane = lane
        self.streams = MemoryStreams()
        self.log = ServedLog(ServedFeed(self.streams), lane.model, share)
        lane.feedback.served = self.log

    async def answer(self, *bodies: dict[str, Any]) -> list[Answered]:
        """All at once, so that they are assembled together."""
        return await asyncio.gather(*map(self._answer, bodies))

    async def kept(self) -> list[Served]:
        await self.log.feed.flush()
        messages = await self.streams.read_after(SERVED_STREAM, START, 1000, 0)
        return [decode(message.body) for message in messages]

    async def _answer(self, body: dict[str, Any]) -> Answered:
        clock = StageClock()
        ranked = await self.lane.ranker.rank(msgspec.convert(body, RankRequest), clock)
        answer = self.lane.answers.write(ranked)
        self.lane.feedback.tell(ranked, answer, clock)
        return Answered(ranked, answer)


async def loaded_lane(folder: ServedFolder, *, taught: bool = True) -> Lane:
    """Of users known, with pages of hints for the first half of `body_of`'s candidates."""
    store = MemoryStore()
    await store.put_many(records_of(tiny_users()), None)
    for number in range(4):
        await store.put_many(page_for(f"user-{number}"), None)
    bundle = folder.student if taught else folder.alone
    links = CacheLinks(settings_for(bundle), store, CircuitBreaker(), None, None)
    model, catalogue = load_model(links.settings, bundle)
    return build_lane("stable", bundle, model, catalogue, links, Metrics())


def body_of(number: int, count: int = 20, **extra: Any) -> dict[str, Any]:
    fixed = {"timestamp_ms": NOW_MS, "request_id": f"request-{number}", "deadline_ms": 30_000.0}
    return rank_body(f"user-{number}", count, seed=number) | fixed | extra


def page_for(user_id: str) -> dict[bytes, bytes]:
    number = int(user_id.rpartition("-")[2])
    rng = np.random.default_rng(number)
    items = body_of(number)["item_ids"][:10]
    users = tiny_users()
    times = users.history_times_ms[3 * number : 3 * number + 3]
    z, logit = rng.normal(size=(10, 8)), rng.normal(size=(10, 2))
    past = Spoken(times, np.tanh(rng.normal(size=(3, 8))).astype(np.float32))
    hints = z.astype(np.float32), logit.astype(np.float32)
    return page_of(user_id, items, *hints, NOW_MS - 60_000, past=past)


def alone(kept: Served) -> Arrays:
    """The model's inputs of a kept request: what was kept, and the layout of a batch of one."""
    count = len(kept.item_ids)
    layout = {"request_index": np.zeros(count, np.int64)} | group_side(grouped_in_order([count]))
    return kept.user_side | kept.candidate_side | layout
