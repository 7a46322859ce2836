"""Requests that are sent when they are due, however many are still unanswered."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from loadtest.connection import encode
from loadtest.errors import LoadTestError
from loadtest.open_loop import poisson_arrivals
from loadtest.pool import Pool
from tests.bundles import USERS, rank_body

TIMEOUT_S: Final = 20.0
CONNECTIONS: Final = 512


class Answered(NamedTuple):
    due_s: float  # from the start of the surge
    took_ms: float  # since it was due
    status: int  # 0: no answer
    said: dict[str, Any]

    @property
    def is_late(self) -> bool:
        """As the answer itself says."""
        return {"stage": "total", "reason": "late"} in self.said.get("degraded", ())


def plain(number: int) -> dict[str, Any]:
    return {}


class Surge:
    def __init__(self, url: str, candidates: int) -> None:
        self.url = url
        self._candidates = candidates

    def send(
        self, *parts: tuple[float, float], fields: Callable[[int], dict[str, Any]] = plain
    ) -> list[Answered]:
        """Poisson arrivals at each rate for so many seconds, one part after another; all answers,
        by when they were due. `fields` are added to the body of the n-th request."""
        due_s, began_s = [], 0.0
        for seed, (rate, seconds) in enumerate(parts):
            due_s += [began_s + at for at in poisson_arrivals(rate, seconds, seed) if at < seconds]
            began_s += seconds
        return asyncio.run(self._send(due_s, fields))

    async def _send(
        self, due_s: list[float], fields: Callable[[int], dict[str, Any]]
    ) -> list[Answered]:
        began_s, tasks = time.perf_counter(), []
        async with Pool(self.url, CONNECTIONS) as pool:
            for number, due in enumerate(due_s):
                if (wait_s := due - (time.perf_counter() - began_s)) > 0:
                    await asyncio.sleep(wait_s)
                body = rank_body(f"user-{number % USERS}", self._candidates) | fields(number)
                tasks.append(asyncio.create_task(self._one(pool, body, began_s, due)))
            return await asyncio.gather(*tasks)

    async def _one(
        self, pool: Pool, body: dict[str, Any], began_s: float, due_s: float
    ) -> Answered:
        request = encode("POST", "/v1/rank", json.dumps(body).encode())
        try:
            answer = await pool.send(request, TIMEOUT_S)
        except (LoadTestError, TimeoutError):
            return Answered(due_s, 1e9, 0, {})
        took_ms = (time.perf_counter() - began_s - due_s) * 1000.0
        return Answered(due_s, took_ms, answer.status, json.loads(answer.body))
