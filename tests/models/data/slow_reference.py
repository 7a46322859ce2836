"""The causal replay said the long way: walk the whole log for every question."""

from typing import NamedTuple

from models.data.log import Log
from models.features.counters import observed
from models.features.hashing import key64


class State(NamedTuple):
    counters: list[float]
    counters_at: int
    items: list[int]  # keys, oldest first
    times_ms: list[int]
    outcomes: list[int]


def state_before(log: Log, column: str, identity: str, instant_ms: int) -> State:
    """State of one user (`column` user_id) or item strictly before the instant."""
    rows = log.impressions.with_row_index("row").sort("timestamp_ms", "position", "row")
    state = State([0.0] * (1 + len(log.schema.tasks)), 0, [], [], [])
    for row in rows.iter_rows(named=True):
        if row[column] != identity or row["timestamp_ms"] >= instant_ms:
            continue
        outcome = 1
        for bit, task in enumerate(log.schema.tasks, start=1):
            outcome |= (row[task] == 1) << bit
        half_life_ms = log.schema.counter_half_life_ms
        counters, at = observed(
            state.counters, state.counters_at, row["timestamp_ms"], outcome, half_life_ms
        )
        state = state._replace(counters=counters, counters_at=at)
        state.items.append(key64(row["item_id"]))
        state.times_ms.append(row["timestamp_ms"])
        state.outcomes.append(outcome)
    return state
