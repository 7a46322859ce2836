"""What users of a shape take in a real server: written there and asked for."""

import numpy as np
from redis.asyncio import Redis

from cache import page, record
from cache.entries import Entries, aggregate_of
from cache.keys import page_key, record_key
from cache.record import UserRecord
from cache.sequence import PastSequence, Spoken, lengthened, no_sequence
from cache.sizing.workload import Measured, Shape

USERS = 500
NOW_MS = 1_760_000_000_000
SPACE = "0123456789abcdef"
TTL_MS = 86_400_000
COLUMNS = 8


async def measured(client: Redis, shape: Shape) -> Measured:
    """Of an empty server. Full pages: a user who is seldom asked for takes less."""
    before = await _used_bytes(client)
    rng, pages, records = np.random.default_rng(0), 0, 0
    for number in range(USERS):
        user = f"user-{number:08d}"
        of_page, of_record = _page(rng, shape), _record(rng, shape)
        await client.set(page_key(user, SPACE), of_page, px=TTL_MS)
        await client.set(record_key(user), of_record)
        pages, records = pages + len(of_page), records + len(of_record)
    grown = await _used_bytes(client) - before
    return Measured(pages / USERS, records / USERS, grown / USERS)


async def _used_bytes(client: Redis) -> int:
    return int((await client.info("memory"))["used_memory_dataset"])


def _page(rng: np.random.Generator, shape: Shape) -> bytes:
    keys = rng.integers(1, 1 << 63, shape.entries).astype(np.uint64)
    z = np.tanh(rng.normal(size=(shape.entries, shape.dim))).astype(np.float32)
    logit = rng.normal(size=(shape.entries, shape.tasks)).astype(np.float32)
    at_ms = NOW_MS - rng.integers(0, 3_600_000, shape.entries)
    held = Entries.of(keys, at_ms, logit, z, shape.precision)
    return page.encode(held, aggregate_of(held), _sequence(rng, shape), version=1, fence=1)


def _sequence(rng: np.random.Generator, shape: Shape) -> PastSequence:
    if not shape.sequence:
        return no_sequence(shape.dim)
    z = np.tanh(rng.normal(size=(shape.sequence, shape.dim))).astype(np.float32)
    spoken = Spoken(NOW_MS - np.arange(shape.sequence, 0, -1), z)
    return lengthened(None, spoken, alive_since_ms=0, limit=shape.sequence)


def _record(rng: np.random.Generator, shape: Shape) -> bytes:
    return record.encode(
        UserRecord(
            columns=rng.integers(1, 1 << 63, COLUMNS).astype(np.uint64),
            numbers=rng.normal(size=2).astype(np.float32),
            counters=rng.random(1 + shape.tasks),
            counters_at=NOW_MS,
            items=rng.integers(1, 1 << 63, shape.events).astype(np.uint64),
            times_ms=NOW_MS - np.arange(shape.events, 0, -1),
            outcomes=np.ones(shape.events, np.uint8),
            event_ids=rng.integers(1, 1 << 63, 64).astype(np.uint64),
            version=1,
            fingerprint=1,
        )
    )
