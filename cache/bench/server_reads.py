"""Reads of a real server: our reader against a bare command, and the page against other layouts."""

from typing import Any, Final

from redis.asyncio import Redis

from cache.bench.alternatives import Layout, layouts
from cache.bench.sample import SPACE, Sample
from cache.bench.sizes import written
from cache.bench.timings import Read, Spread, compared
from cache.breaker import CircuitBreaker
from cache.keys import page_key, record_key
from cache.line import Line
from cache.reader import CacheReader
from cache.redis_store import RedisStore

USER: Final = "user-1"
ANSWER_S: Final = 10.0


async def reader_reads(
    url: str, sample: Sample, callers: int, *, calls: int, rounds: int
) -> dict[str, Spread]:
    """Of record and page, one round trip each."""
    store, keys = RedisStore.open(url), [record_key(USER), page_key(USER, SPACE)]
    await store.put_many(dict(zip(keys, (sample.record, sample.page), strict=True)), None)
    reader = CacheReader(store, SPACE, ANSWER_S * 1000.0, CircuitBreaker())
    reads: dict[str, Read] = {
        "`MGET`": lambda: store.get_many(keys),
        "`CacheReader.read`": lambda: reader.read(USER),
    }
    measured = await compared(reads, callers, calls=calls, rounds=rounds)
    await store.close()
    return measured


async def layout_reads(
    client: Redis, sample: Sample, callers: int, *, calls: int, rounds: int
) -> dict[str, tuple[Spread, Spread]]:
    """By layout: the answer alone, and from the candidates' pair keys to the arrays of hints.

    All on one connection that the callers share, so that the layouts differ in nothing else.
    """
    laid_out = layouts(sample, USER)
    for layout in laid_out:
        await written(client, layout)
    line = await Line.open(client, ANSWER_S)
    answers = {layout.name: _answer(line, layout) for layout in laid_out}
    arrays = {layout.name: _arrays(line, layout) for layout in laid_out}
    bare = await compared(answers, callers, calls=calls, rounds=rounds)
    whole = await compared(arrays, callers, calls=calls, rounds=rounds)
    line.end("measured")
    return {name: (bare[name], whole[name]) for name in bare}


def _answer(line: Line, layout: Layout) -> Read:
    question = layout.question()
    return lambda: line.ask(*question)


def _arrays(line: Line, layout: Layout) -> Read:
    async def read() -> Any:
        return layout.hints(await line.ask(*layout.question()))

    return read
