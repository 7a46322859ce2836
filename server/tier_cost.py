"""What the lower tiers cost: a request's time, a server's and a gateway's memory.

python -m server.tier_cost
"""

import asyncio
import tempfile
import timeit
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from cache import page
from cache.arrays import F32, I64
from cache.bench.printed import say, table
from cache.bench.sample import (
    CANDIDATES,
    CONTEXT,
    DIM,
    ENTRIES,
    NOW_MS,
    SPACE,
    TASKS,
    Sample,
    make_sample,
)
from cache.bench.timings import Read, Step, compared
from cache.breaker import CircuitBreaker
from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.entries import Entries
from cache.item_means import ItemMeans
from cache.item_slices import SLICES, Slices, slice_ms
from cache.items import FIELD
from cache.keys import item_slices_table, neighbour_key, page_key, pair_keys, record_key
from cache.page import Page
from cache.quantise import Precision
from cache.reader import CacheReader
from cache.redis_store import RedisStore
from cache.refresh.neighbour_loop import value_of
from cache.tiers import HARD_TTL_S, Lookup, TtlPolicy, resolve
from models.features.catalogue import Catalogue
from models.features.live_catalogue import LiveCatalogue
from models.schema import FeatureSchema, LogSchema
from server.item_hints import ItemHints

LENT: Final = 256
ITEMS: Final = 100_000
TABLED: Final = 2000
"""Items that stand for all of them in the server's table."""
CALLS: Final = 1000
ROUNDS: Final = 7
SHORT_RUNS: Final = 10
SHORT_ROUNDS: Final = 1500


class Case(NamedTuple):
    """One request of the bench's sample, all of its tiers filled."""

    sample: Sample
    page: Page
    lent: bytes
    hints: ItemHints
    live: LiveCatalogue


def main() -> None:
    case = make_case()
    _report_resolve(case)
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder) / "data") as server:
        asyncio.run(_report_server(server.url, case))
    size = case.hints.nbytes
    say(f"a gateway process holds {size:,} bytes of hints for {ITEMS:,} items, d = {DIM}")


def make_case() -> Case:
    """Half of the candidates in the page, half of the rest lent, and all of them in the catalogue
    and spoken of."""
    rng, sample = np.random.default_rng(1), make_sample(Precision.INT8)
    others = rng.integers(1, 1 << 63, ITEMS - CANDIDATES).astype(np.uint64)
    schema = FeatureSchema(
        log=LogSchema(tasks=("click", "conversion")), history_length=1, prior_rates=(0.1, 0.1)
    )
    keys = np.unique(np.concatenate([sample.items, others]))
    nothing = np.zeros((len(keys), 0), np.uint64)
    catalogue = Catalogue.of(schema.log, keys, nothing, nothing.astype(np.float32))
    hints = ItemHints(catalogue, DIM)
    z = _z(rng, len(keys)).astype(np.float16)
    hints.write(ItemMeans(keys, np.full(len(keys), NOW_MS - 60_000), z))
    decoded = page.decode(sample.page)
    lent = value_of(_lent(rng, sample, decoded))
    return Case(sample, decoded, lent, hints, LiveCatalogue(schema, catalogue))


def _lent(rng: np.random.Generator, sample: Sample, held: Page) -> Entries:
    gaps = np.setdiff1d(sample.pairs, held.pair_keys)[: CANDIDATES // 4]
    others = rng.integers(1, 1 << 63, LENT - len(gaps)).astype(np.uint64)
    keys = np.concatenate([gaps, pair_keys(others, CONTEXT)])
    at_ms: I64 = NOW_MS - rng.integers(0, 3_600_000, LENT)
    logit = rng.normal(size=(LENT, TASKS)).astype(np.float32)
    return Entries.of(keys, at_ms, logit, _z(rng, LENT), Precision.INT8)


def _z(rng: np.random.Generator, count: int) -> F32:
    return np.tanh(rng.normal(size=(count, DIM))).astype(np.float32)


def steps(case: Case) -> dict[str, Step]:
    """From a page that is decoded; what neighbours lend is decoded within."""
    pairs, ttl, view = case.sample.pairs, TtlPolicy(), case.live.view
    items = case.sample.items
    rows = view.rows(items)

    def step(*, user: bool, neighbours: bool, of_items: bool) -> Step:
        def resolved() -> object:
            lent = page.decode(case.lent) if neighbours else None
            return resolve(
                [Lookup(case.page, pairs, NOW_MS, lent)], ttl, DIM, TASKS,
                reads_user=user, reads_neighbours=neighbours,
                items=case.hints.of(items, rows, view) if of_items else None,
            )  # fmt: skip

        return resolved

    return {
        "pair": step(user=False, neighbours=False, of_items=False),
        "pair, user": step(user=True, neighbours=False, of_items=False),
        "pair, item": step(user=False, neighbours=False, of_items=True),
        "pair, neighbour": step(user=False, neighbours=True, of_items=False),
        "pair, neighbour, item": step(user=False, neighbours=True, of_items=True),
        "all": step(user=True, neighbours=True, of_items=True),
    }


def _report_resolve(case: Case) -> None:
    say(f"{CANDIDATES} candidates, half of them in a page of {ENTRIES}, a quarter lent; µs\n")
    timed, taken = steps(case), dict[str, float]()
    # Short runs in turns: on a busy machine one of them has the core to itself.
    for _ in range(SHORT_ROUNDS):
        for name, step in timed.items():
            us = timeit.timeit(step, number=SHORT_RUNS) / SHORT_RUNS * 1e6
            taken[name] = min(us, taken.get(name, np.inf))
    rows = [[name, f"{us:.1f}"] for name, us in taken.items()]
    table(["tiers read", "resolve"], rows)


async def _report_server(url: str, case: Case) -> None:
    store, client = RedisStore.open(url), connect(url, answer_ms=10_000.0)
    try:
        values = {
            page_key("u", SPACE): case.sample.page,
            record_key("u"): case.sample.record,
            neighbour_key("u", SPACE): case.lent,
        }
        await store.put_many(values, None)
        await _report_reads(store)
        sizes = [await client.memory_usage(key) or 0 for key in values]
        say("bytes a user: page {:,}, record {:,}, lent by neighbours {:,}".format(*sizes))
        say(f"bytes of 100,000 items in the table, all slices filled: {await _tabled(client):,}")
    finally:
        await store.close()
        await client.aclose()


async def _report_reads(store: RedisStore) -> None:
    readers = {
        "page and record": CacheReader(store, SPACE, 1000.0, CircuitBreaker()),
        "what neighbours lend too": CacheReader(
            store, SPACE, 1000.0, CircuitBreaker(), reads_neighbours=True
        ),
    }
    reads: dict[str, Read] = {name: _read(reader) for name, reader in readers.items()}
    rows = []
    for callers in (1, 8):
        measured = await compared(reads, callers, calls=CALLS, rounds=ROUNDS)
        rows += [
            [name, str(callers), f"{spread.p50_us:.0f}", f"{spread.p99_us:.0f}"]
            for name, spread in measured.items()
        ]
    table(["CacheReader.read", "callers", "p50", "p99"], rows)


def _read(reader: CacheReader) -> Read:
    return lambda: reader.read("u")


async def _tabled(client: Any) -> int:
    """By MEMORY USAGE of every field."""
    width_ms, key = slice_ms(HARD_TTL_S), item_slices_table(SPACE)
    at_ms = NOW_MS - width_ms * np.tile(np.arange(SLICES), TABLED)
    items = np.arange(TABLED).repeat(SLICES)
    slices = Slices.of(items, at_ms, _z(np.random.default_rng(0), len(items)), width_ms)
    values = dict(zip(map(FIELD.pack, range(TABLED)), slices.packed(TABLED), strict=True))
    await client.hset(key, mapping=values)
    taken: int = await client.memory_usage(key, samples=0)
    return taken * ITEMS // TABLED


if __name__ == "__main__":
    main()
