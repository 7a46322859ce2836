"""Every embedding space that the cache holds something of."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.demand_keys import demand_pattern, demanded_space
from cache.keys import (
    PageName,
    item_slices_table,
    neighbour_name,
    neighbour_pattern,
    page_name,
    page_pattern,
)
from cache.operator.demand_report import demand_report
from cache.operator.key_listing import listed
from cache.operator.page_sample import SAMPLE, sampled

NameOf = Callable[[bytes], PageName | None]
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
    lent_values: int = 0  # of users to whom neighbours lend
    lent_bytes: int = 0  # as estimated_bytes
    said_items: int = 0  # in the table of the item tier


async def scan_spaces(client: Redis, found: Found) -> list[SpaceReport]:
    """Those with a page, with something lent or with a demand stream, by name."""
    pages = await _walked(client, page_pattern(), page_name, found)
    lent = await _walked(client, neighbour_pattern(), neighbour_name)
    demanded = [
        demanded_space(key) async for keys in listed(client, demand_pattern()) for key in keys
    ]
    return [
        await _report(client, space, pages, lent)
        for space in sorted(pages.counts.keys() | lent.counts.keys() | set(demanded))
    ]


async def scan_space(client: Redis, space: str, found: Found) -> SpaceReport:
    pages = await _walked(client, page_pattern(space=space), page_name, found)
    lent = await _walked(client, neighbour_pattern(space=space), neighbour_name)
    return await _report(client, space, pages, lent)


class _Walked(NamedTuple):
    """By space; a walk follows the server's hash of keys, so the first few are as good as drawn."""

    counts: Counter[str]
    samples: dict[str, list[bytes]]


async def _walked(
    client: Redis, pattern: bytes, name_of: NameOf, found: Found = lambda more: None
) -> _Walked:
    """A pattern of one space may match others' keys too: they count as their own."""
    walked = _Walked(Counter(), defaultdict(list))
    async for keys in listed(client, pattern):
        before = walked.counts.total()
        for key in keys:
            if (name := name_of(key)) is not None:
                walked.counts[name.space] += 1
                if len(walked.samples[name.space]) < SAMPLE:
                    walked.samples[name.space].append(key)
        found(walked.counts.total() - before)
    return walked


async def _report(client: Redis, space: str, pages: _Walked, lent: _Walked) -> SpaceReport:
    sample = await sampled(client, pages.samples[space])
    sample_of_lent = await sampled(client, lent.samples[space])
    demand = await demand_report(client, space)
    return SpaceReport(
        space,
        pages.counts[space],
        sample.pages,
        round(sample.mean_bytes * pages.counts[space]),
        sample.newest_ms,
        sample.oldest_ms,
        sample.damaged,
        demand.messages if demand.is_there else None,
        demand.pending,
        lent.counts[space],
        round(sample_of_lent.mean_bytes * lent.counts[space]),
        await said_items(client, space),
    )


async def said_items(client: Redis, space: str) -> int:
    with unavailable_when_failing("measure the table of items"):
        return int(await cast(Any, client).hlen(item_slices_table(space)))
