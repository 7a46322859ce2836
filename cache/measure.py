"""`python -m cache.measure`: what a page costs, in bytes and in time, on this machine."""

import asyncio
import sys
import tempfile
import time
import timeit
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from cache import page, record
from cache.arrays import U64
from cache.breaker import CircuitBreaker
from cache.embedded import EmbeddedValkey
from cache.entries import Entries, aggregate_of
from cache.keys import page_key, pair_keys, record_key
from cache.page import page_bytes
from cache.quantise import Precision
from cache.reader import CacheReader
from cache.record import UserRecord
from cache.redis_store import RedisStore
from cache.refresh.pages import SEQUENCE
from cache.sequence import Past, PastSequence, Spoken, lengthened, read
from cache.tiers import Lookup, TtlPolicy, resolve

ENTRIES: Final = 300
CANDIDATES: Final = 200
DIM: Final = 32
TASKS: Final = 2
EVENTS: Final = 50
NOW_MS: Final = 1_760_000_000_000
USER: Final = "user-1"
ROUNDS: Final = 3000
REPEATS: Final = 10
CALLERS: Final = 8


class Sample(NamedTuple):
    page: bytes
    record: bytes
    items: U64  # [CANDIDATES], half of them in the page


def main() -> None:
    say(f"{ENTRIES} entries, {CANDIDATES} candidates, d={DIM}, {TASKS} tasks, {EVENTS} events")
    for precision in (Precision.INT8, Precision.FP16):
        sample = make_sample(precision)
        entry_bytes = (
            page_bytes(ENTRIES + 1, DIM, TASKS, precision)
            - page_bytes(ENTRIES, DIM, TASKS, precision)
        )  # fmt: skip
        say(
            f"{precision.name.lower()}: {entry_bytes} bytes an entry, page {len(sample.page)}, "
            f"record {len(sample.record)}"
        )
        for name, timed in steps(sample).items():
            say(f"  {name:<26} {best_us(timed):6.1f} µs")
    asyncio.run(measure_reads(make_sample(Precision.INT8)))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def make_sample(precision: Precision) -> Sample:
    rng = np.random.default_rng(0)
    items = rng.integers(1, 1 << 63, ENTRIES + CANDIDATES // 2).astype(np.uint64)
    z = np.tanh(rng.normal(size=(ENTRIES, DIM))).astype(np.float32)
    logit = rng.normal(size=(ENTRIES, TASKS)).astype(np.float32)
    computed_at = NOW_MS - rng.integers(0, 3_600_000, ENTRIES)
    held = Entries.of(pair_keys(items[:ENTRIES], [7]), computed_at, logit, z, precision)
    encoded = page.encode(held, aggregate_of(held), make_sequence(rng), version=1, fence=0)
    offered = rng.permutation(items[ENTRIES - CANDIDATES // 2 :])
    return Sample(encoded, record.encode(make_record(rng)), offered)


def make_sequence(rng: np.random.Generator) -> PastSequence:
    z = np.tanh(rng.normal(size=(SEQUENCE, DIM))).astype(np.float32)
    spoken = Spoken(NOW_MS - np.arange(SEQUENCE + 5, 5, -1), z)
    return lengthened(None, spoken, alive_since_ms=0, limit=SEQUENCE)


def make_record(rng: np.random.Generator) -> UserRecord:
    return UserRecord(
        columns=rng.integers(1, 1 << 63, 6).astype(np.uint64),
        numbers=rng.normal(size=2).astype(np.float32),
        counters=rng.random(1 + TASKS),
        counters_at=NOW_MS,
        items=rng.integers(1, 1 << 63, EVENTS).astype(np.uint64),
        times_ms=NOW_MS - np.arange(EVENTS, 0, -1),
        outcomes=np.ones(EVENTS, np.uint8),
        event_ids=rng.integers(1, 1 << 63, 64).astype(np.uint64),
        version=1,
        fingerprint=1,
    )


def steps(sample: Sample) -> dict[str, Callable[[], object]]:
    decoded, ttl = page.decode(sample.page), TtlPolicy()
    past = Past(decoded.sequence, record.decode(sample.record).times_ms)
    pairs = pair_keys(sample.items, [7])

    def resolved_page() -> object:
        lookup = Lookup(page.decode(sample.page), pair_keys(sample.items, [7]), NOW_MS)
        return resolve([lookup], ttl, DIM, TASKS)

    return {
        "decode page": lambda: page.decode(sample.page),
        "decode record": lambda: record.decode(sample.record),
        "pair keys": lambda: pair_keys(sample.items, [7]),
        "resolve": lambda: resolve([Lookup(decoded, pairs, NOW_MS)], ttl, DIM, TASKS),
        "decode, pair keys, resolve": resolved_page,
        "read sequence": lambda: read([past], SEQUENCE, DIM),
    }


def best_us(timed: Callable[[], object]) -> float:
    """The best mean of several runs: what it takes when nobody else wants the core."""
    runs = timeit.repeat(timed, number=ROUNDS // REPEATS, repeat=REPEATS)
    return min(runs) / (ROUNDS // REPEATS) * 1e6


async def measure_reads(sample: Sample) -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder)) as server:
        store = RedisStore.open(server.url)
        keys = [record_key(USER), page_key(USER, "s")]
        await store.put_many(dict(zip(keys, (sample.record, sample.page), strict=True)), None)
        reader = CacheReader(store, "s", 1000.0, CircuitBreaker())
        say(f"embedded Valkey, unix socket, {ROUNDS} reads of record and int8 page")
        for callers in (1, CALLERS):
            await report_reads("MGET", lambda: store.get_many(keys), callers)
            await report_reads("CacheReader.read", lambda: reader.read(USER), callers)
        await store.close()


async def report_reads(name: str, read: Callable[[], Awaitable[object]], callers: int) -> None:
    taken: list[float] = []

    async def calls() -> None:
        for _ in range(ROUNDS // callers):
            started = time.perf_counter()
            await read()
            taken.append(time.perf_counter() - started)

    await read()
    started = time.perf_counter()
    await asyncio.gather(*(calls() for _ in range(callers)))
    rate = len(taken) / (time.perf_counter() - started)
    p50, p99 = (float(np.percentile(taken, q)) * 1e6 for q in (50, 99))
    say(f"  {name:<18} {callers} callers: p50 {p50:5.0f} µs, p99 {p99:5.0f} µs, {rate:,.0f}/s")


if __name__ == "__main__":
    main()
