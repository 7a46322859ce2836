"""The command with a real Ray, killed twice and resumed."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from cache import page, record
from cache.keys import page_key, record_key
from cache.page import Page
from cache.refresh.backfill.preparation import Begun
from cache.refresh.backfill.report import PAIRS
from cache.refresh.backfill.worker import BlockWorker
from tests.bundles import NOW_MS, SPACE, tiny_catalogue
from tests.cache.refresh.asked import make_record
from tests.cache.refresh.backfilled import Prepare, selection
from tests.cache.refresh.started import Started
from tests.cache.refresh.waiting import until

pytestmark = [pytest.mark.redis, pytest.mark.slow]

USERS = [f"user-{number}" for number in range(1000)]
ITEMS = 8
USERS_A_BLOCK = 2
WORKERS = 2
DEADLINE_S = 300.0  # on a machine that is busy with other work Ray takes a minute to start


class Killed(Started):
    """Runs of one command on one progress folder."""

    def __init__(self, url: str, teacher: Path, catalogue: Path, progress: Path) -> None:
        super().__init__(url)
        self.done = progress / "done"
        self.command = (
            "backfill", "--teacher", str(teacher), "--catalogue", str(catalogue),
            "--users", "all", "--policy", "popular", "--items-a-user", str(ITEMS),
            "--context", "placement=feed", "--context", "slot_width=320",
            "--as-of-ms", str(NOW_MS), "--block-pairs", str(ITEMS * USERS_A_BLOCK),
            "--workers", str(WORKERS), "--progress", str(progress), "--json",
        )  # fmt: skip

    async def is_killed_after(self, blocks: int) -> None:
        """More blocks than were done before."""
        wanted = self.blocks() + blocks
        process = self.understudy(*self.command)

        async def is_far_enough() -> bool:
            assert process.poll() is None, process.communicate()
            return self.blocks() >= wanted

        await until(is_far_enough, DEADLINE_S)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def ends(self) -> dict[str, Any]:
        process = self.understudy(*self.command)
        told, errors = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, errors
        assert [line for line in errors.splitlines() if not line.startswith("{")] == []
        return dict(json.loads(told))

    def blocks(self) -> int:
        return len(list(self.done.glob("*.json")))


@pytest.fixture
def killed(redis_url: str, teacher_bundle: Path, tmp_path: Path) -> Iterator[Killed]:
    tiny_catalogue().save(tmp_path / "catalogue.safetensors")
    killed = Killed(
        redis_url, teacher_bundle, tmp_path / "catalogue.safetensors", tmp_path / "progress"
    )
    yield killed
    killed.end()


@pytest.fixture
async def records(client: Redis) -> None:
    made = {record_key(user): record.encode(make_record(seed)) for seed, user in enumerate(USERS)}
    await client.mset(made)


async def pages(client: Redis) -> list[Page]:
    values: Any = await client.mget([page_key(user, SPACE) for user in USERS])
    return [page.decode(value) for value in values]


def work_through(begun: Begun) -> None:
    worker = BlockWorker(begun.job)
    for block in range(begun.kept.blocks):
        worker.work(block)
    worker.close()


@pytest.fixture
async def undisturbed(
    records: None, client: Redis, redis_url: str, teacher_bundle: Path, tmp_path: Path
) -> list[Page]:
    """The pages of a run without kills and without Ray; they are gone from the server."""
    tiny_catalogue().save(tmp_path / "c.safetensors")
    prepare = Prepare(teacher_bundle, tmp_path / "c.safetensors", redis_url, tmp_path / "p")
    begun = await prepare(selection=selection(items_a_user=ITEMS), block_pairs=4096)
    await asyncio.to_thread(work_through, begun)
    made = await pages(client)
    await client.delete(*(page_key(user, SPACE) for user in USERS))
    return made


def assert_same(left: Page, right: Page) -> None:
    """In all but version and fence."""
    for before, after in zip(left.entries(), right.entries(), strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(left.aggregate, right.aggregate, strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(left.sequence, right.sequence, strict=True):
        np.testing.assert_array_equal(before, after)


async def test_killed_twice_and_resumed_leaves_the_pages_of_an_undisturbed_run(
    killed: Killed, client: Redis, undisturbed: list[Page]
) -> None:
    await killed.is_killed_after(40)
    await killed.is_killed_after(40)
    before = killed.blocks()
    assert before < len(USERS) // USERS_A_BLOCK
    summary = killed.ends()
    for expected, held in zip(undisturbed, await pages(client), strict=True):
        assert_same(expected, held)
        assert held.version == 1
    # Each kill may cost a block a worker, and what such a block had written was fresh to the next.
    counts = summary["pairs"]
    assert {outcome for outcome in PAIRS if counts[outcome]} <= {"computed", "fresh"}
    assert counts["computed"] + counts["fresh"] == len(USERS) * ITEMS
    assert counts["fresh"] <= 2 * WORKERS * USERS_A_BLOCK * ITEMS
    assert summary["blocks"] == len(USERS) // USERS_A_BLOCK
    assert 0 < summary["blocks_now"] <= summary["blocks"] - before
