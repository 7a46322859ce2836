"""What a user's entries take in a real server, by layout."""

from redis.asyncio import Redis

from cache.bench.alternatives import Layout, layouts
from cache.bench.sample import Sample


async def sizes(client: Redis, sample: Sample) -> dict[str, int]:
    """Bytes of all keys of one user as MEMORY USAGE counts them, fields and expiries included;
    not the slots of the server's table of keys."""
    return {layout.name: await _size(client, layout) for layout in layouts(sample, "user-1")}


async def _size(client: Redis, layout: Layout) -> int:
    await written(client, layout)
    taken = [await client.memory_usage(key, samples=0) for key in layout.keys]
    return sum(int(each or 0) for each in taken)


async def written(client: Redis, layout: Layout) -> None:
    async with client.pipeline(transaction=False) as pipeline:
        for command in layout.writes:
            pipeline.execute_command(*command)
        await pipeline.execute()
