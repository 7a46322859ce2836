"""Demand: which pairs a gateway would have liked the teacher's word on."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from struct import Struct
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import F32, U64
from cache.clock import wall_clock_ms
from cache.errors import MessageCorrupt, StoreUnavailable
from cache.keys import demand_stream, pair_keys
from cache.recent import RecentPairs
from cache.streams import Streams

MAX_PAIRS: Final = 4096
MAX_USER_BYTES: Final = 1024
MAX_CONTEXT: Final = 255

_HEADER: Final = Struct("<2sBxqqHHBB6x")
_MAGIC: Final = b"UD"


class Demand(NamedTuple):
    """Candidates of one request that missed or were stale; scores are the student's."""

    user_id: str
    as_of_ms: int  # the request's time
    context: U64  # [Fc] category keys
    context_numbers: F32  # [Gc]
    item_keys: U64  # [K]
    scores: F32  # [K]


class Received(NamedTuple):
    demand: Demand
    enqueued_ms: int  # wall clock


def encode(demand: Demand, enqueued_ms: int) -> bytes:
    """Raises ValueError past a bound."""
    user = demand.user_id.encode()
    count, context, numbers = (
        len(demand.item_keys), len(demand.context), len(demand.context_numbers)
    )  # fmt: skip
    if count > MAX_PAIRS or len(user) > MAX_USER_BYTES or max(context, numbers) > MAX_CONTEXT:
        raise ValueError(f"{count} pairs, {context} context columns, user of {len(user)} bytes")
    header = _HEADER.pack(
        _MAGIC, 1, demand.as_of_ms, enqueued_ms, count, len(user), context, numbers
    )
    columns = (
        demand.context.astype("<u8"), demand.item_keys.astype("<u8"),
        demand.context_numbers.astype("<f4"), demand.scores.astype("<f4"),
    )  # fmt: skip
    return header + b"".join(column.tobytes() for column in columns) + user


def decode(data: bytes) -> Received:
    """Raises MessageCorrupt."""
    if len(data) < _HEADER.size:
        raise MessageCorrupt(f"{len(data)} bytes are fewer than a demand's header")
    magic, form, as_of_ms, enqueued_ms, count, user, context, numbers = _HEADER.unpack_from(data)
    if magic != _MAGIC or form != 1 or count > MAX_PAIRS or user > MAX_USER_BYTES:
        raise MessageCorrupt(f"not a demand message of format 1: begins with {data[:3].hex()}")
    if len(data) != _HEADER.size + 8 * (context + count) + 4 * (numbers + count) + user:
        raise MessageCorrupt(f"{len(data)} bytes are not what the demand's header means")
    at = _HEADER.size
    try:
        user_id = data[len(data) - user :].decode()
    except UnicodeDecodeError as error:
        raise MessageCorrupt(f"the user id is not UTF-8: {error}") from error
    return Received(
        Demand(
            user_id,
            as_of_ms,
            np.frombuffer(data, "<u8", context, at),
            item_keys=np.frombuffer(data, "<u8", count, at := at + 8 * context),
            context_numbers=np.frombuffer(data, "<f4", numbers, at := at + 8 * count),
            scores=np.frombuffer(data, "<f4", count, at + 4 * numbers),
        ),
        enqueued_ms,
    )


class DemandFeed:
    """Takes demands off the request path and appends them to the stream in batches.

    `offer` never waits: past `queue_limit` it drops. Pairs that the same user was offered within
    `window_s` are sent once. A batch that cannot be appended is dropped and forgotten: the next
    miss asks again.
    """

    def __init__(
        self,
        streams: Streams,
        space: str,
        *,
        queue_limit: int = 1024,
        window_s: float = 10.0,
        flush_s: float = 0.02,
        stream_limit: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._streams = streams
        self._stream = demand_stream(space)
        self._queue: deque[tuple[Demand, int]] = deque()
        self._queue_limit = queue_limit
        self._recent = RecentPairs(window_s, clock)
        self._flush_s = flush_s
        self._stream_limit = stream_limit
        self._wall_ms = wall_ms
        self._offered = asyncio.Event()
        self.counts: Counter[str] = Counter()

    def offer(self, demand: Demand) -> None:
        """Counts `offered`, or `dropped` when the queue is full."""
        if len(self._queue) >= self._queue_limit:
            self.counts["dropped"] += 1
            return
        self.counts["offered"] += 1
        self._queue.append((demand, self._wall_ms()))
        self._offered.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._offered.wait()
            # Waiting a little makes one append of many requests' demands.
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Appends all that is queued.

        Counts messages: `sent`, `duplicate`, `failed` (no store), `refused` (past a bound).
        """
        self._offered.clear()
        queued, self._queue = self._queue, deque()
        bodies = [body for demand, at in queued if (body := self._body(demand, at))]
        if not bodies:
            return
        try:
            await self._streams.append(self._stream, bodies, self._stream_limit)
            self.counts["sent"] += len(bodies)
        except StoreUnavailable:
            self._recent.forget()
            self.counts["failed"] += len(bodies)

    def _body(self, demand: Demand, enqueued_ms: int) -> bytes | None:
        """None when nothing of it is new, or when it cannot be sent."""
        pairs = pair_keys(demand.item_keys, demand.context)
        is_new = self._recent.unseen(demand.user_id, pairs)
        if not is_new.any():
            self.counts["duplicate"] += 1
            return None
        item_keys, scores = demand.item_keys[is_new], demand.scores[is_new]
        try:
            return encode(demand._replace(item_keys=item_keys, scores=scores), enqueued_ms)
        except ValueError:
            self.counts["refused"] += 1
            return None
