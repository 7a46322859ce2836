"""The crowd's requests, impressions and clicks, over HTTP to gateways in turn."""

import asyncio
import time
from collections.abc import Sequence
from itertools import count
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from loadtest.connection import encode
from loadtest.pool import Pool
from tests.server.rollout.harm.crowd import USERS, Crowd

TIMEOUT_S: Final = 30.0
CONNECTIONS: Final = 16
TURN_S: Final = 0.02
"""Requests that are due in it are sent together."""
TOLD_AT_ONCE: Final = 900
"""Events of one batch."""


class Told(NamedTuple):
    at_s: float
    status: int
    lane: str
    version: str
    is_judged: bool  # by the model, and not in its stead


class Answer(msgspec.Struct):
    lane: str
    version: str
    item_ids: list[str]
    degraded: list[dict[str, str]]


class Traffic:
    """`rate` requests a second; it may be changed while it runs."""

    def __init__(self, urls: Sequence[str], crowd: Crowd, rate: float, seed: int = 1) -> None:
        self.rate = rate
        self.told: list[Told] = []
        self.refused_events = 0
        self._pools = [Pool(url, CONNECTIONS) for url in urls]
        self._crowd = crowd
        self._rng = np.random.default_rng(seed)
        self._events: list[dict[str, str]] = []
        self._numbers = count()
        self._coming: list[int] = []
        self._name = f"{time.time_ns():x}"
        self._answers = msgspec.json.Decoder(Answer)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and all that was sent is answered, and told of."""
        due, before_s = 0.0, time.perf_counter()
        going: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            await asyncio.sleep(TURN_S)
            now_s = time.perf_counter()
            due, before_s = due + self.rate * (now_s - before_s), now_s
            # One that finds all connections busy is left out: the rate is a wish, no measurement.
            for _ in range(min(int(due), 2 * CONNECTIONS * len(self._pools) - len(going))):
                going.add(task := asyncio.create_task(self._ask()))
                task.add_done_callback(going.discard)
            due -= int(due)
            if self._events:
                going.add(task := asyncio.create_task(self._tell()))
                task.add_done_callback(going.discard)
        await asyncio.gather(*going)
        await self._tell()

    async def close(self) -> None:
        for pool in self._pools:
            await pool.close()

    async def _ask(self) -> None:
        user, number = self._next(), next(self._numbers)
        at_s, pool = time.perf_counter(), self._pools[number % len(self._pools)]
        answer = await pool.send(self._crowd.requests[user], TIMEOUT_S)
        if answer.status != 200:
            self.told.append(Told(at_s, answer.status, "", "", False))
            return
        said = self._answers.decode(answer.body)
        is_judged = all(each["stage"] != "inference" for each in said.degraded)
        self.told.append(Told(at_s, 200, said.lane, said.version, is_judged))
        self._see(user, number, said.item_ids)

    def _next(self) -> int:
        """Nobody comes again before all others have: the same slate is shown to him, and of two
        of them within the attribution window nobody could say which was clicked."""
        if not self._coming:
            self._coming = self._rng.permutation(USERS).tolist()
        return self._coming.pop()

    def _see(self, user: int, number: int, item_ids: Sequence[str]) -> None:
        drawn = self._rng.random(len(item_ids)).tolist()
        for place, item in enumerate(item_ids):
            self._happen("impression", user, item, f"{number}-{place}")
            if self._crowd.clicks(user, item, drawn[place]):
                self._happen("click", user, item, f"{number}-{place}")

    def _happen(self, kind: str, user: int, item: str, where: str) -> None:
        told = {"type": kind, "user_id": f"user-{user}", "item_id": item}
        self._events.append({"event_id": f"{self._name}-{kind}-{where}", **told})

    async def _tell(self) -> None:
        events, self._events = self._events, []
        for first in range(0, len(events), TOLD_AT_ONCE):
            body: dict[str, Any] = {"events": events[first : first + TOLD_AT_ONCE]}
            request = encode("POST", "/v1/events", msgspec.json.encode(body))
            answer = await self._pools[0].send(request, TIMEOUT_S)
            self.refused_events += answer.status != 202
