"""Users with requests that a lane answered, over hints that are the teacher's own."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from cache.breaker import CircuitBreaker
from cache.events import IMPRESSION, Event
from cache.keys import record_key
from cache.memory_store import MemoryStore
from cache.record import UserRecord, encode
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Teacher
from cache.refresh.worth_judge import Judge, Judged
from cache.served import Served
from models.features.hashing import key64, keys64
from models.features.live_catalogue import LiveCatalogue
from models.runtime import load
from server.cache_links import CacheLinks
from server.lane import build_lane, load_model
from server.metrics import Metrics
from tests.bundles import ITEMS, NOW_MS, rank_body, tiny_catalogue, tiny_users
from tests.server.kept import Keeping
from tests.server.live import settings_for
from tests.server.loaded_cache import page_of, record_of

CANDIDATES = 12


class World(NamedTuple):
    store: MemoryStore
    keeping: Keeping
    judge: Judge

    async def served(self, users: int, **extra: object) -> list[Served]:
        """One request each, of users 0 and on."""
        bodies = [body_of(number) | extra for number in range(users)]
        await self.keeping.answer(*bodies)
        return await self.keeping.kept()


def body_of(number: int) -> dict[str, object]:
    fixed = {"timestamp_ms": NOW_MS, "request_id": f"r-{number}", "deadline_ms": 30_000.0}
    return rank_body(f"user-{number}", CANDIDATES, seed=number) | fixed


def record_for(number: int, events: int) -> UserRecord:
    """With so many past events, the last a second before the request."""
    rng = np.random.default_rng(number)
    held = record_of(tiny_users(), number % 20)
    return held._replace(
        items=keys64([f"item-{item}" for item in rng.integers(0, ITEMS, events)]),
        times_ms=NOW_MS - 1000 - np.arange(events, dtype=np.int64)[::-1] * 60_000,
        outcomes=rng.choice(np.array([1, 3], np.uint8), events),
    )


async def make_world(student: Path, teacher: Path, users: int, events: int = 3) -> World:
    """Every other candidate has the hint that a refresher would have left at the request's time."""
    catalogue, store = tiny_catalogue(), MemoryStore()
    judging = Teacher(load(teacher), catalogue)
    for number in range(users):
        record = record_for(number, events)
        items = list(map(str, body_of(number)["item_ids"]))[::2]  # type: ignore[call-overload]
        context = np.array([key64("feed")], np.uint64), np.array([320.0], np.float32)
        said = judging.judge([Wanted(record, NOW_MS, *context, keys64(items))])
        user = f"user-{number}"
        values = page_of(user, items, said.z, said.logit, NOW_MS)
        await store.put_many(values | {record_key(user): encode(record)}, None)
    links = CacheLinks(settings_for(student), store, CircuitBreaker(), None, None)
    model, _ = load_model(links.settings, student)
    lane = build_lane("stable", student, model, catalogue, links, Metrics())
    taught = load(teacher)
    live = LiveCatalogue(taught.manifest.features, tiny_catalogue())
    return World(store, Keeping(lane), Judge(model, taught, live))


def happenings(judged: Judged, seed: int) -> list[Event]:
    """Every candidate is shown; clicks are drawn by the teacher's word."""
    rng = np.random.default_rng(seed)
    events = []
    for item, probability in zip(judged.item_ids, judged.teacher, strict=True):
        kinds = [IMPRESSION] + ["click"] * int(rng.random() < probability)
        for after_ms, kind in enumerate(kinds, 1):
            name = f"{kind}-{judged.user_id}-{item}"
            events.append(Event(name, kind, judged.user_id, item, judged.at_ms + after_ms * 1000))
    return events
