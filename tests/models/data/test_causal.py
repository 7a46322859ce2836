import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.batches import records
from models.data.causal import Replay, outcomes
from tests.models.data.slow_reference import state_before
from tests.models.data.small_logs import START_MS, log_of, random_log, with_impressions

LENGTH = 5


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 6))
def test_replay_equals_a_walk_over_the_whole_log(seed: int, requests: int, ties: int) -> None:
    log = random_log(seed, requests, ties=ties)
    replay = Replay.of(log)
    rows = np.arange(len(replay.time_ms))
    asked, candidates = records(replay, rows, LENGTH)
    for row in rows:
        user = log.users["user_id"][int(replay.user[row])]
        slow = state_before(log, "user_id", user, int(replay.time_ms[row]))
        happened = asked.history.outcome[row] > 0
        assert asked.counters[row].tolist() == slow.counters
        assert asked.counters_at[row] == slow.counters_at
        assert asked.history.outcome[row][happened].tolist() == slow.outcomes[-LENGTH:]
        assert asked.history.time_ms[row][happened].tolist() == slow.times_ms[-LENGTH:]
        keys = replay.catalogue.keys[asked.history.row[row][happened]]
        assert keys.tolist() == slow.items[-LENGTH:]
    instants = replay.time_ms[candidates.request_index]
    for pair, (item, instant_ms) in enumerate(
        zip(log.impressions["item_id"], instants.tolist(), strict=True)
    ):
        slow = state_before(log, "item_id", item, instant_ms)
        assert candidates.counters[pair].tolist() == slow.counters
        assert candidates.counters_at[pair] == slow.counters_at


@pytest.mark.parametrize("shift_ms", [-3 * 86_400_000, 0, 1, 3 * 86_400_000])
def test_state_as_of_another_instant_equals_the_walk(shift_ms: int) -> None:
    log = random_log(3, 40)
    replay = Replay.of(log)
    rows = np.arange(len(replay.time_ms))
    as_of_ms = replay.time_ms[rows] + shift_ms
    asked, candidates = records(replay, rows, LENGTH, as_of_ms=as_of_ms)
    assert (asked.now_ms == as_of_ms).all()
    for row in rows:
        user = log.users["user_id"][int(replay.user[row])]
        slow = state_before(log, "user_id", user, int(as_of_ms[row]))
        assert asked.counters[row].tolist() == slow.counters
        assert (asked.history.outcome[row] > 0).sum() == min(LENGTH, len(slow.items))
    for pair, item in enumerate(log.impressions["item_id"]):
        slow = state_before(log, "item_id", item, int(as_of_ms[candidates.request_index[pair]]))
        assert candidates.counters[pair].tolist() == slow.counters


def test_events_of_the_same_instant_are_not_yet_known() -> None:
    log = random_log(1, 30, users=1, ties=6)
    replay = Replay.of(log)
    asked, _ = records(replay, np.arange(len(replay.time_ms)), 64)
    happened = asked.history.outcome > 0
    assert happened.any()
    assert (asked.history.time_ms < asked.now_ms[:, None])[happened].all()


def test_a_user_without_a_past_reads_zeros() -> None:
    replay = Replay.of(random_log(0, 10))
    first, _ = records(replay, np.array([0]), LENGTH)
    assert first.counters.tolist() == [[0.0, 0.0, 0.0]]
    assert first.counters_at.tolist() == [0]
    assert not first.history.outcome.any()


def test_a_log_without_rows_replays() -> None:
    empty = random_log(0, 10).impressions.clear()
    replay = Replay.of(with_impressions(log_of(random_log(0, 10).impressions), empty))
    asked, candidates = records(replay, np.array([], np.int64), LENGTH)
    assert asked.history.row.shape == (0, LENGTH)
    assert len(candidates.row) == 0


def test_outcomes_have_a_bit_for_the_impression_and_one_a_positive() -> None:
    labels = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [-1, 1], [-1, -1]], np.int8)
    assert outcomes(labels).tolist() == [1, 3, 5, 7, 5, 1]


def test_requests_of_a_period_begin_and_end_with_it() -> None:
    replay = Replay.of(random_log(5, 60))
    periods = replay.log.periods
    parts = [replay.requests_in(p) for p in (periods.teacher, periods.student)]
    parts += [replay.requests_in(p) for p in (periods.validation, periods.test)]
    assert np.concatenate(parts).tolist() == list(range(60))
    assert (replay.time_ms[parts[3]] >= periods.test_from_ms).all()
    assert (replay.time_ms[parts[0]] >= START_MS).all()
