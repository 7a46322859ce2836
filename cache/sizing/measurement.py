"""What users of a shape take in a real server: written there and asked for."""

from typing import Final

import numpy as np
from redis.asyncio import Redis

from cache.bench.drawn import SPACE, Shape, drawn_entries, drawn_page, drawn_record
from cache.keys import page_key, record_key
from cache.sizing.workload import Measured

USERS: Final = 500
TTL_MS: Final = 86_400_000
COLUMNS: Final = 8


async def measured(client: Redis, shape: Shape) -> Measured:
    """Of an empty server. Full pages: a user who is seldom asked for takes less."""
    before = await _used_bytes(client)
    rng, pages, records = np.random.default_rng(0), 0, 0
    for number in range(USERS):
        user = f"user-{number:08d}"
        of_page, of_record = _page(rng, shape), drawn_record(rng, shape, COLUMNS)
        await client.set(page_key(user, SPACE), of_page, px=TTL_MS)
        await client.set(record_key(user), of_record)
        pages, records = pages + len(of_page), records + len(of_record)
    grown = await _used_bytes(client) - before
    return Measured(pages / USERS, records / USERS, grown / USERS)


async def _used_bytes(client: Redis) -> int:
    return int((await client.info("memory"))["used_memory_dataset"])


def _page(rng: np.random.Generator, shape: Shape) -> bytes:
    keys = rng.integers(1, 1 << 63, shape.entries).astype(np.uint64)
    return drawn_page(rng, drawn_entries(rng, keys, shape), shape)
