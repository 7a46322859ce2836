"""Run as a script: what keeping an answer costs, in time of the event loop and in bytes.

`python -m tests.server.measure_served`: 200 candidates, half of them hinted, d = 32, 50 events.
"""

import asyncio
import io
import sys
import tempfile
import time
import timeit
import zlib
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import uvloop

from cache import page, record
from cache.breaker import CircuitBreaker
from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.entries import Entries, aggregate_of
from cache.keys import page_key, pair_keys, record_key
from cache.memory_store import MemoryStore
from cache.quantise import Precision
from cache.redis_streams import RedisStreams
from cache.refresh.archive_table import Delivered, table
from cache.sequence import Spoken, lengthened
from cache.served import Served, decode, encode
from cache.served_feed import AT_ONCE, ServedFeed
from models.features.hashing import key64, keys64
from server.cache_links import CacheLinks
from server.lane import Lane, build_lane, load_model
from server.metrics import Metrics
from server.served_log import ServedLog
from tests.bundles import ITEMS, NOW_MS, SPACE, linear_student, tiny_catalogue, tiny_users
from tests.server.kept import Answered, Keeping, body_of
from tests.server.live import settings_for
from tests.server.loaded_cache import record_of

CANDIDATES, DIM, EVENTS = 200, 32, 50
ROUNDS, REPEATS, FLUSHES, FILE = 200, 9, 100, 256
BODY = body_of(0, CANDIDATES)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lane = asyncio.run(_lane(Path(folder)))
        [answered] = asyncio.run(Keeping(lane).answer(BODY))
        kept = _kept(lane, answered)
        _say_sizes(kept)
        _say_times(lane, answered, kept)
        _say_archive(kept)
        with EmbeddedValkey(Path(folder) / "valkey") as valkey:
            uvloop.run(_say_flush(valkey.url, kept))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


async def _lane(folder: Path) -> Lane:
    bundle = linear_student(folder, teacher_dim=DIM, history_length=EVENTS)
    tiny_catalogue().save(folder / "catalogue.safetensors")
    store = MemoryStore()
    await store.put_many(_page() | _record(), None)
    links = CacheLinks(settings_for(bundle), store, CircuitBreaker(), None, None)
    model, catalogue = load_model(links.settings, bundle)
    return build_lane("stable", bundle, model, catalogue, links, Metrics())


def _page() -> dict[bytes, bytes]:
    rng = np.random.default_rng(0)
    keys = pair_keys(keys64(BODY["item_ids"][: CANDIDATES // 2]), [key64("feed")])
    z = np.tanh(rng.normal(size=(len(keys), DIM))).astype(np.float32)
    logit = rng.normal(size=(len(keys), 2)).astype(np.float32)
    at_ms = NOW_MS - rng.integers(0, 600_000, len(keys))
    entries = Entries.of(np.sort(keys), at_ms, logit, z, Precision.INT8)
    said = Spoken(_times_ms(), np.tanh(rng.normal(size=(EVENTS, DIM))).astype(np.float32))
    sequence = lengthened(None, said, alive_since_ms=0, limit=EVENTS)
    data = page.encode(entries, aggregate_of(entries), sequence, version=1, fence=0)
    return {page_key("user-0", SPACE): data}


def _record() -> dict[bytes, bytes]:
    rng = np.random.default_rng(1)
    held = record_of(tiny_users(), 0)._replace(
        items=keys64([f"item-{number}" for number in rng.integers(0, ITEMS, EVENTS)]),
        times_ms=_times_ms(),
        outcomes=rng.choice(np.array([1, 3], np.uint8), EVENTS),
    )
    return {record_key("user-0"): record.encode(held)}


def _times_ms() -> Any:
    return NOW_MS - np.arange(EVENTS, 0, -1) * 1_800_000


def _kept(lane: Lane, answered: Answered) -> Served:
    made: list[Served] = []
    log = ServedLog(_Catching(made), lane.model, 1.0)
    log.tell(*answered)
    return made[0]


class _Catching(ServedFeed):
    def __init__(self, made: list[Served]) -> None:
        self._made = made

    def offer(self, make: Callable[[], Served]) -> None:
        self._made[:] = [make()]


def _say_sizes(kept: Served) -> None:
    packed = msgspec.msgpack.encode(kept, enc_hook=_pack)
    by_user = sum(array.nbytes for array in kept.user_side.values())
    by_candidate = sum(array.nbytes for array in kept.candidate_side.values())
    say(f"inputs: {by_user:,} bytes a request, {by_candidate:,} by candidate")
    say(f"packed {len(packed):,} bytes; as it is sent {len(encode(kept)):,}")
    for level in (1, 6):
        took = best_us(partial(zlib.compress, packed, level))
        say(f"  zlib {level}: {len(zlib.compress(packed, level)):,} bytes in {took:.0f} µs")


def _pack(array: Any) -> Any:
    return array.dtype.str, array.shape, array.data.cast("B")


def _say_times(lane: Lane, answered: Answered, kept: Served) -> None:
    left, taken = ServedLog(_Catching([]), lane.model, 0.0), ServedLog(_Catching([]), lane.model, 1)
    say(f"answer left out  {best_us(lambda: left.tell(*answered)):6.1f} µs of the event loop")
    say(f"answer kept      {best_us(lambda: taken.tell(*answered)):6.1f} µs of the event loop")
    data = encode(kept)
    packing = best_us(lambda: msgspec.msgpack.encode(kept, enc_hook=_pack))
    say(f"pack             {packing:6.1f} µs, in a thread")
    say(f"pack and compress {best_us(lambda: encode(kept)):5.1f} µs, in a thread")
    say(f"decode           {best_us(lambda: decode(data)):6.1f} µs")


def best_us(timed: Callable[[], object]) -> float:
    return (
        min(timeit.repeat(timed, timer=time.thread_time, number=ROUNDS, repeat=REPEATS))
        / ROUNDS
        * 1e6
    )


def _say_archive(kept: Served) -> None:
    delivered = [Delivered(b"1-%d" % number, _other(kept, number)) for number in range(FILE)]
    began_s = time.perf_counter()
    data = io.BytesIO()
    table(delivered).write_parquet(data, compression="zstd")
    took_ms = (time.perf_counter() - began_s) * 1000
    say(f"file of {FILE}: {data.tell() // FILE:,} bytes a request, made in {took_ms:.0f} ms")


def _other(kept: Served, seed: int) -> Served:
    """Another request of the same size: no z is there twice, as compression would notice."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(CANDIDATES)
    user, candidate = dict(kept.user_side), {k: v[order] for k, v in kept.candidate_side.items()}
    for side, name in ((user, "history_z"), (candidate, "teacher_z")):
        side[name] = side[name] * rng.uniform(0.5, 2.0, (*side[name].shape[:-1], 1))
        side[name] = side[name].astype(np.float32)
    return msgspec.structs.replace(kept, user_side=user, candidate_side=candidate)


class Stepped:
    """Awaits what it is given, and remembers how long each step kept the event loop: in time of
    the processor, so that what else the machine does is left out."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self.steps_us: list[float] = []

    def __await__(self) -> Generator[Any, Any, None]:
        waiting, sent = self._work.__await__(), None
        while True:
            began_ns = time.thread_time_ns()
            try:
                asked = waiting.send(sent)
            except StopIteration:
                return
            finally:
                self.steps_us.append((time.thread_time_ns() - began_ns) / 1000)
            sent = yield asked


async def _say_flush(url: str, kept: Served) -> None:
    streams = RedisStreams(connect(url))
    feed = ServedFeed(streams, stream_limit=100)
    for size in (1, AT_ONCE):
        longest, together = [], []
        for _ in range(FLUSHES):
            for _ in range(size):
                feed.offer(lambda: kept)
            stepped = Stepped(feed.flush())
            await stepped
            longest.append(max(stepped.steps_us))
            together.append(sum(stepped.steps_us))
        say(
            f"flush of {size}: longest step {np.median(longest):.0f} µs (p99 "
            f"{np.percentile(longest, 99):.0f}), all steps {np.median(together):.0f} µs"
        )
    await streams.close()


if __name__ == "__main__":
    main()
