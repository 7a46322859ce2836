"""Held-out requests as the bodies that a caller would post, with what was shown and done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.data.batches import offered
from models.data.causal import Replay
from models.data.encoding import keys_of
from models.features.records import I64

CHUNK: Final = 1_000


def write_replay(replay: Replay, rows: I64, path: Path) -> None:
    """One request a line, in order of time."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(rows), CHUNK):
            for line in lines(replay, rows[start : start + CHUNK]):
                file.write(json.dumps(line, separators=(",", ":")) + "\n")


def densest(replay: Replay, rows: I64, count: int) -> I64:
    """The `count` consecutive requests that take the least time: the log's busiest stretch."""
    times = replay.time_ms[rows]
    lasts = times[count - 1 :] - times[: len(times) - count + 1]
    start = int(np.argmin(lasts))
    return rows[start : start + count]


def lines(replay: Replay, rows: I64) -> Iterator[dict[str, Any]]:
    """`{"request": body of POST /v1/rank, "shown": [{item_id, position, labels}]}`."""
    impressions = replay.log.impressions
    pairs = offered(replay, rows)
    item_ids = _item_ids(replay)
    ends = np.searchsorted(pairs.request_index, np.arange(len(rows) + 1))
    for index, row in enumerate(rows):
        shown = impressions[int(replay.offsets[row]) : int(replay.offsets[row + 1])]
        candidates = item_ids[pairs.item[ends[index] : ends[index + 1]]].tolist()
        yield {
            "request": _body(replay, shown.row(0, named=True), candidates),
            "shown": [_shown(replay, impression) for impression in shown.iter_rows(named=True)],
        }


def _body(replay: Replay, first: dict[str, Any], item_ids: list[str]) -> dict[str, Any]:
    given = {column.name: first[column.name] for column in replay.log.schema.context}
    return {
        "request_id": first["request_id"],
        "user_id": first["user_id"],
        "timestamp_ms": first["timestamp_ms"],
        "context": {name: value for name, value in given.items() if _is_known(value)},
        "item_ids": item_ids,
    }


def _shown(replay: Replay, impression: dict[str, Any]) -> dict[str, Any]:
    labels = {task: impression[task] for task in replay.log.schema.tasks if impression[task] >= 0}
    return {
        "item_id": impression["item_id"],
        "position": impression["position"],
        "labels": labels,
    }


def _is_known(value: str | float | None) -> bool:
    return value is not None and value == value  # NaN is unequal to itself


def _item_ids(replay: Replay) -> np.ndarray[Any, Any]:
    """Ids by catalogue row."""
    ids = replay.log.items["item_id"]
    by_row = np.empty(len(ids), dtype=object)
    by_row[replay.catalogue.rows(keys_of(ids))] = ids.to_list()
    return by_row
