import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cache.refresh.backfill import progress_folder
from cache.refresh.backfill.errors import JobDiffers, ProgressUnavailable, TooManyBlocks
from cache.refresh.backfill.progress_folder import ProgressFolder
from cache.refresh.backfill.report import Span, Summary

IDENTITY: dict[str, Any] = {"--policy": "popular", "--context": {"placement": ["feed"]}}


def users(count: int) -> pl.LazyFrame:
    return pl.LazyFrame({"user_id": [f"user-{number}" for number in range(count)]})


def test_blocks_hold_every_row_once_in_order(tmp_path: Path) -> None:
    progress = ProgressFolder(tmp_path / "new" / "folder")
    kept = progress.begin(IDENTITY, users(103), 10, (3, 1))
    assert (kept.blocks, kept.popular) == (11, (3, 1))
    read = [progress.rows(block, 10)["user_id"].to_list() for block in range(kept.blocks)]
    assert [len(block) for block in read] == [10] * 10 + [3]
    assert [user for block in read for user in block] == users(103).collect()["user_id"].to_list()


def test_same_job_finds_what_it_has_kept(tmp_path: Path) -> None:
    assert ProgressFolder(tmp_path).begun(IDENTITY) is None
    kept = ProgressFolder(tmp_path).begin(IDENTITY, users(5), 2, ((1 << 64) - 1,))
    assert ProgressFolder(tmp_path).begun(IDENTITY) == kept


@pytest.mark.parametrize("other", [{"--policy": "recent"}, {"--context": {}}, {"--new": 1}])
def test_another_job_is_refused_with_the_option_that_differs(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    ProgressFolder(tmp_path).begin(IDENTITY, users(5), 2, ())
    [option] = other
    with pytest.raises(JobDiffers, match=f"another job: {option} is .* there and .* here"):
        ProgressFolder(tmp_path).begun(IDENTITY | other)


def test_job_that_was_killed_while_it_was_laid_out_begins_again(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"another's")
    progress = ProgressFolder(tmp_path)
    assert progress.begun(IDENTITY) is None
    assert progress.begin(IDENTITY, users(4), 2, ()).rows == 4


def test_block_is_done_once_its_file_is_whole(tmp_path: Path) -> None:
    progress = ProgressFolder(tmp_path)
    progress.begin(IDENTITY, users(6), 2, ())
    progress.finish(2, {"block": 2, "computed": 4, "peak_mb": 1.5})
    (tmp_path / "done" / "00000001.json").write_bytes(b"")
    (tmp_path / "done" / ".00000000.json.77-abc").write_text("{}")
    assert progress.reports() == {2: {"block": 2, "computed": 4, "peak_mb": 1.5}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done", "job.json", "rows.parquet"]


def test_damaged_or_unwritable_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("{")
    with pytest.raises(ProgressUnavailable, match=f"--progress {tmp_path}"):
        ProgressFolder(tmp_path).begun(IDENTITY)
    (tmp_path / "file").write_text("")
    with pytest.raises(ProgressUnavailable, match="may this process write there"):
        ProgressFolder(tmp_path / "file").begin(IDENTITY, users(1), 1, ())


def test_folder_of_another_format_is_another_job(tmp_path: Path) -> None:
    ProgressFolder(tmp_path).begin(IDENTITY, users(5), 2, ())
    held = json.loads((tmp_path / "job.json").read_text())
    (tmp_path / "job.json").write_text(json.dumps(held | {"format": 99}))
    with pytest.raises(JobDiffers):
        ProgressFolder(tmp_path).begun(IDENTITY)


def test_too_many_blocks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_folder, "MAX_BLOCKS", 3)
    with pytest.raises(TooManyBlocks, match="4 blocks, at most 3: give a larger --block-pairs"):
        ProgressFolder(tmp_path).begin(IDENTITY, users(7), 2, ())


def test_span_is_the_workers_whenever_their_reports_arrive() -> None:
    span = Span()
    assert span.after({"ended_ms": 90_000, "seconds": 2.0}) == 2.0
    assert span.after({"ended_ms": 85_000, "seconds": 3.0}) == 8.0
    assert span.after({"ended_ms": 86_000, "seconds": 1.0}) == 8.0


def test_summary_tells_this_run_from_those_before() -> None:
    before = [{"block": 0, "computed": 10, "fresh": 1, "seconds": 9.0, "peak_mb": 900.0}]
    now = [
        {"block": block, "computed": 30, "fresh": 0, "seconds": 1.5, "peak_mb": 100.0 * block}
        for block in (1, 2)
    ]
    summary = Summary.of(before, now, 2.0, 2)
    assert (summary.blocks, summary.blocks_now, summary.computed_now) == (3, 2, 60)
    assert (summary.pairs["computed"], summary.pairs["fresh"]) == (70, 1)
    assert (summary.pairs_per_s, summary.busy, summary.worker_peak_mb) == (30.0, 0.75, 200.0)
