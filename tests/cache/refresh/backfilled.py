"""A tiny space to backfill: bundle, catalogue file, users with records on a real server."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from cache import page, record
from cache.connection import connect
from cache.keys import page_key, pair_keys, record_key
from cache.page import Page
from cache.refresh.backfill.contexts import Context
from cache.refresh.backfill.filler import Filler
from cache.refresh.backfill.job import Job, Selection
from cache.refresh.backfill.policies import Asked, Policy
from cache.refresh.backfill.preparation import Begun, Preparation, Wanted
from cache.refresh.backfill.worker import refresher_of
from cache.refresh.pages import PageRules
from cache.refresh.teacher import Teacher
from cache.store import Store
from cache.tiers import TtlPolicy
from models.features.hashing import key64, keys64
from tests.bundles import NOW_MS, SPACE
from tests.cache.refresh.asked import make_record

RULES = PageRules(TtlPolicy(60.0, 600.0))
FEED = Context(np.array([key64("feed")], np.uint64), np.array([320.0], np.float32))
FEED_GIVEN = {"placement": ["feed"], "slot_width": ["320"]}


def selection(**other: Any) -> Selection:
    chosen: dict[str, Any] = {
        "policy": "popular", "items_a_user": 8, "given": FEED_GIVEN, "as_of_ms": NOW_MS,
        "is_recomputing": False,
    }  # fmt: skip
    return Selection(**chosen | other)


def wanted_of(teacher: Path, catalogue: Path, url: str, **other: Any) -> Wanted:
    given: dict[str, Any] = {
        "users": "all", "candidates": None, "rules": RULES, "selection": selection(),
        "block_pairs": 64, "candidate_limit": 64, "threads": 1,
    }  # fmt: skip
    return Wanted(teacher, catalogue, url, **given | other)


def job_of(*, rules: PageRules = RULES, **chosen: Any) -> Job:
    """Of a filler that was given its teacher and its store."""
    nowhere = Path("nowhere")
    return Job(
        nowhere, nowhere, "", nowhere, rules, selection(**chosen), 8, (), (), 64, 1
    )  # fmt: skip


class Listed:
    """A policy that asks for the same items in one context."""

    reads_records = False

    def __init__(self, items: Sequence[str], context: Context = FEED) -> None:
        self.items = keys64(items)
        self.context = context

    def asked(self, rows: pl.DataFrame, records: Mapping[str, Any]) -> Any:
        for user_id in rows["user_id"]:
            yield Asked(user_id, self.context, self.items)


class Fill(NamedTuple):
    store: Store
    teacher: Teacher

    async def __call__(
        self, users: Sequence[str], policy: Policy, at_ms: int = NOW_MS, **chosen: Any
    ) -> dict[str, int]:
        """What became of the pairs, of outcomes that any had."""
        job = job_of(as_of_ms=at_ms, **chosen)
        refresher = refresher_of(job, self.store, self.teacher)
        filler = Filler(self.store, self.teacher, refresher, policy, as_of_ms=at_ms)
        pairs = await filler.fill(rows_of(*users))
        return {outcome: count for outcome, count in pairs.items() if count}

    async def page(self, user_id: str) -> Page:
        [value] = await self.store.get_many([page_key(user_id, SPACE)])
        assert value is not None
        return page.decode(value)

    async def records(self, *user_ids: str) -> None:
        made = {
            record_key(user): record.encode(make_record(seed)) for seed, user in enumerate(user_ids)
        }
        await self.store.put_many(made, None)


class Prepare:
    def __init__(self, teacher: Path, catalogue: Path, url: str, folder: Path) -> None:
        self.teacher, self.catalogue, self.url, self.folder = teacher, catalogue, url, folder

    async def __call__(self, **other: Any) -> Begun:
        wanted = wanted_of(self.teacher, self.catalogue, self.url, **other)
        client = connect(self.url)
        try:
            return await Preparation(wanted, client, NOW_MS).begin(self.folder)
        finally:
            await client.aclose()


def rows_of(*users: str) -> pl.DataFrame:
    return pl.DataFrame({"user_id": users}, schema={"user_id": pl.String})


def keys_of(items: Sequence[str], context: Context = FEED) -> list[int]:
    """Of a page, ascending."""
    return sorted(pair_keys(keys64(items), context.keys).tolist())
