"""Refreshers killed at random while demand goes on: every pair is accounted for in the end."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cache import page
from cache.account import Account, Outcome
from cache.connection import connect
from cache.demand_keys import SpaceKeys
from cache.embedded import EmbeddedValkey
from cache.keys import page_key
from cache.refresh.backlog import Backlog
from tests.bundles import SPACE
from tests.cache.refresh.waiting import until
from tests.chaos.crew import Crew
from tests.chaos.demanding import Demanding

pytestmark = pytest.mark.redis

SHORT_S = 15.0
RATE = 100.0
DRAINED_WITHIN_S = 180.0
DONE = (Outcome.COMPUTED, Outcome.FRESH, Outcome.DUPLICATE)


class Chaos:
    def __init__(self, url: str, serving: Path, seed: int) -> None:
        self.client: Any = connect(url, max_connections=8, wait_ms=5000)
        self.demanding = Demanding(self.client, RATE, seed)
        self.crew = Crew(url, serving, seed)

    async def run(self, seconds: float) -> None:
        """Then demand ends and the workers, left alone, have done all of it."""
        stop = asyncio.Event()
        running = [
            asyncio.create_task(self.demanding.run(stop)),
            asyncio.create_task(self.crew.run(stop)),
        ]
        await asyncio.sleep(seconds)
        stop.set()
        await asyncio.gather(*running)
        backlog = await self.backlog()

        async def is_drained() -> bool:
            # Names of the dead stay for a while: as many names are not all that are alive.
            names = await self.client.zrange(SpaceKeys.of(SPACE).workers, 0, -1)
            return self.crew.have_ears(names) and sum(await backlog.lengths()) == 0

        await until(is_drained, DRAINED_WITHIN_S)

    async def backlog(self) -> Backlog:
        return Backlog(self.client, SPACE, await self.demanding.sink.shards())

    async def missing(self) -> int:
        """Pairs that were asked for and are in no page."""
        missing = 0
        for user, pairs in self.demanding.sink.asked.items():
            value = await self.client.get(page_key(user, SPACE))
            held = set() if value is None else set(page.decode(value).pair_keys.tolist())
            missing += len(pairs - held)
        return missing

    async def close(self) -> None:
        self.crew.close()
        await self.client.aclose()


async def survive(url: str, serving: Path, seconds: float) -> None:
    chaos = Chaos(url, serving, seed=int(seconds))
    try:
        await chaos.run(seconds)
        codes = await chaos.crew.stop()
        account, missing = await (await chaos.backlog()).account(), await chaos.missing()
        report(chaos, account, missing)
        sink = chaos.demanding.sink
        assert codes == [0, 0, 0]
        assert chaos.crew.happened["killed"] > 0
        assert sink.pairs <= account.demanded <= sink.pairs + sink.unsure
        assert account.unsettled == 0
        assert missing <= account.demanded - sum(account.outcomes[done] for done in DONE)
    finally:
        await chaos.close()


def report(chaos: Chaos, account: Account, missing: int) -> None:
    sent = {"sent": chaos.demanding.sink.pairs, "missing": missing}
    told = {**chaos.crew.happened, **sent, **account.counts(), "unsettled": account.unsettled}
    sys.stdout.write(json.dumps(told) + "\n")


@pytest.mark.slow
async def test_every_pair_is_accounted_for_when_workers_are_killed(
    server: EmbeddedValkey, serving: Path
) -> None:
    await survive(server.url, serving, SHORT_S)


@pytest.mark.chaos
async def test_every_pair_is_accounted_for_however_long_it_goes_on(
    server: EmbeddedValkey, serving: Path, chaos_seconds: float
) -> None:
    await survive(server.url, serving, chaos_seconds)
