"""What the cache takes of a request, beside what other layouts would take in its place.

python -m server.cache_share build/demo

A lane answers one request after another from a Valkey of its own, over a socket. No HTTP is in the
total, so the shares are rather too large than too small.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
import numpy as np
import typer
import uvloop

from cache import page
from cache.bench.printed import say
from cache.bench.sample import CANDIDATES, ENTRIES, Sample, make_sample
from cache.bench.server_reads import layout_reads
from cache.bench.timings import best_us
from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.entries import Entries, aggregate_of
from cache.keys import page_key, pair_keys, record_key
from cache.page import Page
from cache.quantise import Precision
from cache.record import UserRecord, decode
from cache.refresh.load import load_users
from cache.sequence import Past, Spoken, lengthened, read
from cache.tiers import Lookup, TtlPolicy, resolve
from models.features.hashing import keys64
from models.features.records import I64, U64
from models.features.snapshot import UsersSnapshot
from models.manifest import Manifest
from server.cache_links import CacheLinks, cache_links
from server.columns import Table
from server.lane import Lane, build_lane, load_model
from server.metrics import Metrics
from server.ranked import Ranked
from server.serving_folder import ServingFolder, open_serving_folder
from server.settings import Settings
from server.stages import StageClock
from server.warmup import warmup_requests
from server.wire import RankRequest

REQUESTS: Final = 300
ROUNDS: Final = 7


class Asked(NamedTuple):
    """One request, and what the cache holds of its user."""

    request: RankRequest
    pairs: U64  # [CANDIDATES]
    record: UserRecord
    page: Page


class Stage(NamedTuple):
    reading_us: float  # read and decode, as the gateway's clock has it
    matching_us: float  # keys of the candidates' pairs, tiers, sequence
    total_us: float

    @property
    def us(self) -> float:
        return self.reading_us + self.matching_us


def cache_share(
    source: Annotated[Path, typer.Argument(help="Folder of a demo, or a serving folder.")],
) -> None:
    """Print the cache's share of a request's time at p50, for 200 candidates."""
    serving = open_serving_folder(source)
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder) / "data") as server:
        stage, layouts = uvloop.run(_measured(serving, server.url))
    say(f"one request of {CANDIDATES} candidates at a time, half of them in a page of {ENTRIES};")
    say(
        f"cache {stage.us:.0f} µs = {stage.reading_us:.0f} to read and decode + "
        f"{stage.matching_us:.0f} to match; request {stage.total_us:.0f} µs\n"
    )
    say("| layout | cache, µs | share of the request |")
    say("| --- | ---: | ---: |")
    for name, taken_us in layouts.items():
        more_us = taken_us - layouts["page"]
        share = (stage.us + more_us) / (stage.total_us + more_us)
        say(f"| {name} | {stage.us + more_us:.0f} | {share:.1%} |")


async def _measured(serving: ServingFolder, url: str) -> tuple[Stage, dict[str, float]]:
    settings = Settings(
        bundle=serving.student, redis_url=url, replay=True, served_share=0.0,
        cache_timeout_ms=1000.0, deadline_ms=10_000.0, hard_ttl_s=86_400.0, soft_ttl_s=86_400.0,
    )  # fmt: skip
    links = cache_links(settings)
    try:
        model, catalogue = load_model(settings, serving.student, serving.catalogue)
        asked = await asked_of(serving, model.manifest, links)
        lane = build_lane("stable", serving.student, model, catalogue, links, Metrics())
        stage = await _stage(lane, asked)
        client = connect(url, answer_ms=10_000.0)
        reads = await layout_reads(client, _sample(), 1, calls=REQUESTS, rounds=ROUNDS)
        await client.aclose()
        return stage, {name: whole.p50_us for name, (_, whole) in reads.items()}
    finally:
        await links.close()


def _sample() -> Sample:
    return make_sample(Precision.INT8)


async def asked_of(serving: ServingFolder, manifest: Manifest, links: CacheLinks) -> Asked:
    """The longest request that the bundle carries, its user's page filled."""
    longest = max(warmup_requests(serving.student), key=lambda request: len(request.item_ids or ()))
    items = (longest.item_ids or [])[:CANDIDATES]
    users = UsersSnapshot.load(serving.path / "users.safetensors")
    await load_users(users, links.store, None, lambda *_: None)
    [held] = await links.store.get_many([record_key(longest.user_id)])
    known = decode(held or b"")
    now_ms = int(known.times_ms.max()) + 60_000
    request = msgspec.structs.replace(longest, item_ids=items, timestamp_ms=now_ms)
    context = Table(manifest.features.log.context).row(request.context, "context")
    pairs = pair_keys(keys64(items), context.keys[0].tolist())
    value = _page(manifest, pairs, known.times_ms, now_ms)
    space = manifest.reads_space or ""
    await links.store.put_many({page_key(request.user_id, space): value}, None)
    return Asked(request, pairs, known, page.decode(value))


def _page(manifest: Manifest, pairs: U64, times_ms: I64, now_ms: int) -> bytes:
    rng, features = np.random.default_rng(0), manifest.features
    dim, tasks = features.teacher_dim, len(features.log.tasks)
    others = rng.integers(1, 1 << 63, ENTRIES - len(pairs) // 2).astype(np.uint64)
    keys = np.sort(np.concatenate([pairs[::2][: ENTRIES - len(others)], others]))
    z = np.tanh(rng.normal(size=(len(keys), dim))).astype(np.float32)
    logit = rng.normal(size=(len(keys), tasks)).astype(np.float32)
    ages_ms = rng.integers(0, 3_600_000, len(keys))
    entries = Entries.of(keys, now_ms - ages_ms, logit, z, Precision.INT8)
    past = times_ms[-features.history_length :]
    said = Spoken(past, np.tanh(rng.normal(size=(len(past), dim))).astype(np.float32))
    sequence = lengthened(None, said, alive_since_ms=0, limit=max(len(past), 1))
    return page.encode(entries, aggregate_of(entries), sequence, version=1, fence=0)


async def _stage(lane: Lane, asked: Asked) -> Stage:
    """The best round: what it takes when nobody else wants the core."""
    features = lane.model.manifest.features
    tasks, dim, length = len(features.log.tasks), features.teacher_dim, features.history_length
    keys, context = keys64(asked.request.item_ids or []), [1, 2]
    lookups = [Lookup(asked.page, asked.pairs, asked.request.timestamp_ms or 0)]
    past = [Past(asked.page.sequence, asked.record.times_ms)]

    def match() -> None:
        pair_keys(keys, context)
        resolve(lookups, TtlPolicy(), dim, tasks)
        if features.reads_sequence:
            read(past, length, dim)

    rounds = [await _round(lane, asked.request) for _ in range(ROUNDS)]
    reading_us, total_us = min(rounds, key=lambda of: of[1])
    return Stage(reading_us, best_us(match), total_us)


async def _round(lane: Lane, request: RankRequest) -> tuple[float, float]:
    """p50 of the cache stage and of the total, µs."""
    spent = []
    for _ in range(REQUESTS):
        _, clock = await answered(lane, request)
        spent.append((clock.spent_ns["cache"], clock.total_ns))
    reading, total = np.median(np.array(spent), axis=0).tolist()
    return reading / 1e3, total / 1e3


async def answered(lane: Lane, request: RankRequest) -> tuple[Ranked, StageClock]:
    """From the body's bytes to the answer's."""
    body, clock = msgspec.json.encode(request), StageClock()
    ranked = await lane.ranker.rank(msgspec.json.decode(body, type=RankRequest), clock)
    msgspec.json.encode(lane.answers.write(ranked))
    clock.mark("encode")
    return ranked, clock


if __name__ == "__main__":
    typer.run(cache_share)
