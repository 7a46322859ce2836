"""Users' live states → the input records of their requests, R at a time: refresh and serving."""

from collections.abc import Sequence

import numpy as np

from models.features.item_source import ItemSource
from models.features.records import F32, U64, History, Requests, UserState


def stacked(
    states: Sequence[UserState],
    now_ms: Sequence[int],
    contexts: Sequence[U64],  # [F] each
    context_numbers: Sequence[F32],  # [G] each
    source: ItemSource,
    length: int,
) -> Requests:
    """Histories are the newest `length` events, padded in front."""
    return Requests(
        now_ms=np.array(now_ms, np.int64),
        user=np.array([state.columns for state in states]),
        user_number=np.array([state.numbers for state in states]),
        counters=np.array([state.counters for state in states]),
        counters_at=np.array([state.counters_at for state in states], np.int64),
        context=np.array(contexts),
        context_number=np.array(context_numbers),
        history=_histories(states, source, length),
    )


def _histories(states: Sequence[UserState], source: ItemSource, length: int) -> History:
    items = np.zeros((len(states), length), np.uint64)
    time_ms = np.zeros((len(states), length), np.int64)
    outcome = np.zeros((len(states), length), np.uint8)
    for row, state in enumerate(states):
        events = min(len(state.items), length)
        if events:
            items[row, -events:] = state.items[-events:]
            time_ms[row, -events:] = state.times_ms[-events:]
            outcome[row, -events:] = state.outcomes[-events:]
    return History(source.rows(items), time_ms, outcome)
