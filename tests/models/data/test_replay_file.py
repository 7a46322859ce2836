import json
from pathlib import Path

import numpy as np
import polars as pl

from models.data.causal import Replay
from models.data.replay_file import densest, lines, write_replay
from tests.models.data.small_logs import random_log, with_candidates, with_impressions

ALL = [f"i{number}" for number in range(6)]


def test_a_line_is_a_request_body_and_what_was_shown() -> None:
    log = random_log(8, 20)
    replay = Replay.of(with_candidates(log, [("r4", ALL)]))
    (line,) = lines(replay, np.array([4]))
    rows = log.impressions.filter(pl.col("request_id") == "r4")
    assert line["request"]["item_ids"] == ALL
    assert line["request"]["user_id"] == rows["user_id"][0]
    assert line["request"]["timestamp_ms"] == rows["timestamp_ms"][0]
    assert [shown["item_id"] for shown in line["shown"]] == rows["item_id"].to_list()
    assert [shown["position"] for shown in line["shown"]] == rows["position"].to_list()


def test_missing_context_and_unknown_labels_are_left_out() -> None:
    log = random_log(8, 20)
    unknown = with_impressions(
        log,
        log.impressions.with_columns(
            tab=pl.lit(None, pl.String),
            depth=pl.lit(float("nan")),
            click=pl.lit(-1, pl.Int8),
            conversion=pl.lit(1, pl.Int8),
        ),
    )
    (line,) = lines(Replay.of(unknown), np.array([0]))
    assert line["request"]["context"] == {}
    assert line["shown"][0]["labels"] == {"conversion": 1}


def test_written_lines_are_in_order_of_time(tmp_path: Path) -> None:
    replay = Replay.of(random_log(8, 50))
    write_replay(replay, np.arange(50), tmp_path / "replay.jsonl")
    written = [json.loads(line) for line in (tmp_path / "replay.jsonl").read_text().splitlines()]
    assert [line["request"]["request_id"] for line in written] == [f"r{n}" for n in range(50)]


def test_the_densest_run_is_the_shortest_in_time() -> None:
    replay = Replay.of(random_log(8, 50))
    rows = np.arange(10, 50)
    run = densest(replay, rows, 7)
    took = replay.time_ms[run[-1]] - replay.time_ms[run[0]]
    spans = [replay.time_ms[start + 6] - replay.time_ms[start] for start in range(10, 44)]
    assert took == min(spans)
    assert run.tolist() == list(range(run[0], run[0] + 7))
