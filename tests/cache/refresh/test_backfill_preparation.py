"""How options become a job, or are refused."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from redis.asyncio import Redis

from cache.keys import record_key
from cache.refresh.backfill.errors import (
    BackfillError,
    CandidatesInvalid,
    ContextInvalid,
    JobDiffers,
    OptionInvalid,
    UsersInvalid,
)
from cache.refresh.teacher import NotATeacher
from models.features.catalogue import Catalogue
from models.manifest import FileTampered
from tests.bundles import NOW_MS, linear_student, linear_teacher, tiny_catalogue
from tests.cache.refresh.backfilled import RULES, Prepare, selection
from tests.cache.refresh.test_backfill_policies import by_brute_force

pytestmark = pytest.mark.redis

NOWHERE = "unix:///nowhere/valkey.sock"


@pytest.fixture
def prepare(teacher_bundle: Path, catalogue_file: Path, redis_url: str, tmp_path: Path) -> Prepare:
    return Prepare(teacher_bundle, catalogue_file, redis_url, tmp_path / "progress")


@pytest.mark.usefixtures("ten_users")
async def test_blocks_hold_about_as_many_pairs_as_asked(prepare: Prepare) -> None:
    two = selection(given={"placement": ["feed", "story"]})
    begun = await prepare(selection=two, block_pairs=64)  # 8 items in 2 contexts: 4 users
    assert (begun.kept.rows, begun.kept.rows_a_block, begun.kept.blocks) == (10, 4, 3)


@pytest.mark.usefixtures("ten_users")
async def test_popular_items_are_settled_when_the_job_begins(
    prepare: Prepare, catalogue_file: Path
) -> None:
    begun = await prepare()
    expected = by_brute_force(Catalogue.load(catalogue_file), 8, NOW_MS)
    assert list(begun.job.popular) == expected
    changed = tiny_catalogue()
    changed.counters[::2] = 1e6
    changed.save(catalogue_file)
    assert list((await prepare()).job.popular) == expected


@pytest.mark.usefixtures("ten_users")
async def test_everybody_is_who_was_there_when_the_job_began(
    prepare: Prepare, client: Redis
) -> None:
    await prepare()
    await client.set(record_key("newcomer"), b"")
    assert (await prepare()).kept.rows == 10


@pytest.mark.usefixtures("ten_users")
@pytest.mark.parametrize(
    ("other", "option"),
    [
        ({"selection": selection(items_a_user=9)}, "--items-a-user is 8 there and 9 here"),
        ({"selection": selection(as_of_ms=None)}, "--as-of-ms"),
        ({"selection": selection(given={"placement": ["story"]})}, "--context"),
        ({"selection": selection(policy="recent")}, "--policy"),
        ({"rules": RULES._replace(entries=100)}, "--page-entries"),
        ({"block_pairs": 65}, "--block-pairs"),
    ],
)
async def test_progress_of_another_job_is_refused(
    prepare: Prepare, other: dict[str, Any], option: str
) -> None:
    await prepare()
    with pytest.raises(JobDiffers, match=option):
        await prepare(**other)


async def test_users_file_with_other_content_is_another_job(
    prepare: Prepare, tmp_path: Path
) -> None:
    path = tmp_path / "users.txt"
    path.write_text("a\nb\n")
    await prepare(users=str(path))
    moved = path.rename(tmp_path / "moved.txt")
    assert (await prepare(users=str(moved))).kept.rows == 2
    moved.write_text("a\nc\n")
    with pytest.raises(JobDiffers, match="--users"):
        await prepare(users=str(moved))


async def test_candidates_are_laid_out_in_blocks_of_their_rows(
    prepare: Prepare, tmp_path: Path
) -> None:
    path = tmp_path / "eligible.parquet"
    table = {"user_id": ["u", "u", "v"], "item_id": ["item-1", "item-2", "item-3"]}
    pl.DataFrame(table | {"placement": ["feed", "story", "feed"]}).write_parquet(path)
    chosen = selection(policy="candidates", given={})
    begun = await prepare(users=None, candidates=path, selection=chosen, block_pairs=2)
    assert (begun.kept.blocks, begun.job.in_file) == (2, ("placement",))


@pytest.mark.parametrize(
    ("other", "error", "told"),
    [
        ({"users": "no-such-file"}, UsersInvalid, "--users no-such-file cannot be read"),
        ({"users": None}, OptionInvalid, "--policy popular needs --users"),
        ({"candidates": Path("a.csv")}, OptionInvalid, "takes no --candidates"),
        ({"selection": selection(policy="candidates")}, OptionInvalid, "give that, and no --users"),
        (
            {"selection": selection(policy="candidates"), "candidates": Path("no.csv")},
            CandidatesInvalid,
            "no.csv cannot be read",
        ),
        ({"selection": selection(given={})}, ContextInvalid, "placement has no value"),
        (
            {"selection": selection(items_a_user=300, given={"placement": ["a", "b"]})},
            OptionInvalid,
            "300 in 2 contexts is more than the 512 entries",
        ),
        ({}, UsersInvalid, "no user has a record in this cache"),
    ],
)
async def test_wrong_options_are_refused_with_their_remedy(
    prepare: Prepare, other: dict[str, Any], error: type[BackfillError], told: str
) -> None:
    with pytest.raises(error, match=told):
        await prepare(**other)


async def test_context_number_that_is_none_is_refused(prepare: Prepare, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user_id,item_id,slot_width\nu,item-1,wide\n")
    chosen = selection(policy="candidates", given={"placement": ["feed"]})
    with pytest.raises(CandidatesInvalid, match="must hold numbers"):
        await prepare(users=None, candidates=path, selection=chosen)


async def test_catalogue_without_an_impression_has_nothing_popular(
    prepare: Prepare, catalogue_file: Path, ten_users: None
) -> None:
    unseen = tiny_catalogue()
    unseen.counters_at[:] = 0
    unseen.save(catalogue_file)
    with pytest.raises(OptionInvalid, match="no item that may be shown has an impression"):
        await prepare()


async def test_damaged_bundle_is_refused_before_any_worker_reads_it(
    prepare: Prepare, tmp_path: Path
) -> None:
    prepare.teacher = linear_teacher(tmp_path)
    with (prepare.teacher / "model.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(FileTampered):
        await prepare()


async def test_students_bundle_is_refused(prepare: Prepare, tmp_path: Path) -> None:
    prepare.teacher = linear_student(tmp_path)
    with pytest.raises(NotATeacher, match="is a student's bundle"):
        await prepare()
