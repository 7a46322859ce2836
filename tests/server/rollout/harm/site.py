"""Gateways as an operator starts them, a Valkey, and rollouts that nobody attends to."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import numpy as np

from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.rollout_board import RolloutBoard
from models.features.records import F64
from server.rollout.acts import Asked, perform
from server.rollout.candidate import find_candidate
from server.rollout.history import Entry, read_history
from server.rollout.plan import RolloutPlan
from server.rollout.state import State
from tests.bundles import ITEMS
from tests.faults.gateway import GatewayProcess
from tests.server.loaded_cache import write
from tests.server.rollout.harm.crowd import Crowd
from tests.server.rollout.harm.students import CALIBRATION
from tests.server.rollout.harm.traffic import Told, Traffic

MODEL: Final = "student"
CALM: Final = 200.0
"""Requests a second while bundles are opened, or shadowed, in what time requests leave."""
WITHIN_S: Final = 240.0
LOOK_S: Final = 0.1
ENTRIES: Final = 1_000
SETTINGS: Final = {
    "UNDERSTUDY_DEADLINE_MS": "30000",
    "UNDERSTUDY_CACHE_TIMEOUT_MS": "2000",
    "UNDERSTUDY_SERVED_SHARE": "0",
    "UNDERSTUDY_DRAIN_S": "0",
    "UNDERSTUDY_LOG_LEVEL": "warning",
    "OMP_NUM_THREADS": "1",
}


class Seen(NamedTuple):
    """Of one rollout."""

    state: State
    entries: list[Entry]  # the newest first
    told: list[Told]

    def share_of(self, lane: str) -> float:
        return sum(each.lane == lane for each in self.told) / len(self.told)

    @property
    def largest_share(self) -> float:
        """That it was ever given."""
        return max(each.share for each in self.entries)


class Site(NamedTuple):
    url: str
    gateways: list[GatewayProcess]
    crowd: Crowd

    async def roll_out(self, serving: Path, plan: RolloutPlan, rate: float) -> Seen:
        """To its end."""
        client = connect(self.url)
        try:
            return await self._roll_out(RolloutBoard(client, MODEL), serving, plan, rate)
        finally:
            await client.aclose()

    async def _roll_out(
        self, board: RolloutBoard, serving: Path, plan: RolloutPlan, rate: float
    ) -> Seen:
        urls = [each.url for each in self.gateways]
        traffic, stop = Traffic(urls, self.crowd, CALM), asyncio.Event()
        running = asyncio.create_task(traffic.run(stop))
        try:
            to = find_candidate(str(serving), None)
            began = await perform(board, Asked("start", "test@here", to=to, plan=plan))
            state = await _ended(board, traffic, rate)
        finally:
            stop.set()
            await running
            await traffic.close()
        assert traffic.refused_events == 0
        entries = read_history(await board.history(ENTRIES))
        return Seen(state, [e for e in entries if e.rollout == began.rollout], traffic.told)


@contextmanager
def opened(folder: Path, serving: Path, gateways: int) -> Iterator[Site]:
    with EmbeddedValkey(folder / "valkey") as valkey:
        crowd = Crowd()
        write(valkey.url, crowd.pages())
        started = [
            GatewayProcess(serving, valkey.url, folder / f"gateway-{number}.log", SETTINGS)
            for number in range(gateways)
        ]
        try:
            for each in started:
                each.wait_ready()
            crowd.learn(unhinted(started[0].url))
            yield Site(valkey.url, started, crowd)
            assert all(each.is_alive for each in started)
        finally:
            for each in started:
                each.stop()


def unhinted(url: str) -> F64:
    """`[ITEMS]` logits for somebody of whom nothing is known."""
    names = [f"item-{number}" for number in range(ITEMS)]
    body = {"user_id": "nobody", "context": {"placement": "feed"}, "item_ids": names}
    answer = httpx.post(f"{url}/v1/rank", json=body).raise_for_status().json()
    scores = dict(zip(answer["item_ids"], answer["scores"], strict=True))
    p = np.array([scores[name] for name in names])
    logit: F64 = (np.log(p / (1.0 - p)) - CALIBRATION.offset) / CALIBRATION.scale
    return logit


async def _ended(board: RolloutBoard, traffic: Traffic, rate: float) -> State:
    """Nobody but gateways changes it."""
    async with asyncio.timeout(WITHIN_S):
        while (state := State.decode((await board.read()).body)).is_running:
            traffic.rate = rate if state.stage == "canary" else CALM
            await asyncio.sleep(LOOK_S)
    return state
