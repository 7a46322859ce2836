import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.errors import MessageCorrupt
from cache.refresh.archive import Archive
from cache.refresh.archive_folder import (
    ArchiveFolder,
    ArchiveUnavailable,
    ArchiveUrlInvalid,
    hour_of,
)
from cache.refresh.archive_table import Delivered, table
from cache.refresh.tally import Tally
from cache.served import encode
from tests.cache.refresh.archived import files_of, requests_of, rows_of, served_of
from tests.cache.served_requests import assert_same, make_served

HOUR_MS = 3_600_000
NOON_MS = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)


class Keeping:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tally = Tally("archive")
        self.archive = Archive(ArchiveFolder.open(str(folder)), self.tally)

    async def keep(self, *delivered: Delivered) -> None:
        assert await self.archive.process(delivered) == [True] * len(delivered)

    def files(self) -> list[str]:
        return [str(path.relative_to(self.folder)) for path in files_of(self.folder)]

    def ids(self) -> list[str]:
        """Of the rows, each request's once."""
        rows = rows_of(self.folder).filter(pl.col("candidate") == 0)
        return sorted(rows["stream_id"])


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    return Keeping(tmp_path / "archive")


def delivered(number: int, at_ms: int = NOON_MS, version: str = "v1") -> Delivered:
    made = make_served(3, request_id=f"r-{number}", timestamp_ms=at_ms, version=version)
    return Delivered(b"5-%d" % number, msgspec.structs.replace(made, model="student"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=5),
    st.integers(0, 6),
    st.integers(0, 1 << 32),
)
def test_every_column_of_a_request_comes_back_equal(
    tmp_path: Path, made: list[tuple[int, bool]], dim: int, seed: int
) -> None:
    written = [
        make_served(count, seed=seed + number, dim=dim, bare=bare, timestamp_ms=NOON_MS + number)
        for number, (count, bare) in enumerate(made)
    ]
    path = tmp_path / "rows.parquet"
    table([Delivered(b"7-%d" % at, each) for at, each in enumerate(written)]).write_parquet(path)
    parts = pl.read_parquet(path).partition_by("stream_id", maintain_order=True)
    for rows, served in zip(parts, written, strict=True):
        assert_same(served_of(rows), served)


def test_user_side_stands_on_the_first_row_of_its_request_alone() -> None:
    rows = table([delivered(1), delivered(2)])
    assert rows["input_history_z"].is_null().to_list() == [False, True, True] * 2
    assert not rows["input_teacher_z"].has_nulls()


def test_every_column_is_in_the_docs_and_the_other_way_round() -> None:
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
    section = page.partition("## Served requests")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    documented = {name for cell in cells for name in re.findall(r"`(.*?)`", cell)}
    whole = re.compile(r"^(score|logit|coverage|input)_\w+$")
    kinds = {"score": "task", "logit": "task", "coverage": "tier", "input": "name"}
    columns = table([delivered(1)]).columns
    named = {whole.sub(lambda m: f"{m[1]}_<{kinds[m[1]]}>", column) for column in columns}
    assert named == documented


async def test_file_is_named_by_its_hour_and_the_ids_that_it_holds(keeping: Keeping) -> None:
    await keeping.keep(delivered(10), delivered(9), delivered(2))
    assert keeping.files() == ["date=2026-03-01/hour=12/part-5-2-5-10.parquet"]
    assert rows_of(keeping.folder)["stream_id"].unique(maintain_order=True).to_list() == [
        "5-2", "5-9", "5-10",
    ]  # fmt: skip


async def test_hours_and_versions_have_files_of_their_own(keeping: Keeping) -> None:
    before = NOON_MS - 1
    await keeping.keep(delivered(1), delivered(2, before), delivered(3, version="v2"), delivered(4))
    assert keeping.files() == [
        "date=2026-03-01/hour=11/part-5-2-5-2.parquet",
        "date=2026-03-01/hour=12/part-5-1-5-4.parquet",
        "date=2026-03-01/hour=12/part-5-3-5-3.parquet",
    ]
    assert [each.request_id for each in requests_of(keeping.folder)] == ["r-2", "r-1", "r-4", "r-3"]


async def test_versions_may_read_different_inputs(keeping: Keeping) -> None:
    narrow = make_served(2, dim=2, tasks=("click",), timestamp_ms=NOON_MS, version="v2")
    await keeping.keep(delivered(1), Delivered(b"5-2", narrow))
    held = {each.version: each for each in requests_of(keeping.folder)}
    assert held["v2"].candidate_side["teacher_z"].shape == (2, 2)
    assert held["v1"].candidate_side["teacher_z"].shape == (3, 4)
    assert held["v2"].tasks == ["click"]


async def test_request_that_comes_again_is_written_once(keeping: Keeping) -> None:
    first = [delivered(number) for number in (1, 2, 3)]
    await keeping.keep(*first)
    await keeping.keep(*first)
    assert keeping.ids() == ["5-1", "5-2", "5-3"]
    assert len(keeping.files()) == 1
    assert keeping.tally.counts["requests", "duplicate"] == 3


async def test_heir_of_some_writes_only_what_is_in_no_file(keeping: Keeping) -> None:
    """Who claims gets what it gets: neither the batch of who died nor all of it."""
    await keeping.keep(delivered(1), delivered(4), delivered(9))
    heir = Keeping(keeping.folder)
    await heir.keep(delivered(3), delivered(4), delivered(5))
    await heir.keep(delivered(9), delivered(10))
    assert keeping.ids() == ["5-1", "5-10", "5-3", "5-4", "5-5", "5-9"]
    assert heir.tally.counts["requests", "archived"] == 3


@given(st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20
)
async def test_no_deliveries_whatever_make_a_row_twice(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    keeping = Keeping(tmp_path_factory.mktemp("archive"))
    batches = st.lists(
        st.lists(st.integers(1, 12), min_size=1, max_size=6, unique=True), max_size=6
    )
    given_ids = data.draw(batches)
    for numbers in given_ids:
        await keeping.keep(*(delivered(n, NOON_MS + n % 3 * HOUR_MS) for n in numbers))
    wanted = sorted({f"5-{number}" for numbers in given_ids for number in numbers})
    assert (keeping.ids() if wanted else keeping.files()) == wanted


async def test_nothing_but_whole_files_is_left_behind(keeping: Keeping) -> None:
    await keeping.keep(delivered(1))
    names = [path.name for path in keeping.folder.rglob("*") if path.is_file()]
    assert names == ["part-5-1-5-1.parquet"]


async def test_remains_of_a_broken_write_are_not_taken_for_a_file(keeping: Keeping) -> None:
    await keeping.keep(delivered(1))
    folder = keeping.folder / "date=2026-03-01/hour=12"
    (folder / ".part-5-2-5-2.parquet.0a1b2c3d.tmp").write_bytes(b"PAR1 and no more")
    (folder / "part-of-something-else.parquet").write_bytes(b"not ours")
    await keeping.keep(delivered(2))
    assert (folder / "part-5-2-5-2.parquet").exists()


async def test_folder_that_cannot_be_written_is_waited_for(
    keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    keeping.folder.write_text("a file stands in the way")
    with pytest.raises(ArchiveUnavailable, match="cannot"):
        await keeping.archive.process([delivered(1)])
    assert caplog.messages == ["archive waits"]
    keeping.folder.unlink()
    await keeping.keep(delivered(1))
    assert keeping.ids() == ["5-1"]


def test_any_file_system_of_fsspec_will_do() -> None:
    folder = ArchiveFolder.open("memory://served")
    ids = [b"1-0", b"1-1"]
    rows = table([Delivered(id_, make_served()) for id_ in ids])
    folder.write(hour_of(NOON_MS), ids, rows)
    assert folder.held(hour_of(NOON_MS), [b"1-1", b"1-2"]) == {b"1-1"}
    assert folder.held(hour_of(NOON_MS + HOUR_MS), ids) == set()


def test_address_that_nothing_here_reads_is_refused() -> None:
    with pytest.raises(ArchiveUrlInvalid, match="--to nosuch"):
        ArchiveFolder.open("nosuch://bucket/key")


def test_tier_that_no_schema_knows_is_corrupt(keeping: Keeping) -> None:
    odd = msgspec.structs.replace(make_served(), tier=np.array([0, 5, 1], np.uint8))
    with pytest.raises(MessageCorrupt, match="tier 5"):
        keeping.archive.decode(encode(odd))
