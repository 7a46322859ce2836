"""Every embedding space that the cache holds something of."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from redis.asyncio import Redis

from cache.demand_keys import demand_pattern, demanded_space
from cache.keys import page_name, page_pattern
from cache.operator.demand_report import demand_report
from cache.operator.key_listing import listed
from cache.operator.page_sample import SAMPLE, sampled

Found = Callable[[int], None]
"""Told how many pages more have been found."""


@dataclass(frozen=True, slots=True)
class SpaceReport:
    space: str
    pages: int
    sampled_pages: int
    estimated_bytes: int  # MEMORY USAGE of the sampled pages, scaled to all
    newest_entry_ms: int | None  # of the sampled pages
    oldest_entry_ms: int | None
    damaged_pages: int
    demand_backlog: int | None  # messages; None: no stream, nobody has ever asked
    demand_pending: int  # of them, begun by a worker


async def scan_spaces(client: Redis, found: Found) -> list[SpaceReport]:
    """Those with a page or with a demand stream, by name."""
    counts, samples = await _pages(client, None, found)
    demanded = [
        demanded_space(key) async for keys in listed(client, demand_pattern()) for key in keys
    ]
    return [
        await _report(client, space, counts[space], samples[space])
        for space in sorted(counts.keys() | set(demanded))
    ]


async def scan_space(client: Redis, space: str, found: Found) -> SpaceReport:
    counts, samples = await _pages(client, space, found)
    return await _report(client, space, counts[space], samples[space])


async def _pages(
    client: Redis, space: str | None, found: Found
) -> tuple[Counter[str], dict[str, list[bytes]]]:
    """Pages by space, and the first few keys of each: a walk follows the server's hash of keys,
    so these are as good as drawn."""
    counts: Counter[str] = Counter()
    samples: dict[str, list[bytes]] = defaultdict(list)
    async for keys in listed(client, page_pattern(space=space)):
        before = counts.total()
        for key in keys:
            name = page_name(key)
            if name is None or space not in (None, name.space):
                continue
            counts[name.space] += 1
            if len(samples[name.space]) < SAMPLE:
                samples[name.space].append(key)
        found(counts.total() - before)
    return counts, samples


async def _report(client: Redis, space: str, pages: int, keys: list[bytes]) -> SpaceReport:
    sample = await sampled(client, keys)
    demand = await demand_report(client, space)
    return SpaceReport(
        space,
        pages,
        sample.pages,
        round(sample.mean_bytes * pages),
        sample.newest_ms,
        sample.oldest_ms,
        sample.damaged,
        demand.messages if demand.is_there else None,
        demand.pending,
    )
