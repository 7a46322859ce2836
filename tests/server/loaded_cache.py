"""What ingest and a refresher leave in the cache, written directly."""

from collections.abc import Mapping, Sequence

import numpy as np
import redis

from cache import page, record
from cache.entries import Entries, aggregate_of
from cache.keys import page_key, pair_keys, record_key
from cache.quantise import Precision
from cache.record import UserRecord
from cache.sequence import Spoken, lengthened
from models.features.hashing import key64, keys64
from models.features.records import F32
from models.features.snapshot import UsersSnapshot
from tests.bundles import SPACE


def write(url: str, values: Mapping[bytes, bytes]) -> None:
    with redis.Redis.from_url(url) as client:
        client.mset(dict(values))


def clear(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()


def records_of(users: UsersSnapshot) -> dict[bytes, bytes]:
    return {
        record_key(user_id): record.encode(record_of(users, position))
        for position, user_id in enumerate(users.user_ids)
    }


def record_of(users: UsersSnapshot, position: int) -> UserRecord:
    events = slice(users.history_offsets[position], users.history_offsets[position + 1])
    return UserRecord(
        columns=users.columns[position],
        numbers=users.numbers[position],
        counters=users.counters[position],
        counters_at=int(users.counters_at[position]),
        items=users.history_items[events],
        times_ms=users.history_times_ms[events],
        outcomes=users.history_outcomes[events],
        event_ids=np.zeros(0, np.uint64),
        version=1,
        fingerprint=users.schema.fingerprint(),
    )


def page_of(
    user_id: str,
    item_ids: Sequence[str],
    z: F32,
    logit: F32,
    at_ms: int,
    placement: str = "feed",
    past: Spoken | None = None,
) -> dict[bytes, bytes]:
    keys = pair_keys(keys64(item_ids), [key64(placement)])
    order = np.argsort(keys)
    computed_at = np.full(len(keys), at_ms, np.int64)
    entries = Entries.of(keys[order], computed_at, logit[order], z[order], Precision.FP16)
    said = past or Spoken(np.zeros(0, np.int64), np.zeros((0, z.shape[1]), np.float32))
    sequence = lengthened(None, said, alive_since_ms=0, limit=50)
    data = page.encode(entries, aggregate_of(entries), sequence, version=1, fence=1)
    return {page_key(user_id, SPACE): data}
