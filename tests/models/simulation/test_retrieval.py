from datetime import timedelta

import numpy as np
import polars as pl

from models.data.causal import Replay
from models.data.encoding import keys_of
from models.simulation.retrieval import retrieved
from tests.models.data.small_logs import DAY_MS, START_MS, log_of

ITEMS = 40


def log_rows(rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    """(time in ms since the start, user, item), a request each."""
    time_ms, user, item = zip(*sorted(rows), strict=True)
    count = len(rows)
    return pl.DataFrame(
        {
            "request_id": [f"r{number}" for number in range(count)],
            "timestamp_ms": [START_MS + ms for ms in time_ms],
            "user_id": list(user),
            "item_id": list(item),
            "position": pl.Series([0] * count, dtype=pl.Int16),
            "tab": pl.Series(["feed"] * count),
            "depth": [0.0] * count,
            "click": pl.Series([1, 0] * (count // 2) + [1] * (count % 2), dtype=pl.Int8),
            "conversion": pl.Series([0] * count, dtype=pl.Int8),
        }
    )


def lists_of(rows: list[tuple[int, str, str]]) -> dict[int, list[str]]:
    """By request, from the second day on."""
    replay = Replay.of(log_of(log_rows(rows), users=30, items=ITEMS))
    late = np.flatnonzero(replay.time_ms >= START_MS + DAY_MS)
    found = retrieved(replay, late)
    ids = replay.log.items["item_id"]
    named = dict(zip(replay.catalogue.rows(keys_of(ids)).tolist(), ids, strict=True))
    lists: dict[int, list[str]] = {}
    for request, item in zip(found.request_index.tolist(), found.item.tolist(), strict=True):
        lists.setdefault(int(late[request]), []).append(named[item])
    return lists


def test_items_seen_together_are_retrieved_for_who_saw_one_of_them() -> None:
    yesterday = [
        (user * 1000 + item, f"u{user}", f"i{item}") for user in range(20) for item in (1, 2)
    ]
    # Two days later nothing is popular any more: what is found is found by the user's past.
    late = int(timedelta(days=2.5) / timedelta(milliseconds=1))
    lists = lists_of([*yesterday, (late, "u25", "i1"), (late + 60_000, "u25", "i9")])
    assert "i2" in lists[max(lists)]
    assert "i2" not in lists[max(lists) - 1]


def test_what_was_shown_most_of_late_is_retrieved_for_everybody() -> None:
    rows = [(DAY_MS - 3_600_000 + number, f"u{number % 9}", "i3") for number in range(10)]
    lists = lists_of([*rows, (DAY_MS + 60_000, "u25", "i9")])
    assert sorted(lists[max(lists)]) == ["i3", "i9"]
