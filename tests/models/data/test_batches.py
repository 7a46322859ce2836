import numpy as np
import polars as pl

from models.data.batches import Pairs, offered, records, shown
from models.data.causal import Replay
from models.features.hashing import keys64
from tests.models.data.small_logs import random_log, with_candidates

ALL = [f"i{number}" for number in range(6)]


def item_ids(replay: Replay, pairs: Pairs) -> list[str]:
    ids = replay.log.items["item_id"].to_list()
    by_row = dict(zip(replay.catalogue.rows(keys64(ids)).tolist(), ids, strict=True))
    return [by_row[row] for row in pairs.item.tolist()]


def test_shown_pairs_come_in_the_order_of_the_rows_asked_for() -> None:
    replay = Replay.of(random_log(4, 20))
    rows = np.array([7, 2, 19])
    batch = shown(replay, rows)
    table = replay.log.impressions
    for position, row in enumerate(rows):
        ids = table.filter(pl.col("request_id") == f"r{row}")["item_id"].to_list()
        mine = batch.pairs.request_index == position
        assert item_ids(replay, Pairs(*(part[mine] for part in batch.pairs))) == ids
        assert table["request_id"].gather(batch.impression[mine]).unique().to_list() == [f"r{row}"]


def test_labels_line_up_with_candidates() -> None:
    replay = Replay.of(random_log(4, 20))
    rows = np.array([3, 11])
    _, candidates = records(replay, rows, 4)
    labels = replay.labels[shown(replay, rows).impression]
    assert len(labels) == len(candidates.row)
    wanted = replay.log.impressions.filter(pl.col("request_id").is_in(["r3", "r11"]))
    assert labels[:, 0].tolist() == wanted["click"].to_list()


def test_offered_pairs_are_the_whole_list_where_there_is_one() -> None:
    log = random_log(4, 20)
    replay = Replay.of(with_candidates(log, [("r5", ALL[::-1])]))
    pairs = offered(replay, np.array([6, 5]))
    listed = Pairs(*(part[pairs.request_index == 1] for part in pairs))
    assert item_ids(replay, listed) == ALL[::-1]
    unlisted = Pairs(*(part[pairs.request_index == 0] for part in pairs))
    six = log.impressions.filter(pl.col("request_id") == "r6")["item_id"].to_list()
    assert item_ids(replay, unlisted) == six


def test_offered_pairs_without_any_list_are_those_shown() -> None:
    replay = Replay.of(random_log(4, 20))
    rows = np.arange(20)
    assert offered(replay, rows).item.tolist() == shown(replay, rows).pairs.item.tolist()


def test_any_pairs_may_be_asked_about() -> None:
    replay = Replay.of(random_log(4, 20))
    pairs = Pairs(np.array([0, 0, 1]), np.array([1, 2, 1]))
    _, candidates = records(replay, np.array([1, 18]), 4, pairs)
    assert candidates.row.tolist() == [1, 2, 1]
    assert candidates.counters[2, 0] > candidates.counters[0, 0]


def test_a_frozen_state_may_be_read_at_a_later_time() -> None:
    replay = Replay.of(random_log(4, 20))
    rows = np.array([18, 19])
    frozen_ms = np.full(2, replay.time_ms[9])
    asked, _ = records(replay, rows, 4, as_of_ms=frozen_ms, now_ms=replay.time_ms[rows])
    assert asked.now_ms.tolist() == replay.time_ms[rows].tolist()
    happened = asked.history.outcome > 0
    assert happened.any()
    assert (asked.history.time_ms[happened] < replay.time_ms[9]).all()


def test_history_is_padded_in_front_with_outcome_zero() -> None:
    replay = Replay.of(random_log(4, 20))
    asked, _ = records(replay, np.arange(20), 64)
    happened = asked.history.outcome > 0
    assert happened.any()
    assert (np.diff(happened.astype(int), axis=1) >= 0).all()
    assert not asked.history.row[~happened].any()
    assert not asked.history.time_ms[~happened].any()
