"""Everything of one space goes, and nothing of another."""

from dataclasses import dataclass

from redis.asyncio import Redis

from cache.demand_keys import SpaceKeys
from cache.errors import NotConfirmed, SpaceUnknown
from cache.keys import (
    item_means_stream,
    item_slices_table,
    neighbour_name,
    neighbour_pattern,
    page_name,
    page_pattern,
)
from cache.operator.demand_report import demand_report, shard_keys
from cache.operator.key_listing import listed
from cache.operator.key_removal import unlinked
from cache.operator.space_scan import Found, NameOf, SpaceReport, said_items


@dataclass(frozen=True, slots=True)
class Removal:
    space: str
    pages: int
    demand_messages: int
    lent_values: int = 0
    said_items: int = 0


def check_meant(report: SpaceReport, is_confirmed: bool) -> None:
    """Raises SpaceUnknown, or NotConfirmed with what would go."""
    others = report.lent_values + report.said_items
    if not report.pages and report.demand_backlog is None and not others:
        raise SpaceUnknown(
            f"space {report.space!r} has no page and no demand: see `understudy cache spaces`"
        )
    if not is_confirmed:
        raise NotConfirmed(
            f"space {report.space!r}: {report.pages} pages of about {report.estimated_bytes} bytes "
            f"and {report.demand_backlog or 0} messages of demand would be deleted for good, and "
            f"what neighbours lend to {report.lent_values} users and was said of "
            f"{report.said_items} items: stop its refreshers, then give --yes"
        )


async def drop_space(client: Redis, space: str, dropped: Found) -> Removal:
    """`dropped` is told how many pages more are gone. What a refresher that still runs writes
    meanwhile may stay."""
    pages = await _dropped(client, page_pattern(space=space), page_name, space, dropped)
    lent = await _dropped(client, neighbour_pattern(space=space), neighbour_name, space)
    said = await said_items(client, space)
    messages = (await demand_report(client, space)).messages
    shards = await shard_keys(client, space)
    of_items = (item_slices_table(space), item_means_stream(space))
    every = (*shards, SpaceKeys.of(space), of_items)
    await unlinked(client, [key for keys in every for key in keys])
    return Removal(space, pages, messages, lent, said)


async def _dropped(
    client: Redis,
    pattern: bytes,
    name_of: NameOf,
    space: str,
    dropped: Found = lambda more: None,
) -> int:
    total = 0
    async for keys in listed(client, pattern):
        own = [key for key in keys if (name := name_of(key)) and name.space == space]
        gone = await unlinked(client, own)
        total += gone
        dropped(gone)
    return total
