"""Run as a script: a refresher whose teacher never answers, as a machine that hangs."""

import asyncio
import sys
import time
from collections.abc import Sequence

from cache.keys import demand_stream
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from cache.refresh.consumer import Consumer
from cache.refresh.pages import PageWriter
from cache.refresh.refresh_command import GROUP
from cache.refresh.stacked import Wanted
from cache.refresh.tally import Tally
from cache.refresh.teacher import Judged
from cache.refresh.worker import Refresher
from cache.tiers import TtlPolicy
from tests.bundles import SPACE, log_schema


class Hanging:
    trained_until_ms = 0

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        sys.stdout.write(f"judging {len(wanted)}\n")
        sys.stdout.flush()
        time.sleep(600)
        raise AssertionError


async def main(url: str) -> None:
    store, tally, ttl = RedisStore.open(url), Tally("refresh"), TtlPolicy()
    pages = PageWriter(store, SPACE, ttl, tally)
    refresher = Refresher(store, Hanging(), log_schema(), pages, ttl, tally)
    streams = RedisStreams.open(url)
    consumer = Consumer(streams, demand_stream(SPACE), GROUP, b"stuck", refresher, tally)
    await consumer.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
