"""Open-loop load: requests go out when they are due, whatever became of the earlier ones."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from loadtest.connection import encode
from loadtest.errors import LoadTestError
from loadtest.pool import Pool
from tests.bundles import USERS, rank_body
from tests.faults.loop_thread import LoopThread

RATE: Final = 40.0
EVENTS_EVERY: Final = 5
"""As many requests to a batch of events."""
CANDIDATES: Final = 30
TIMEOUT_S: Final = 10.0
RUN: Final = 12
"""So many answers in a row with nothing missing are no accident."""

Body = Callable[[int], dict[str, Any]]


class Answered(NamedTuple):
    due_s: float
    """Of the monotonic clock; `took_ms` counts from it."""
    took_ms: float
    status: int
    """0: no answer."""
    reasons: tuple[str, ...] = ()
    pair: float = 0.0
    """Share of the candidates that had a hint of their own."""

    @property
    def is_whole(self) -> bool:
        return self.status == 200 and not self.reasons


class Reported(NamedTuple):
    """A batch of one event."""

    due_s: float
    event_id: str
    status: int


def known_users(number: int) -> dict[str, Any]:
    return rank_body(f"user-{number % USERS}", CANDIDATES, number % 50, deadline_ms=2000.0)


class Traffic:
    """From `start` until `stop`. Lists are in the order of the answers, and grow meanwhile."""

    def __init__(self, thread: LoopThread, url: str, body: Body = known_users) -> None:
        self.answered: list[Answered] = []
        self.reported: list[Reported] = []
        self.body = body
        self._thread = thread
        self._url = url
        self._is_over = False
        self._sending: Future[None] | None = None

    def start(self) -> None:
        self._sending = self._thread.begin(self._send())

    def stop(self) -> None:
        """Once everything is answered."""
        self._is_over = True
        if self._sending is not None:
            self._sending.result(2 * TIMEOUT_S)

    def between(self, begin_s: float, end_s: float) -> list[Answered]:
        return [answer for answer in list(self.answered) if begin_s <= answer.due_s < end_s]

    def whole_since(self, since_s: float) -> float | None:
        """When the first of RUN whole answers in a row was due; None as long as there are none."""
        later = sorted(a for a in list(self.answered) if a.due_s >= since_s)
        for at in range(len(later) - RUN + 1):
            if all(answer.is_whole for answer in later[at : at + RUN]):
                return later[at].due_s
        return None

    def kept_since(self, since_s: float) -> float | None:
        """When the first batch of events that was acknowledged was due."""
        kept = (r.due_s for r in list(self.reported) if r.status == 202 and r.due_s >= since_s)
        return min(kept, default=None)

    async def _send(self) -> None:
        ranks, events = Pool(self._url, 64), Pool(self._url, 64)
        sent = []
        for number, due_s in self._arrivals():
            if (wait_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            sent.append(asyncio.create_task(self._rank(ranks, self.body(number), due_s)))
            if number % EVENTS_EVERY == 0:
                sent.append(asyncio.create_task(self._report(events, due_s)))
        await asyncio.gather(*sent)
        await ranks.close()
        await events.close()

    def _arrivals(self) -> Iterator[tuple[int, float]]:
        began_s = time.monotonic()
        for number in itertools.count():
            if self._is_over:
                return
            yield number, began_s + number / RATE

    async def _rank(self, pool: Pool, body: dict[str, Any], due_s: float) -> None:
        status, told = await _post(pool, "/v1/rank", body)
        took_ms = (time.monotonic() - due_s) * 1000.0
        reasons = tuple(f"{entry['stage']}:{entry['reason']}" for entry in told.get("degraded", ()))
        pair = told.get("coverage", {}).get("pair", 0.0)
        self.answered.append(Answered(due_s, took_ms, status, reasons, pair))

    async def _report(self, pool: Pool, due_s: float) -> None:
        event_id = f"e-{due_s!r}"
        event = {"event_id": event_id, "type": "click", "user_id": "user-1", "item_id": "item-1"}
        status, _ = await _post(pool, "/v1/events", {"events": [event]})
        self.reported.append(Reported(due_s, event_id, status))


async def _post(pool: Pool, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    try:
        answer = await pool.send(encode("POST", path, json.dumps(body).encode()), TIMEOUT_S)
    except (LoadTestError, TimeoutError):
        return 0, {}
    return answer.status, json.loads(answer.body)
