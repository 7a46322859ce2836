"""One student and its space after another, while two gateways answer."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.rollout_board import RolloutBoard
from cache.standing import Standing
from models.manifest import read_manifest
from server.rollout.presence import read_fleet
from server.rollout.state import State
from server.serving_folder import open_serving_folder
from tests.bundles import SPACE
from tests.cache.refresh.started import Started
from tests.cache.refresh.waiting import until
from tests.migration.conftest import NEXT_SPACE
from tests.migration.drawn import Seen, binned, draw
from tests.migration.mixing import compared
from tests.migration.traffic import Told, Traffic
from tests.server.test_serve_command import answers, free_port

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.alone]

GATEWAYS = 2
RATE = 40.0
WARM = 0.95
WARM_WITHIN_S = 300.0
MAX_GAP = 0.02
WINDOW_S = 2.0
PLAN = f"""
steps = [1.0]
least_s = 0
shadow_least = 0
shadow_s = 0
is_judged = false
max_gap = {MAX_GAP}
window_s = {WINDOW_S}
least_candidates = 500
"""
"""`direct`, with windows for so little traffic."""
NOISE = 0.03
"""Of the mean coverage of a window: some eighty answers."""
AFTER_S = 4.0
SETTINGS = {
    "DEADLINE_MS": "30000",
    "CACHE_TIMEOUT_MS": "2000",
    "SERVED_SHARE": "1",
    "SERVED_BACKLOG": "100000",
    "LOG_LEVEL": "warning",
}


class Site:
    """Processes as an operator starts them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.started = Started(url)
        self.ports = [free_port() for _ in range(GATEWAYS)]
        self.client: Redis = connect(url)

    async def open(self, folder: Path) -> None:
        for port in self.ports:
            listen = ("--port", str(port))
            self.started.understudy("serve", "--from", str(folder), *listen, **SETTINGS)
        self.teach(folder)
        for port in self.ports:
            await until(lambda port=port: _is_ready(port))  # type: ignore[misc]

    def teach(self, folder: Path) -> None:
        self.started.understudy("refresh", "--from", str(folder))

    def rollout(self, *arguments: str) -> dict[str, Any]:
        command = (sys.executable, "-m", "understudy", "rollout", *arguments, "--json")
        told = subprocess.run(
            [*command, "--redis-url", self.url], capture_output=True, text=True, check=True
        )
        return dict(json.loads(told.stdout))

    async def close(self) -> None:
        self.started.end()
        await self.client.aclose()


async def _is_ready(port: int) -> bool:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        return await asyncio.to_thread(answers, client, "/readyz", 200)


@asynccontextmanager
async def flowing(site: Site) -> AsyncIterator[Traffic]:
    traffic, stop = Traffic(site.ports, RATE), asyncio.Event()
    running = asyncio.create_task(traffic.run(stop))
    try:
        yield traffic
    finally:
        stop.set()
        await running
        await traffic.close()


async def watched(board: RolloutBoard, traffic: Traffic) -> list[Seen]:
    """What the space to come covers, until it is answered from."""
    seen: list[Seen] = []
    before = await standing(board)
    while (await state_of(board)).stage in ("verifying", "shadowing"):
        await asyncio.sleep(WINDOW_S)
        now = await standing(board)
        window, before = now.less(before), now
        if window.seen:
            seen.append(Seen(traffic.now_s - WINDOW_S / 2, window.coverage))
    return seen


async def state_of(board: RolloutBoard) -> State:
    return State.decode((await board.read()).body)


async def standing(board: RolloutBoard) -> Standing:
    total = Standing()
    for presence in read_fleet(await board.fleet()).values():
        total = total.plus(presence.standing)
    return total


async def is_warm(traffic: Traffic) -> bool:
    return traffic.now_s > AFTER_S and traffic.coverage(WINDOW_S) > WARM


def version_of(folder: Path) -> str:
    return read_manifest(open_serving_folder(folder).student)[1]


async def test_student_and_space_switch_together_once_the_space_is_filled(
    server: EmbeddedValkey, first: Path, following: Path, plot: Path | None
) -> None:
    site = Site(server.url)
    try:
        await migrate(site, first, following, plot)
    finally:
        await site.close()


async def migrate(site: Site, first: Path, following: Path, plot: Path | None) -> None:
    old, new = version_of(first), version_of(following)
    await site.open(first)
    async with flowing(site) as traffic:
        await until(lambda: is_warm(traffic), WARM_WITHIN_S)
        site.teach(following)
        began_s = traffic.now_s
        plan = following / "plan.toml"
        plan.write_text(PLAN)
        start = ("start", "--to", str(following), "--plan", str(plan))
        await asyncio.to_thread(site.rollout, *start)
        board = RolloutBoard(site.client, "student")
        seen = await watched(board, traffic)
        await asyncio.sleep(AFTER_S)
    assert (await state_of(board)).stage == "done"
    switch = Switch(traffic.told, old, new)
    mixed = await compared(site.client, {old: SPACE, new: NEXT_SPACE})
    sys.stdout.write(json.dumps(switch.figures() | mixed._asdict()) + "\n")
    assert {answer.status for answer in traffic.told} == {200}
    assert switch.followed_s < 1.0
    assert switch.lost <= MAX_GAP + NOISE
    assert seen[0].coverage < 0.5 < seen[-1].coverage
    assert mixed.hints > 1000
    assert mixed.foreign == 0
    if plot is not None:
        draw(plot, traffic.told, seen, {"start": began_s, "switch": switch.at_s})


class Switch:
    def __init__(self, told: Sequence[Told], old: str, new: str) -> None:
        self._told = told
        self._before = [answer for answer in told if answer.version == old]
        self._after = [answer for answer in told if answer.version == new]
        assert len(self._before) + len(self._after) == len(told)
        self.at_s = min(answer.at_s for answer in self._after)

    @property
    def followed_s(self) -> float:
        """Until no worker answered from the student before."""
        return max(max(answer.at_s for answer in self._before) - self.at_s, 0.0)

    @property
    def lost(self) -> float:
        """Coverage: of the seconds before, less that of the worst window after."""
        late = [a for a in self._before if self.at_s - AFTER_S < a.at_s < self.at_s]
        mean = sum(a.pair for a in late) / len(late)
        return mean - min(binned(self._after, WINDOW_S)[1])

    def figures(self) -> dict[str, float]:
        return {
            "answers": len(self._told),
            "switch_s": round(self.at_s, 2),
            "followed_s": round(self.followed_s, 3),
            "lost": round(self.lost, 4),
        }
