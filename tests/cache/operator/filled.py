"""A server with something in it."""

from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import Redis

from cache.keys import demand_stream, page_key
from cache.quantise import Precision
from tests.cache.pages import page_bytes_of, random_entries, random_sequence

GROUP: Final = b"refresh"
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
    """`taken` of them are given to a consumer and not acknowledged."""
    redis: Any = client
    stream = demand_stream(space)
    for _ in range(messages):
        await redis.xadd(stream, {b"b": b"body"})
    await redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
    if taken:
        await redis.xreadgroup(GROUP, b"one", {stream: ">"}, count=taken)
