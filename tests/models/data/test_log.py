from dataclasses import replace
from pathlib import Path

import pytest

from models.data.errors import LogInvalid, LogUnreadable
from models.data.log import HEAD, MAX_HEAD_BYTES, Log
from tests.models.data.small_logs import random_log, with_candidates


def test_a_log_reads_back_as_it_was_written(tmp_path: Path) -> None:
    log = random_log(0, 12)
    log.write(tmp_path / "log")
    read = Log.read(tmp_path / "log")
    assert read.schema == log.schema
    assert read.periods == log.periods
    assert read.provenance == log.provenance
    assert read.impressions.equals(log.impressions)
    assert read.items.equals(log.items)
    assert read.users.equals(log.users)
    assert read.requests is None


def test_candidate_lists_read_back(tmp_path: Path) -> None:
    log = random_log(0, 12)
    first = log.impressions["request_id"][0]
    listed = with_candidates(log, [(first, [f"i{number}" for number in range(6)])])
    listed.write(tmp_path)
    requests = Log.read(tmp_path).requests
    assert requests is not None
    assert listed.requests is not None
    assert requests.equals(listed.requests)


def test_writing_without_lists_removes_those_of_the_log_before(tmp_path: Path) -> None:
    log = random_log(0, 12)
    first = log.impressions["request_id"][0]
    with_candidates(log, [(first, [f"i{number}" for number in range(6)])]).write(tmp_path)
    log.write(tmp_path)
    assert Log.read(tmp_path).requests is None


def test_an_invalid_log_is_not_written(tmp_path: Path) -> None:
    log = random_log(0, 12)
    upside_down = replace(log, impressions=log.impressions.reverse())
    with pytest.raises(LogInvalid, match="timestamp_ms"):
        upside_down.write(tmp_path / "log")
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("name", [HEAD, "impressions.parquet", "items.parquet", "users.parquet"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    random_log(0, 12).write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(LogUnreadable, match=name):
        Log.read(tmp_path)


@pytest.mark.parametrize("name", [HEAD, "impressions.parquet"])
def test_rubbish_is_named(tmp_path: Path, name: str) -> None:
    random_log(0, 12).write(tmp_path)
    (tmp_path / name).write_bytes(b"\x00rubbish")
    with pytest.raises(LogUnreadable, match=name):
        Log.read(tmp_path)


def test_an_oversized_head_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    random_log(0, 12).write(tmp_path)
    (tmp_path / HEAD).write_bytes(b" " * (MAX_HEAD_BYTES + 1))
    with pytest.raises(LogUnreadable, match="larger than"):
        Log.read(tmp_path)
