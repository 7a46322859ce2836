"""Requests at a steady rate to several gateways, and what each answer said."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from loadtest.connection import encode
from loadtest.pool import Pool
from tests.bundles import ITEMS

USERS = 60
POOL = 30  # items that a user may be asked about
CANDIDATES = 15
TIMEOUT_S = 30.0


class Told(NamedTuple):
    at_s: float
    status: int
    version: str
    pair: float  # share of the candidates
    ms: float


class Traffic:
    def __init__(self, ports: Sequence[int], rate: float) -> None:
        self._pools = [Pool(f"http://127.0.0.1:{port}", 16) for port in ports]
        self._rng = np.random.default_rng(7)
        self._items = [self._rng.permutation(ITEMS)[:POOL] for _ in range(USERS)]
        self._every_s = 1.0 / rate
        self._began_s = time.perf_counter()
        self.told: list[Told] = []

    @property
    def now_s(self) -> float:
        return time.perf_counter() - self._began_s

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and all that was sent is answered."""
        sent: list[asyncio.Task[None]] = []
        due_s = self.now_s
        while not stop.is_set():
            due_s += self._every_s
            await asyncio.sleep(max(0.0, due_s - self.now_s))
            sent.append(asyncio.create_task(self._ask(self._pools[len(sent) % len(self._pools)])))
        await asyncio.gather(*sent)

    def since(self, at_s: float) -> list[Told]:
        return [told for told in self.told if told.at_s >= at_s]

    def coverage(self, for_s: float) -> float:
        """Of late."""
        late = self.since(self.now_s - for_s)
        return float(np.mean([told.pair for told in late])) if late else 0.0

    async def close(self) -> None:
        for pool in self._pools:
            await pool.close()

    async def _ask(self, pool: Pool) -> None:
        began_s = self.now_s
        answer = await pool.send(self._request(), TIMEOUT_S)
        body = json.loads(answer.body)
        is_whole = answer.status == 200
        self.told.append(
            Told(
                began_s,
                answer.status,
                body["version"] if is_whole else "",
                body["coverage"]["pair"] if is_whole else 0.0,
                1000.0 * (self.now_s - began_s),
            )
        )

    def _request(self) -> bytes:
        user = int(self._rng.integers(USERS))
        items = self._rng.choice(self._items[user], CANDIDATES, replace=False)
        body = {
            "user_id": f"user-{user}",
            "context": {"placement": "feed", "slot_width": 320},
            "item_ids": [f"item-{item}" for item in items],
        }
        return encode("POST", "/v1/rank", json.dumps(body).encode())
