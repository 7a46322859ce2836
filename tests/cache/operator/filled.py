"""A server with something in it."""

from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import Redis

from cache.demand_keys import ShardKeys
from cache.keys import page_key
from cache.quantise import Precision
from cache.redis_demand import RedisDemand
from tests.cache.pages import page_bytes_of, random_entries, random_sequence

EARLIER_MS: Final = 90_000


def page_value(age_ms: int = 0, precision: Precision = Precision.INT8) -> bytes:
    """Three entries and a sequence of two."""
    entries = random_entries(3, precision=precision, age_ms=age_ms)
    return page_bytes_of(entries, version=4, fence=2, sequence=random_sequence(2, age_ms=age_ms))


async def put_pages(client: Redis, users: Mapping[str, list[str]]) -> None:
    """By space; the first user's page is older than the others'."""
    for space, user_ids in users.items():
        for number, user_id in enumerate(user_ids):
            value = page_value(age_ms=0 if number else EARLIER_MS)
            await client.set(page_key(user_id, space), value, ex=1000)


async def demand(client: Redis, space: str, messages: int, taken: int = 0) -> None:
    """Spread over three shards; a worker has begun with `taken` of them."""
    redis: Any = client
    sink = RedisDemand(client, space)
    await sink.shards()
    for number in range(messages):
        shard = number % 3
        await sink.append({shard: [b"body"]}, 1000)
        keys = ShardKeys.of(space, shard)
        if number < taken:
            await redis.hset(keys.tries, await redis.xlen(keys.stream), 1)
