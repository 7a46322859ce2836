from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features.snapshot import SnapshotError, UsersSnapshot
from models.schema import Column, LogSchema

SCHEMA = LogSchema(tasks=("click",), user=(Column(name="user_id", kind="categorical", buckets=64),))


def snapshot_of(lengths: list[int], ids: list[str] | None = None) -> UsersSnapshot:
    users, events = len(lengths), sum(lengths)
    return UsersSnapshot(
        schema=SCHEMA,
        user_ids=tuple(ids or [f"user {number}" for number in range(users)]),
        columns=np.arange(users, dtype=np.uint64)[:, None],
        numbers=np.zeros((users, 0), np.float32),
        counters=np.arange(users * 2, dtype=np.float64).reshape(users, 2),
        counters_at=np.arange(users),
        history_offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        history_items=np.arange(events, dtype=np.uint64),
        history_times_ms=np.arange(events),
        history_outcomes=np.ones(events, np.uint8),
    )


def assert_same(one: UsersSnapshot, other: UsersSnapshot) -> None:
    for field in fields(UsersSnapshot):
        mine, its = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == its.dtype, field.name
            assert mine.shape == its.shape, field.name
            assert mine.tobytes() == its.tobytes(), field.name
        else:
            assert mine == its, field.name


@given(st.lists(st.integers(0, 4), max_size=6))
def test_a_snapshot_reads_back(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int]
) -> None:
    path = tmp_path_factory.mktemp("users") / "users.safetensors"
    snapshot = snapshot_of(lengths)
    snapshot.save(path)
    assert_same(UsersSnapshot.load(path), snapshot)


def test_ids_beyond_ascii_read_back(tmp_path: Path) -> None:
    snapshot = snapshot_of([1, 0], ["größe", "用户"])
    snapshot.save(tmp_path / "users.safetensors")
    assert UsersSnapshot.load(tmp_path / "users.safetensors").user_ids == ("größe", "用户")


def test_arrays_that_are_not_contiguous_read_back(tmp_path: Path) -> None:
    snapshot = snapshot_of([1, 2, 3])
    turned = replace(snapshot, counters=np.asfortranarray(snapshot.counters))
    turned.save(tmp_path / "users.safetensors")
    read = UsersSnapshot.load(tmp_path / "users.safetensors")
    assert read.counters.tolist() == snapshot.counters.tolist()


@pytest.mark.parametrize("content", [None, b"", b"rubbish"])
def test_an_unreadable_snapshot_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "users.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SnapshotError, match="unreadable"):
        UsersSnapshot.load(path)
