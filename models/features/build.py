"""Rows → arrays: the one features function of training, refresh and serving."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.features.cached import cache_side
from models.features.counters import write_rates
from models.features.encoding import Encoding
from models.features.grouping import Grouping, grouped
from models.features.item_table import ItemTable
from models.features.records import (
    F32,
    I64,
    Arrays,
    CacheAnswer,
    Candidates,
    Override,
    Requests,
)
from models.schema import FeatureSchema

HOUR_MS = 3_600_000


def build(
    schema: FeatureSchema,
    items: ItemTable,
    requests: Requests,
    candidates: Candidates,
    answer: CacheAnswer | None = None,
) -> Arrays:
    """Every input that `schema.inputs()` names; without an answer, as of an empty cache."""
    arrays = build_ungrouped(schema, items, requests, candidates, answer)
    return arrays | group_side(grouped(candidates.request_index, len(requests.now_ms)))


def build_ungrouped(
    schema: FeatureSchema,
    items: ItemTable,
    requests: Requests,
    candidates: Candidates,
    answer: CacheAnswer | None = None,
) -> Arrays:
    """As build, for who will still divide the batch: without group_side."""
    rates = _rates(schema, items, requests, candidates)
    count = len(requests.now_ms)
    arrays = _history(schema, items, requests)
    arrays |= _user_and_context(items, requests, rates[:count], arrays)
    arrays |= _candidate_side(items, candidates, rates[count:])
    arrays |= cache_side(schema, count, len(candidates.row), answer)
    return arrays


# NOTE: a request is small, so its time goes by the number of array operations, not their size:
# users and items, users and contexts are computed together where they are computed alike.


def _rates(
    schema: FeatureSchema, items: ItemTable, requests: Requests, candidates: Candidates
) -> F32:
    """`[R + N, 1 + T]` of the users, then of the candidates."""
    asked_ms = requests.now_ms.take(candidates.request_index)
    counts = np.concatenate([requests.counters, candidates.counters])
    rates = np.empty(counts.shape, np.float32)
    write_rates(
        rates,
        counts,
        np.concatenate([requests.counters_at, candidates.counters_at]),
        np.concatenate([requests.now_ms, asked_ms]),
        items.prior,
        schema.log.counter_half_life_ms,
    )
    return rates


def _history(schema: FeatureSchema, items: ItemTable, requests: Requests) -> Arrays:
    now, length = requests.now_ms, schema.history_length
    row, time_ms, outcome = (_last(column, length) for column in requests.history)
    happened = outcome > 0
    gap_s = np.maximum(now[:, None] - time_ms, 0) / 1000.0 * happened
    return {
        "history_categorical": items.categorical(row) * happened[..., None],
        "history_outcome": outcome.astype(np.int64),
        "history_gap": (np.log1p(gap_s) / 10.0).astype(np.float32),
    }


def _user_and_context(items: ItemTable, requests: Requests, rates: F32, history: Arrays) -> Arrays:
    count, users, given = len(rates), requests.user.shape[1], requests.user_number.shape[1]
    keys = items.request.buckets(np.concatenate([requests.user, requests.context], axis=1))
    number = items.request.scaled(
        np.concatenate([requests.user_number, requests.context_number], axis=1)
    )
    context = np.empty((count, 1 + keys.shape[1] - users), np.int64)
    context[:, 0] = requests.now_ms // HOUR_MS % 24 + 1
    context[:, 1:] = keys[:, users:]
    has_history = history["history_outcome"][:, -1] > 0
    since_last = np.where(has_history, history["history_gap"][:, -1], -1.0)
    return {
        "user_categorical": np.ascontiguousarray(keys[:, :users]),
        "user_number": _beside(number[:, :given], rates),
        "context_categorical": context,
        "context_number": _beside(number[:, given:], since_last[:, None]),
    }


def _candidate_side(items: ItemTable, candidates: Candidates, rates: F32) -> Arrays:
    keys = items.categorical(candidates.row)
    number = _beside(items.numbers(candidates.row), rates)
    for override in candidates.overrides:
        _apply(override, items.item, keys, number)
    return {
        "request_index": candidates.request_index,
        "item_categorical": keys,
        "item_number": number,
    }


def group_side(grouping: Grouping) -> Arrays:
    return {"group_rows": grouping.rows, "group_place": grouping.place}


def _beside(left: NDArray[Any], right: NDArray[Any]) -> F32:
    """As np.concatenate on axis 1, to float32, at half its time for a single row."""
    split = left.shape[1]
    both = np.empty((len(left), split + right.shape[1]), np.float32)
    both[:, :split] = left
    both[:, split:] = right
    return both


def _apply(override: Override, encoding: Encoding, keys: I64, values: F32) -> None:
    for position, key in override.keys.items():
        keys[override.candidate, position] = key % int(encoding.sizes[position]) + 1
    for position, number in override.numbers.items():
        row = np.full(len(encoding.mean), number, np.float32)
        values[override.candidate, position] = encoding.scaled(row)[position]


def _last(padded: NDArray[Any], length: int) -> NDArray[Any]:
    """The newest `length` of `[R, L]`, padded in front when L is shorter."""
    missing = length - padded.shape[1]
    if missing <= 0:
        return padded[:, -length:]
    whole = np.zeros((len(padded), length), padded.dtype)
    whole[:, missing:] = padded
    return whole
