"""Clients beside those who are judged: too many of them, rude ones, and some who are wrong."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from loadtest.chaos.background import cancelled
from loadtest.connection import encode
from loadtest.errors import LoadTestError
from loadtest.pool import Pool
from loadtest.run.answers import NOTHING

READERS: Final = "readers"
"""Who click on one item now and then, in every scenario: ingest has something to do."""
CONNECTIONS: Final = 64
BATCH: Final = 500
HURRY_MS: Final = (0.5, 2.0, 5.0)
SKEW_MS: Final = (86_400_000, -86_400_000, 3_600_000)
BYTE_EVERY_S: Final = 0.2
HUNG_UP_AFTER_S: Final = 0.004
EVENTS_WITHIN_S: Final = 10.0
"""A batch waits for a Redis that hangs, and is refused in the end."""
RUBBISH: Final = (
    b"{",
    b"[]",
    b'{"user_id": 7}',
    b'{"user_id": "u", "item_ids": [], "top_k": -1}',
    b"\x00\xff" * 500,
    json.dumps({"user_id": "u", "item_ids": [f"ad{n}" for n in range(5000)]}).encode(),
)

Once = Callable[["Visitors", int], Awaitable[None]]
Body = Mapping[str, Any]


class Visitors:
    """`statuses` are of each kind apart; NOTHING where no answer came."""

    def __init__(self, url: str, bodies: Sequence[Body]) -> None:
        parts = urlsplit(url)
        self.statuses: dict[str, Counter[int]] = {}
        self.bodies = bodies
        self.address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._url = url
        self._pools: dict[str, Pool] = {}

    @asynccontextmanager
    async def coming(self, who: str, rate: float) -> AsyncIterator[None]:
        """`rate` a second inside. Those who wait for an answer then get it, or give up."""
        self.statuses.setdefault(who, Counter())
        self._pools[who] = pool = Pool(self._url, CONNECTIONS)
        visits: set[asyncio.Task[None]] = set()
        try:
            async with cancelled(self._come(KINDS[who], rate, visits)):
                yield
        finally:
            if visits:
                await asyncio.wait(visits, timeout=PATIENCE_S.get(who, EVENTS_WITHIN_S))
            for visit in visits:
                visit.cancel()
            await asyncio.gather(*visits, return_exceptions=True)
            await pool.close()

    async def _come(self, once: Once, rate: float, visits: set[asyncio.Task[None]]) -> None:
        started_s = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, started_s + number / rate - time.monotonic()))
            visit = asyncio.create_task(_leniently(once(self, number)))
            visits.add(visit)
            visit.add_done_callback(visits.discard)

    async def post(self, who: str, path: str, body: bytes) -> None:
        """Each tries once more where a connection that was kept is gone: see loadtest.pool."""
        try:
            answer = await self._pools[who].send(encode("POST", path, body), EVENTS_WITHIN_S)
        except (LoadTestError, TimeoutError):
            self.statuses[who][NOTHING] += 1
        else:
            self.statuses[who][answer.status] += 1

    def body(self, number: int) -> dict[str, Any]:
        return dict(self.bodies[number % len(self.bodies)])


async def _leniently(visit: Awaitable[None]) -> None:
    """Whoever is rude may be shown the door."""
    with suppress(OSError, asyncio.IncompleteReadError):
        await visit


async def _reader(visitors: Visitors, number: int) -> None:
    await visitors.post(READERS, "/v1/events", _events(visitors, f"r{number}", number, 1))


async def _flood(visitors: Visitors, number: int) -> None:
    await visitors.post("events", "/v1/events", _events(visitors, f"f{number}", number, BATCH))


def _events(visitors: Visitors, name: str, number: int, count: int, **more: Any) -> bytes:
    """One user's impressions."""
    body = visitors.body(number)
    items = itertools.islice(itertools.cycle(body["item_ids"]), count)
    events = [
        {"event_id": f"{name}-{place}", "type": "impression", "user_id": body["user_id"],
         "item_id": item, **more}
        for place, item in enumerate(items)
    ]  # fmt: skip
    return json.dumps({"events": events}).encode()


async def _hurried(visitors: Visitors, number: int) -> None:
    body = visitors.body(number) | {"deadline_ms": HURRY_MS[number % len(HURRY_MS)]}
    await visitors.post("hurried", "/v1/rank", json.dumps(body).encode())


async def _skewed(visitors: Visitors, number: int) -> None:
    """A caller's clock is wrong, for what he asks and for what he tells."""
    now_ms = time.time_ns() // 1_000_000 + SKEW_MS[number % len(SKEW_MS)]
    if number % 4 == 0:
        events = _events(visitors, f"s{number}", number, 1, timestamp_ms=now_ms)
        return await visitors.post("skewed", "/v1/events", events)
    body = visitors.body(number) | {"timestamp_ms": now_ms}
    return await visitors.post("skewed", "/v1/rank", json.dumps(body).encode())


async def _newcomer(visitors: Visitors, number: int) -> None:
    body = visitors.body(number) | {"user_id": f"newcomer-{number}"}
    await visitors.post("newcomers", "/v1/rank", json.dumps(body).encode())


async def _rubbish(visitors: Visitors, number: int) -> None:
    await visitors.post("rubbish", "/v1/rank", RUBBISH[number % len(RUBBISH)])


async def _hang_up(visitors: Visitors, number: int) -> None:
    """Every other one in the middle of his request, the rest before the answer."""
    request = encode("POST", "/v1/rank", json.dumps(visitors.body(number)).encode())
    _, writer = await asyncio.open_connection(*visitors.address)
    writer.write(request[: len(request) // 2] if number % 2 else request)
    await asyncio.sleep(HUNG_UP_AFTER_S)
    writer.transport.abort()


async def _slow_loris(visitors: Visitors, number: int) -> None:
    """A byte now and then, for as long as he is let."""
    request = encode("POST", "/v1/rank", json.dumps(visitors.body(number)).encode())
    _, writer = await asyncio.open_connection(*visitors.address)
    try:
        for at in range(len(request)):
            writer.write(request[at : at + 1])
            await writer.drain()
            await asyncio.sleep(BYTE_EVERY_S)
    finally:
        writer.transport.abort()


KINDS: Final[Mapping[str, Once]] = {
    READERS: _reader,
    "events": _flood,
    "hang-ups": _hang_up,
    "slowloris": _slow_loris,
    "hurried": _hurried,
    "skewed": _skewed,
    "rubbish": _rubbish,
    "newcomers": _newcomer,
}
PATIENCE_S: Final[Mapping[str, float]] = {"hang-ups": 0.1, "slowloris": 0.1}
"""Of those who would not leave by themselves."""
LATE: Final = 504
"""The caller's deadline passed before the model ran."""
KEPT_OR_NOT: Final = frozenset({202, 429, 503})
RANKED: Final = frozenset({200, 429, LATE})
EXPECTED: Final[Mapping[str, frozenset[int]]] = {
    READERS: KEPT_OR_NOT,
    "events": KEPT_OR_NOT,
    "hurried": RANKED,
    "skewed": RANKED | KEPT_OR_NOT,
    "rubbish": frozenset({400, 413, 415, 422, 429}),
    "newcomers": RANKED,
    "hang-ups": frozenset(),
    "slowloris": frozenset(),
}
