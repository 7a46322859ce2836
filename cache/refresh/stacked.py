"""Users' states and their requests → the features' input records, R at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cache.arrays import F32, U64
from models.features.catalogue import Catalogue
from models.features.records import Candidates, History, Requests, UserState


class Wanted(NamedTuple):
    """Pairs of one user that the teacher is to judge as if asked at `at_ms`."""

    state: UserState
    at_ms: int
    context: U64  # [Fc]
    context_numbers: F32  # [Gc]
    item_keys: U64  # [K]


def requests_of(wanted: Sequence[Wanted], catalogue: Catalogue, length: int) -> Requests:
    return Requests(
        now_ms=np.array([each.at_ms for each in wanted], np.int64),
        user=np.stack([each.state.columns for each in wanted]),
        user_number=np.stack([each.state.numbers for each in wanted]),
        counters=np.stack([each.state.counters for each in wanted]),
        counters_at=np.array([each.state.counters_at for each in wanted], np.int64),
        context=np.stack([each.context for each in wanted]),
        context_number=np.stack([each.context_numbers for each in wanted]),
        history=_histories([each.state for each in wanted], catalogue, length),
    )


def candidates_of(wanted: Sequence[Wanted], catalogue: Catalogue) -> Candidates:
    sizes = [len(each.item_keys) for each in wanted]
    row = catalogue.rows(np.concatenate([each.item_keys for each in wanted]))
    return Candidates(
        request_index=np.repeat(np.arange(len(wanted), dtype=np.int64), sizes),
        row=row,
        counters=catalogue.counters[row],
        counters_at=catalogue.counters_at[row],
    )


def _histories(states: Sequence[UserState], catalogue: Catalogue, length: int) -> History:
    """The newest `length` events of each, padded in front."""
    items = np.zeros((len(states), length), np.uint64)
    time_ms = np.zeros((len(states), length), np.int64)
    outcome = np.zeros((len(states), length), np.uint8)
    for row, state in enumerate(states):
        events = min(len(state.items), length)
        if events:
            items[row, -events:] = state.items[-events:]
            time_ms[row, -events:] = state.times_ms[-events:]
            outcome[row, -events:] = state.outcomes[-events:]
    return History(catalogue.rows(items), time_ms, outcome)
