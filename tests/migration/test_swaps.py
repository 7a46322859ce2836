"""One student after another, a hundred times, under a load that does not wait for answers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from redis.asyncio import Redis

from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.rollout_board import RolloutBoard
from loadtest.connection import encode
from loadtest.pool import Pool
from models.manifest import read_manifest
from server.rollout.state import STARTED_WITH, State
from server.serving_folder import open_serving_folder
from tests.bundles import ITEMS, NOW_MS
from tests.cache.refresh.started import Started
from tests.cache.refresh.waiting import until
from tests.migration.test_space_migration import _is_ready
from tests.server.test_serve_command import free_port

pytestmark = [pytest.mark.redis, pytest.mark.slow]

SWAPS = 100
RATE = 60.0
REQUESTS = 24
CANDIDATES = 15
WITHIN_S = 60.0
ASK_S = 0.05
"""Asked every 10 ms, a gateway works more for whoever waits than for its load."""
TIMEOUT_S = 30.0
SETTINGS = {
    "DEADLINE_MS": "30000",
    "CACHE_TIMEOUT_MS": "2000",
    "SERVED_SHARE": "0",
    "REPLAY": "true",
    "LOG_LEVEL": "warning",
    "DRAIN_S": "0",
}


class Told(NamedTuple):
    number: int
    status: int
    version: str
    lane: str
    scores: dict[str, float]
    is_degraded: bool


class Load:
    """Open loop: who is late keeps nobody waiting."""

    def __init__(self, port: int) -> None:
        self._pool = Pool(f"http://127.0.0.1:{port}", 32)
        rng = np.random.default_rng(11)
        self._bodies = [_request(rng, number) for number in range(REQUESTS)]
        self.told: list[Told] = []

    async def ask(self, number: int) -> Told:
        answer = await self._pool.send(self._bodies[number], TIMEOUT_S)
        body = json.loads(answer.body) if answer.status == 200 else {}
        scores = dict(zip(body.get("item_ids", ()), body.get("scores", ()), strict=True))
        version, lane = body.get("version", ""), body.get("lane", "")
        is_degraded = bool(body.get("degraded"))
        return Told(number, answer.status, version, lane, scores, is_degraded)

    async def run(self, stop: asyncio.Event) -> None:
        began_s, sent = time.perf_counter(), list[asyncio.Task[None]]()
        while not stop.is_set():
            due_s = began_s + len(sent) / RATE
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            sent.append(asyncio.create_task(self._keep(len(sent) % REQUESTS)))
        await asyncio.gather(*sent)

    async def close(self) -> None:
        await self._pool.close()

    async def _keep(self, number: int) -> None:
        self.told.append(await self.ask(number))


def _request(rng: np.random.Generator, number: int) -> bytes:
    """At a time of its own, so that a student always answers it alike."""
    body = {
        "user_id": f"user-{number}",
        "context": {"placement": "feed", "slot_width": 320},
        "item_ids": [f"item-{item}" for item in rng.permutation(ITEMS)[:CANDIDATES]],
        "timestamp_ms": NOW_MS,
    }
    return encode("POST", "/v1/rank", json.dumps(body).encode())


class Swapped:
    """A gateway, and the word of all others that it follows."""

    def __init__(self, port: int, client: Redis) -> None:
        self.port = port
        self.board = RolloutBoard(client, "student")

    async def answer_from(self, state: State, load: Load, version: str) -> None:
        held = await self.board.read()
        assert await self.board.replace(held.revision, state.encode(), b"{}")

        async def does() -> bool:
            return (await load.ask(0)).version == version

        await until(does, WITHIN_S, ASK_S)


@asynccontextmanager
async def gateway(server: EmbeddedValkey, first: Path) -> AsyncIterator[Swapped]:
    started, port, client = Started(server.url), free_port(), connect(server.url)
    try:
        started.understudy("serve", "--from", str(first), "--port", str(port), **SETTINGS)
        await until(lambda: _is_ready(port))
        yield Swapped(port, client)
    finally:
        started.end()
        await client.aclose()


async def test_hundred_swaps_fail_nobody_and_mix_nothing(
    server: EmbeddedValkey, first: Path, following: Path
) -> None:
    places = {STARTED_WITH: version_of(first), str(following): version_of(following)}
    async with gateway(server, first) as swapped:
        load, stop = Load(swapped.port), asyncio.Event()
        alone = await by_itself(swapped, load, places)
        running = asyncio.create_task(load.run(stop))
        for number in range(SWAPS):
            await swapped.answer_from(state(number, [*places]), load, version(number, places))
        stop.set()
        await running
        await load.close()
    check(load.told, alone)
    assert {told.version for told in load.told} == set(places.values())


def version(number: int, places: dict[str, str]) -> str:
    return list(places.values())[(number + 1) % 2]


def state(number: int, places: list[str]) -> State:
    """Of every other pair of swaps the one before stays loaded; the others load it anew."""
    stable, previous = places[(number + 1) % 2], places[number % 2]
    keep_until_ms = 1 << 45 if number % 4 < 2 else 0
    return State(stable=stable, previous=previous, stage="done", keep_until_ms=keep_until_ms)


async def by_itself(
    swapped: Swapped, load: Load, places: dict[str, str]
) -> dict[tuple[str, int], dict[str, float]]:
    """What each student says of each request while nothing changes."""
    alone = {}
    for where, name in reversed(places.items()):
        await swapped.answer_from(State(stable=where, stage="done"), load, name)
        for number in range(REQUESTS):
            alone[name, number] = (await load.ask(number)).scores
    return alone


def check(told: list[Told], alone: dict[tuple[str, int], dict[str, float]]) -> None:
    assert len(told) > SWAPS
    assert {each.status for each in told} == {200}
    assert {each.lane for each in told} == {"stable"}
    mixed = [each for each in told if each.scores != alone[each.version, each.number]]
    assert mixed == []
    some = {name: scores for (name, number), scores in alone.items() if number == 0}
    assert len({json.dumps(scores) for scores in some.values()}) == 2  # it would show


def version_of(folder: Path) -> str:
    found: Any = read_manifest(open_serving_folder(folder).student)
    return str(found[1])
