"""Demands and users that fit tests.bundles.log_schema."""

from collections.abc import Sequence

import numpy as np

from cache.demand import Demand
from cache.record import UserRecord
from cache.refresh.stacked import Wanted
from models.features.hashing import key64, keys64
from tests.bundles import NOW_MS, log_schema


def make_record(seed: int = 0, events: int = 5, version: int = 1) -> UserRecord:
    rng = np.random.default_rng(seed)
    return UserRecord(
        columns=np.array([key64("regular")], np.uint64),
        numbers=np.array([12.0], np.float32),
        counters=rng.random(3) * 9,
        counters_at=NOW_MS - 60_000,
        items=keys64([f"item-{number}" for number in rng.integers(0, 300, events)]),
        times_ms=NOW_MS - 1000 * np.arange(events, 0, -1),
        outcomes=rng.integers(1, 8, events).astype(np.uint8),
        event_ids=np.zeros(0, np.uint64),
        version=version,
        fingerprint=log_schema().fingerprint(),
    )


def make_demand(
    user_id: str = "user-1", items: Sequence[int] = range(5), at: int = NOW_MS
) -> Demand:
    return Demand(
        user_id,
        as_of_ms=at,
        context=np.array([key64("feed")], np.uint64),
        context_numbers=np.array([320.0], np.float32),
        item_keys=keys64([f"item-{number}" for number in items]),
        scores=np.zeros(len(items), np.float32),
    )


def make_wanted(items: Sequence[int] = range(5), seed: int = 0, events: int = 5) -> Wanted:
    asked = make_demand(items=items)
    record = make_record(seed, events)
    return Wanted(record, NOW_MS, asked.context, asked.context_numbers, asked.item_keys)
