"""Rows → arrays: the one features function of training, refresh and serving."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.features.catalogue import Catalogue
from models.features.counters import rates
from models.features.records import (
    F32,
    F64,
    I64,
    U64,
    Candidates,
    Hints,
    Override,
    Requests,
)
from models.schema import TIERS, Column, FeatureSchema, categorical, numbers

Arrays = dict[str, NDArray[Any]]
HOUR_MS = 3_600_000


def buckets(keys: U64, columns: Sequence[Column]) -> I64:
    """`[…, F]` value keys → embedding rows; key 0 (missing) → 0."""
    sizes = np.array([column.buckets - 1 for column in columns], np.uint64)
    return np.where(keys == 0, np.uint64(0), keys % sizes + np.uint64(1)).astype(np.int64)


def scaled(values: F32, columns: Sequence[Column]) -> F32:
    """`[…, G]` raw numbers → signed log1p, standardised; NaN → 0."""
    mean = np.array([column.mean for column in columns], np.float32)
    scale = np.array([column.scale for column in columns], np.float32)
    squeezed: F32 = (np.sign(values) * np.log1p(np.abs(values)) - mean) / scale
    return np.where(np.isnan(squeezed), np.float32(0.0), squeezed)


@dataclass(frozen=True, slots=True)
class ItemTable:
    """A catalogue's columns encoded once for one schema, so that a request only gathers rows."""

    categorical: I64  # [M + 1, F]
    numbers: F32  # [M + 1, G]

    @classmethod
    def of(cls, schema: FeatureSchema, catalogue: Catalogue) -> Self:
        return cls(
            buckets(catalogue.columns, categorical(schema.log.item)),
            scaled(catalogue.numbers, numbers(schema.log.item)),
        )


def build(
    schema: FeatureSchema,
    items: ItemTable,
    requests: Requests,
    candidates: Candidates,
    hints: Hints | None = None,
) -> Arrays:
    """Every input that `schema.inputs()` names. `hints` are needed when `teacher_dim` > 0."""
    arrays = _user_side(schema, items, requests)
    arrays |= _candidate_side(schema, items, requests, candidates)
    if schema.teacher_dim:
        arrays |= _teacher_side(schema, len(candidates.row), hints)
    return arrays


def _prior(schema: FeatureSchema) -> F64:
    return np.array(schema.prior_rates)


def _user_side(schema: FeatureSchema, items: ItemTable, requests: Requests) -> Arrays:
    log, length = schema.log, schema.history_length
    now = requests.now_ms
    counted = rates(
        requests.counters, requests.counters_at, now, _prior(schema), log.counter_half_life_ms
    )
    history = requests.history
    row, time_ms = _last(history.row, length), _last(history.time_ms, length)
    outcome = _last(history.outcome, length)
    happened = outcome > 0
    gap_s = np.where(happened, np.maximum(now[:, None] - time_ms, 0) / 1000.0, 0.0)
    since_last = np.where(happened[:, -1:], gap_s[:, -1:], -1.0)
    hour = (now // HOUR_MS % 24 + 1)[:, None]
    return {
        "user_categorical": buckets(requests.user, categorical(log.user)),
        "user_number": np.concatenate(
            [scaled(requests.user_number, numbers(log.user)), counted], axis=1
        ),
        "context_categorical": np.concatenate(
            [hour, buckets(requests.context, categorical(log.context))], axis=1
        ),
        "context_number": np.concatenate(
            [scaled(requests.context_number, numbers(log.context)), _log_seconds(since_last)],
            axis=1,
        ),
        "history_categorical": items.categorical[row] * happened[..., None],
        "history_outcome": outcome.astype(np.int64),
        "history_gap": _log_seconds(gap_s),
    }


def _candidate_side(
    schema: FeatureSchema, items: ItemTable, requests: Requests, candidates: Candidates
) -> Arrays:
    log = schema.log
    counted = rates(
        candidates.counters,
        candidates.counters_at,
        requests.now_ms[candidates.request_index],
        _prior(schema),
        log.counter_half_life_ms,
    )
    keys, values = items.categorical[candidates.row], items.numbers[candidates.row]
    for override in candidates.overrides:
        _apply(override, schema, keys, values)
    return {
        "request_index": candidates.request_index,
        "item_categorical": keys,
        "item_number": np.concatenate([values, counted], axis=1),
    }


def _teacher_side(schema: FeatureSchema, count: int, hints: Hints | None) -> Arrays:
    hints = hints or no_hints(count, schema.teacher_dim, len(schema.log.tasks))
    mask = (hints.tier > 0).astype(np.float32)
    state = np.stack([mask, _log_seconds(hints.age_s) * mask], axis=1)
    return {
        "teacher_z": hints.z,
        "teacher_logit": hints.logit,
        "teacher_tier": hints.tier,
        "teacher_state": state,
    }


def no_hints(count: int, dim: int, tasks: int) -> Hints:
    """What a request reads when the cache says nothing."""
    return Hints(
        np.zeros((count, dim), np.float32),
        np.zeros((count, tasks), np.float32),
        np.full(count, TIERS.index("none"), np.int64),
        np.zeros(count, np.float32),
    )


def _apply(override: Override, schema: FeatureSchema, keys: I64, values: F32) -> None:
    columns = categorical(schema.log.item)
    for position, key in override.keys.items():
        keys[override.candidate, position] = key % (columns[position].buckets - 1) + 1
    numeric = numbers(schema.log.item)
    for position, number in override.numbers.items():
        cell = np.array([number], np.float32)
        values[override.candidate, position] = scaled(cell, [numeric[position]])[0]


def _last(padded: NDArray[Any], length: int) -> NDArray[Any]:
    """The newest `length` of `[R, L]`, padded in front when L is shorter."""
    missing = length - padded.shape[1]
    if missing <= 0:
        return padded[:, -length:]
    return np.pad(padded, ((0, 0), (missing, 0)))


def _log_seconds(seconds: NDArray[Any]) -> F32:
    """log(1 + s) / 10: a minute is 0.41, a day 1.14; never-seen (−1) stays −1."""
    logged = np.log1p(np.maximum(seconds, 0.0)) / 10.0
    return np.where(seconds < 0, -1.0, logged).astype(np.float32)
