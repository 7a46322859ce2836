"""One process's part of a backfill: the teacher loaded once, one client, a block at a time."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from redis.asyncio import Redis

from cache.clock import wall_clock_ms
from cache.connection import connect
from cache.errors import StoreUnavailable
from cache.redis_store import RedisStore
from cache.redis_streams import RedisStreams
from cache.redis_table import RedisTable
from cache.refresh.backfill.contexts import contexts
from cache.refresh.backfill.filler import Filler, Pairs
from cache.refresh.backfill.job import Job
from cache.refresh.backfill.policies import Candidates, Policy, Popular, Recent
from cache.refresh.backfill.progress_folder import ProgressFolder
from cache.refresh.backfill.report import PAIRS, BlockReport, peak_mb
from cache.refresh.batch_size import BatchSize
from cache.refresh.follower import ItemFollower
from cache.refresh.pages import PageWriter
from cache.refresh.server_clock import ServerClock
from cache.refresh.tally import Tally
from cache.refresh.teacher import Teacher
from cache.refresh.worker import Refresher
from cache.store import Store
from models.features.catalogue import Catalogue
from models.runtime import load
from models.schema import LogSchema

BATCH_MS: Final = 1000.0
"""Nobody waits behind a run: it may be as long as what memory allows."""
ANSWER_MS: Final = 30_000.0
PATIENCE_S: Final = 120.0
PAUSE_S: Final = 0.5


class BlockWorker:
    """Called by Ray with one block's number at a time, which it answers with its report."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._progress = ProgressFolder(job.progress)
        # The connections belong to one event loop for as long as the process lives.
        self._runner = asyncio.Runner()
        client = connect(job.redis_url, answer_ms=ANSWER_MS)
        self._store = RedisStore(client, ANSWER_MS / 1000.0)
        self._filler = filler_of(job, client, self._store)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        reports = [self.work(int(block)) for block in batch["block"]]
        return {name: np.array([report[name] for report in reports]) for name in reports[0]}

    def work(self, block: int) -> BlockReport:
        """Raises StoreUnavailable when the server stays away for PATIENCE_S."""
        started = time.monotonic()
        rows = self._progress.rows(block, self._job.rows_a_block)
        pairs = self._runner.run(patiently(lambda: self._filler.fill(rows)))
        counts = {outcome: int(count) for outcome, count in pairs.items()}
        report = _report(block, counts, time.monotonic() - started)
        self._progress.finish(block, report)
        return report

    def close(self) -> None:
        self._runner.run(self._store.close())
        self._runner.close()


async def patiently(
    fill: Callable[[], Any], patience_s: float = PATIENCE_S, pause_s: float = PAUSE_S
) -> Pairs:
    """What was written before the server went away is fresh when it is tried again."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            pairs: Pairs = await fill()
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(pause_s)
        else:
            return pairs


def filler_of(job: Job, client: Redis, store: Store) -> Filler:
    """Raises BundleError, NotATeacher, CatalogueError."""
    model = load(job.teacher, job.threads)
    log = model.manifest.features.log
    teacher = Teacher(model, Catalogue.load(job.catalogue, log), job.candidate_limit)
    follower = ItemFollower.of(teacher.items, RedisTable(client), RedisStreams(client), log)
    return Filler(
        store,
        teacher,
        refresher_of(job, store, teacher),
        policy_of(job, log),
        follower=follower,
        as_of_ms=job.selection.as_of_ms,
    )


def refresher_of(job: Job, store: Store, teacher: Teacher) -> Refresher:
    tally = Tally("backfill")
    pages = PageWriter(store, teacher.space, job.rules, tally)
    still = ServerClock(lambda: 0.0)  # by which no message has waited
    size = BatchSize(BATCH_MS, job.candidate_limit)
    return Refresher(
        store, teacher, teacher.schema.log, pages, job.fresh_ttl, tally, still, size,
        widths=teacher.widths,
    )  # fmt: skip


def policy_of(job: Job, schema: LogSchema) -> Policy:
    selection = job.selection
    under = contexts(schema, selection.given)
    match selection.policy:
        case "popular":
            return Popular(np.array(job.popular, np.uint64), under)
        case "recent":
            return Recent(selection.items_a_user, under)
        case "candidates":
            return Candidates(schema, under, job.in_file)


def _report(block: int, pairs: Mapping[str, int], seconds: float) -> BlockReport:
    counts = {outcome: pairs.get(outcome, 0) for outcome in PAIRS}
    took = {"seconds": round(seconds, 4), "ended_ms": wall_clock_ms(), "peak_mb": peak_mb()}
    return {"block": block} | counts | took
