"""A refresher put together: what it needs of the server, and who shares its space with it."""

import asyncio
from typing import Final, NamedTuple

from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.redis_demand import RedisDemand, check_shards
from cache.redis_store import RedisStore
from cache.redis_streams import MAX_BLOCK_MS, RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.attempt import Attempts
from cache.refresh.backlog import Backlog
from cache.refresh.batch_size import BatchSize
from cache.refresh.follower import ItemFollower
from cache.refresh.hand import Hand
from cache.refresh.intake import Intake
from cache.refresh.item_sums import ItemSums
from cache.refresh.lease import Leases
from cache.refresh.own_shards import OwnShards
from cache.refresh.pages import PageRules, PageWriter
from cache.refresh.process import consumer_name
from cache.refresh.refresh_loop import RefreshLoop
from cache.refresh.roster import Roster
from cache.refresh.server_clock import ServerClock
from cache.refresh.settling import Settling
from cache.refresh.speculation.options import Speculating
from cache.refresh.speculation.speculation import Speculation
from cache.refresh.tally import Tally
from cache.refresh.teacher import Teacher
from cache.refresh.teacher_thread import Patience
from cache.refresh.worker import Refresher

PAUSE_S: Final = 0.5


class Limits(NamedTuple):
    rules: PageRules
    shards: int | None  # None: as many as the space has
    lease_ms: int
    max_pairs: int
    batch_ms: float
    candidates: int
    sums_items: bool = False  # for students that read the item tier
    speculating: Speculating | None = None
    elsewhere_s: float | None = None  # what a run in another process may take


class RefreshProcess:
    """Owns its connections. `run` once."""

    def __init__(self, redis_url: str, teacher: Teacher, limits: Limits, tally: Tally) -> None:
        self._client = connect(redis_url)
        # Reads that wait keep a connection: nothing else may queue behind them.
        self._waiting = connect(redis_url, wait_ms=2 * MAX_BLOCK_MS)
        self._streams = RedisStreams(self._waiting)
        self._store = RedisStore(self._client)
        self._teacher = teacher
        self._limits = limits
        self._tally = tally
        self._clock = ServerClock()
        self._items = self._item_sums() if limits.sums_items else None
        self._loop: RefreshLoop | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Raises ShardsDiffer, TeacherHung."""
        try:
            shards = await self._agreed_shards(stop)
            if shards is not None:
                self._loop = self._built(shards)
                await self._run_both(self._loop, stop)
        finally:
            await self._store.close()
            await self._streams.close()

    async def _run_both(self, loop: RefreshLoop, stop: asyncio.Event) -> None:
        """What was said of items is written once more when the last batch has ended."""
        if self._items is None:
            await loop.run(stop)
            return
        has_ended = asyncio.Event()
        writing = asyncio.create_task(self._items.run(has_ended))
        try:
            await loop.run(stop)
        finally:
            has_ended.set()
            await writing

    async def measure(self) -> None:
        """Raises StoreUnavailable, also while it waits to begin."""
        if self._loop is None:
            await self._store.ping()
        else:
            await self._loop.measure()

    async def _agreed_shards(self, stop: asyncio.Event) -> int | None:
        """None when it is to end before the server was there."""
        demand, wanted = RedisDemand(self._client, self._teacher.space), self._limits.shards
        while not stop.is_set():
            try:
                held = await (demand.shards(wanted) if wanted else demand.shards())
            except StoreUnavailable:
                await asyncio.sleep(PAUSE_S)
                continue
            check_shards(self._teacher.space, held, wanted or held)
            return held
        return None

    def _built(self, shards: int) -> RefreshLoop:
        limits, space = self._limits, self._teacher.space
        hand, size = Hand(limits.max_pairs), BatchSize(limits.batch_ms, limits.candidates)
        backlog, own = Backlog(self._waiting, space, shards), self._own_shards(shards)
        refresher = self._refresher(size)
        settling = Settling(own, backlog, self._tally)
        foresight = self._speculation(refresher, settling)
        attempts = Attempts(
            space, settling, backlog, refresher, self._streams, self._clock, self._tally,
            limits.rules.ttl.hard_s, None if foresight is None else foresight.speculator.demanded,
        )  # fmt: skip
        listener = None if foresight is None else foresight.hear
        intake = Intake(backlog, refresher.decode, hand, listener=listener)
        return RefreshLoop(own, intake, hand, size, attempts, backlog, self._tally, foresight)

    def _speculation(self, refresher: Refresher, settling: Settling) -> Speculation | None:
        if self._limits.speculating is None:
            return None
        speculator = self._limits.speculating.speculator(self._limits.rules.ttl, self._tally)
        return Speculation(speculator, refresher, settling, self._clock)

    def _own_shards(self, shards: int) -> OwnShards:
        space, name, lease_ms = self._teacher.space, consumer_name(), self._limits.lease_ms
        roster = Roster(self._client, space, name, shards=shards, ttl_ms=lease_ms)
        leases = Leases(self._client, space, name, lease_ms)
        return OwnShards(
            space, roster, leases, self._clock, self._tally, shards=shards, lease_ms=lease_ms
        )

    def _item_sums(self) -> ItemSums:
        table, ttl = RedisTable(self._client), self._limits.rules.ttl
        return ItemSums(table, self._streams, self._teacher.space, ttl, self._tally)

    def _refresher(self, size: BatchSize) -> Refresher:
        log, rules = self._teacher.schema.log, self._limits.rules
        pages = PageWriter(self._store, self._teacher.space, rules, self._tally)
        table = RedisTable(self._client)
        return Refresher(
            self._store, self._teacher, log, pages, rules.ttl, self._tally, self._clock, size,
            follower=ItemFollower.of(self._teacher.items, table, self._streams, log),
            items=self._items, widths=self._teacher.widths,
            patience=Patience.of(self._limits.batch_ms, self._limits.elsewhere_s),
        )  # fmt: skip
