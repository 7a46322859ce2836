"""`understudy backfill`: fill the cache in bulk before anybody asks."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from cache.clock import wall_clock_ms
from cache.connection import connect
from cache.logs.begin import begin_logs
from cache.logs.masking import secrets_of
from cache.redis_store import RedisStore
from cache.refresh.backfill.bar import shown
from cache.refresh.backfill.contexts import parsed
from cache.refresh.backfill.distribution import filled, started
from cache.refresh.backfill.errors import OptionInvalid
from cache.refresh.backfill.job import Selection
from cache.refresh.backfill.options import (
    AsJson,
    AsOfMs,
    BlockPairs,
    Bundle,
    CandidatesFile,
    CatalogueFile,
    ContextValues,
    ItemsAUser,
    PolicyOption,
    ProgressOption,
    RayAddress,
    Recompute,
    Users,
    Workers,
)
from cache.refresh.backfill.policies import NAMES, PolicyName
from cache.refresh.backfill.preparation import Begun, Preparation, Wanted
from cache.refresh.backfill.progress_folder import ProgressFolder
from cache.refresh.backfill.report import BlockReport, Span, Summary
from cache.refresh.options import RedisUrl
from cache.refresh.pages import RETENTION_S, SEQUENCE
from cache.refresh.refresh_options import (
    CandidateLimit,
    HardTtlS,
    PageEntries,
    RetentionS,
    SequenceLength,
    SoftTtlS,
    Threads,
    ZPrecision,
    page_rules,
)
from cache.tiers import HARD_TTL_S, SOFT_TTL_S

ANSWER_MS: Final = 30_000.0


def backfill(
    redis_url: RedisUrl,
    teacher: Bundle,
    catalogue: CatalogueFile,
    policy: PolicyOption,
    users: Users = None,
    items_a_user: ItemsAUser = 128,
    candidates: CandidatesFile = None,
    context: ContextValues = None,
    as_of_ms: AsOfMs = None,
    recompute: Recompute = False,
    progress: ProgressOption = None,
    workers: Workers = 1,
    block_pairs: BlockPairs = 16_384,
    ray_address: RayAddress = None,
    soft_ttl_s: SoftTtlS = SOFT_TTL_S,
    hard_ttl_s: HardTtlS = HARD_TTL_S,
    precision: ZPrecision = "int8",
    sequence: SequenceLength = SEQUENCE,
    retention_s: RetentionS = RETENTION_S,
    page_entries: PageEntries = 512,
    candidate_limit: CandidateLimit = 4096,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Let the teacher judge pairs in bulk and write them into pages, next to living refreshers."""
    if ray_address is not None and progress is None:
        raise OptionInvalid(
            "--ray-address without --progress: give a folder that every machine of the cluster has"
        )
    begin_logs("backfill", secrets=secrets_of(redis_url))
    selection = Selection(_named(policy), items_a_user, parsed(context or ()), as_of_ms, recompute)
    rules = page_rules(soft_ttl_s, hard_ttl_s, precision, page_entries, sequence, retention_s)
    wanted = Wanted(
        teacher, catalogue, redis_url, users, candidates, rules, selection, block_pairs,
        candidate_limit, threads,
    )  # fmt: skip
    with _folder(progress) as folder:
        summary = run(wanted, folder, workers, ray_address)
    _tell(summary, as_json)


def run(wanted: Wanted, folder: Path, workers: int, ray_address: str | None) -> Summary:
    """Raises BackfillError, StoreUnavailable, BundleError, CatalogueError."""
    begun = asyncio.run(_begun(wanted, folder))
    before = ProgressFolder(folder).reports()
    blocks = [block for block in range(begun.kept.blocks) if block not in before]
    now: list[BlockReport] = []
    span, seconds = Span(), 0.0
    if blocks:
        with started(ray_address, workers), shown(begun.kept.blocks, len(before)) as told:
            for report in filled(begun.job, blocks, workers):
                now.append(report)
                seconds = span.after(report)
                told(report)
    return Summary.of(before.values(), now, seconds, workers)


async def _begun(wanted: Wanted, folder: Path) -> Begun:
    at_ms = wanted.selection.as_of_ms
    if at_ms is not None and at_ms > wall_clock_ms():
        raise OptionInvalid(
            f"--as-of-ms {at_ms} is not yet: what refreshers compute until then would be taken "
            "for older; leave it out for now"
        )
    client = connect(wanted.redis_url, answer_ms=ANSWER_MS)
    try:
        await RedisStore(client).ping()
        at_ms = wall_clock_ms() if at_ms is None else at_ms
        return await Preparation(wanted, client, at_ms).begin(folder)
    finally:
        await client.aclose()


def _named(policy: str) -> PolicyName:
    for name in NAMES:
        if name == policy:
            return name
    raise OptionInvalid(f"--policy {policy} is none: give one of {', '.join(NAMES)}")


@contextmanager
def _folder(progress: Path | None) -> Iterator[Path]:
    if progress is not None:
        yield progress
        return
    with tempfile.TemporaryDirectory(prefix="understudy-backfill-") as folder:
        yield Path(folder)


def _tell(summary: Summary, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(summary)))
        return
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in summary.pairs.items() if count)
    Console().print(
        f"{summary.blocks_now:,} of {summary.blocks:,} blocks now, in {summary.seconds:,.1f} s: "
        f"{summary.computed_now:,} pairs, {summary.pairs_per_s:,.0f} a second. "
        f"Of all blocks: {counts or 'no pair'}. Memory at its highest: a worker "
        f"{summary.worker_peak_mb:,.0f} MB, this process {summary.driver_peak_mb:,.0f} MB."
    )
