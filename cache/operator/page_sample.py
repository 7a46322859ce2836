"""A few pages of a space stand for all of it: to read every page would be to read the cache."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis

from cache import page
from cache.connection import unavailable_when_failing
from cache.errors import PageCorrupt
from cache.page import Page

SAMPLE: Final = 200
READ_AT_ONCE: Final = 50


class _Held(NamedTuple):
    memory_bytes: int
    value: bytes


class PageSample(NamedTuple):
    pages: int
    mean_bytes: float  # as MEMORY USAGE counts them; 0 of no pages
    newest_ms: int | None  # of all entries of the pages
    oldest_ms: int | None
    damaged: int


async def sampled(client: Redis, keys: Sequence[bytes]) -> PageSample:
    """Pages that expire meanwhile, and values that are no strings, are left out."""
    memory, times, damaged = [], [], 0
    for batch in _batches(keys):
        for held in await _read(client, batch):
            memory.append(held.memory_bytes)
            try:
                times += _span_ms(page.decode(held.value))
            except PageCorrupt:
                damaged += 1
    mean = sum(memory) / len(memory) if memory else 0.0
    return PageSample(
        len(memory), mean, max(times, default=None), min(times, default=None), damaged
    )


def _batches(keys: Sequence[bytes]) -> Iterator[list[bytes]]:
    rest = iter(keys)
    while batch := list(islice(rest, READ_AT_ONCE)):
        yield batch


async def _read(client: Redis, keys: Sequence[bytes]) -> list[_Held]:
    with unavailable_when_failing("read pages"):
        async with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.memory_usage(key)
                # Of a value of another type: None, where GET fails.
                pipeline.execute_command("MGET", key)
            told: list[Any] = await pipeline.execute()
    pairs = zip(told[::2], told[1::2], strict=True)
    return [_Held(size, value) for size, [value] in pairs if value is not None]


def _span_ms(held: Page) -> list[int]:
    times = held.computed_at_ms()
    return [int(times.min()), int(times.max())] if len(times) else []
