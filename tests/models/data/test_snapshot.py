import json
from pathlib import Path

import numpy as np
import pytest

from models.data.causal import Replay
from models.data.snapshot import (
    CATALOGUE,
    KEPT_EVENTS,
    REPLAY,
    USERS,
    catalogue_at,
    users_at,
    write_serving_data,
)
from models.features.catalogue import Catalogue
from models.features.hashing import key64
from models.features.snapshot import UsersSnapshot
from tests.models.data.slow_reference import state_before
from tests.models.data.small_logs import random_log


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay.of(random_log(6, 200))


def test_users_hold_what_a_walk_over_the_log_gives(replay: Replay) -> None:
    instant_ms = replay.log.periods.test_from_ms
    snapshot = users_at(replay, instant_ms)
    assert snapshot.user_ids == tuple(replay.log.users["user_id"])
    for row, user in enumerate(snapshot.user_ids):
        slow = state_before(replay.log, "user_id", user, instant_ms)
        mine = slice(snapshot.history_offsets[row], snapshot.history_offsets[row + 1])
        assert snapshot.counters[row].tolist() == slow.counters
        assert snapshot.counters_at[row] == slow.counters_at
        assert snapshot.history_items[mine].tolist() == slow.items
        assert snapshot.history_times_ms[mine].tolist() == slow.times_ms
        assert snapshot.history_outcomes[mine].tolist() == slow.outcomes


def test_a_long_history_keeps_its_newest_events() -> None:
    replay = Replay.of(random_log(6, 300, users=1))
    until_ms = replay.log.periods.until_ms
    snapshot = users_at(replay, until_ms)
    slow = state_before(replay.log, "user_id", "u0", until_ms)
    assert len(slow.items) > KEPT_EVENTS
    assert snapshot.history_items.tolist() == slow.items[-KEPT_EVENTS:]


def test_the_catalogue_counts_events_before_the_instant_only(replay: Replay) -> None:
    instant_ms = replay.log.periods.test_from_ms
    catalogue = catalogue_at(replay, instant_ms)
    for item in replay.log.items["item_id"]:
        slow = state_before(replay.log, "item_id", item, instant_ms)
        row = int(catalogue.rows(np.array([key64(item)], np.uint64))[0])
        assert catalogue.counters[row].tolist() == slow.counters
        assert catalogue.counters_at[row] == slow.counters_at
    assert not catalogue.counters[-1].any()


def test_serving_data_reads_back(replay: Replay, tmp_path: Path) -> None:
    count = write_serving_data(replay, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / REPLAY).read_text().splitlines()]
    assert count == len(lines) == len(replay.requests_in(replay.log.periods.test))
    at_test = catalogue_at(replay, replay.log.periods.test_from_ms)
    held = Catalogue.load(tmp_path / CATALOGUE, replay.log.schema)
    assert held.counters.tolist() == at_test.counters.tolist()
    users = UsersSnapshot.load(tmp_path / USERS)
    assert users.user_ids == tuple(replay.log.users["user_id"])


def test_a_slice_starts_from_the_state_of_its_first_request(replay: Replay, tmp_path: Path) -> None:
    assert write_serving_data(replay, tmp_path, requests=5) == 5
    lines = [json.loads(line) for line in (tmp_path / REPLAY).read_text().splitlines()]
    first_ms = lines[0]["request"]["timestamp_ms"]
    assert first_ms > replay.log.periods.test_from_ms
    users = UsersSnapshot.load(tmp_path / USERS)
    assert users.counters.tolist() == users_at(replay, first_ms).counters.tolist()
    assert (users.history_times_ms < first_ms).all()
