"""Everything of one space goes, and nothing of another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from cache.connection import unavailable_when_failing
from cache.demand_keys import SpaceKeys
from cache.errors import NotConfirmed, SpaceUnknown
from cache.keys import page_name, page_pattern
from cache.operator.demand_report import demand_report, shard_keys
from cache.operator.key_listing import listed
from cache.operator.space_scan import SpaceReport


@dataclass(frozen=True, slots=True)
class Removal:
    space: str
    pages: int
    demand_messages: int


def check_meant(report: SpaceReport, is_confirmed: bool) -> None:
    """Raises SpaceUnknown, or NotConfirmed with what would go."""
    if not report.pages and report.demand_backlog is None:
        raise SpaceUnknown(
            f"space {report.space!r} has no page and no demand: see `understudy cache spaces`"
        )
    if not is_confirmed:
        raise NotConfirmed(
            f"space {report.space!r}: {report.pages} pages of about {report.estimated_bytes} bytes "
            f"and {report.demand_backlog or 0} messages of demand would be deleted for good: "
            "stop its refreshers, then give --yes"
        )


async def drop_space(client: Redis, space: str, dropped: Callable[[int], None]) -> Removal:
    """`dropped` is told how many pages more are gone. What a refresher that still runs writes
    meanwhile may stay."""
    pages = 0
    async for keys in listed(client, page_pattern(space=space)):
        own = [key for key in keys if (name := page_name(key)) and name.space == space]
        gone = await _unlinked(client, own)
        pages += gone
        dropped(gone)
    messages = (await demand_report(client, space)).messages
    shards = await shard_keys(client, space)
    await _unlinked(client, [key for keys in (*shards, SpaceKeys.of(space)) for key in keys])
    return Removal(space, pages, messages)


async def _unlinked(client: Redis, keys: Sequence[bytes]) -> int:
    """One command a key: of a cluster, each goes to its own node."""
    if not keys:
        return 0
    with unavailable_when_failing("delete keys"):
        async with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.execute_command("UNLINK", key)
            return sum(await pipeline.execute())
