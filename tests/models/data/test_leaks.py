"""Nothing at or after an instant reaches a feature of before it."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.adworld.world import make_log
from models.data.batches import records
from models.data.causal import Replay
from models.data.log import Log
from models.data.statistics import fitted
from models.features.build import build
from models.features.item_table import ItemTable
from models.features.records import Arrays
from models.schema import FeatureSchema
from tests.models.data.small_logs import random_log, with_impressions

LENGTH = 30


def features(log: Log, until_ms: int) -> Arrays:
    """Every feature array of the requests before the instant."""
    replay = Replay.of(log)
    schema = FeatureSchema(
        log=replay.log.schema, history_length=LENGTH, prior_rates=(0.04,) * len(log.schema.tasks)
    )
    rows = np.flatnonzero(replay.time_ms < until_ms)
    asked, candidates = records(replay, rows, LENGTH)
    return build(schema, ItemTable.of(schema, replay.catalogue), asked, candidates)


def assert_identical(one: Arrays, other: Arrays) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype, name
        assert array.tobytes() == other[name].tobytes(), name


def scrambled_from(log: Log, instant_ms: int, seed: int) -> Log:
    """Everything from the instant on: other items, labels, users and contexts."""
    rng = np.random.default_rng(seed)
    past = log.impressions.filter(pl.col("timestamp_ms") < instant_ms)
    future = log.impressions.filter(pl.col("timestamp_ms") >= instant_ms)
    asked = future["request_id"].rle_id().to_numpy()
    users = log.users["user_id"].gather(rng.integers(0, len(log.users), len(future))[asked])
    items = log.items["item_id"].gather(rng.integers(0, len(log.items), len(future)))
    labels = [
        pl.Series(task, rng.integers(-1, 2, len(future)), dtype=pl.Int8)
        for task in log.schema.tasks
    ]
    context = [pl.lit("elsewhere").alias(c.name) for c in log.schema.context if c.kind != "number"]
    future = future.with_columns(users, items, *labels, *context)
    return with_impressions(log, pl.concat([past, future]))


@pytest.fixture(scope="module")
def world() -> Log:
    return make_log(impressions=20_000, seed=1)


def test_another_future_leaves_every_feature_bit_identical(world: Log) -> None:
    instant_ms = world.periods.validation_from_ms
    before = features(world, instant_ms)
    assert len(before["request_index"]) > 10_000
    changed = fitted(scrambled_from(world, instant_ms, 0))
    assert_identical(before, features(changed, instant_ms))


def test_no_future_leaves_every_feature_bit_identical(world: Log) -> None:
    instant_ms = world.periods.validation_from_ms
    past = world.impressions.filter(pl.col("timestamp_ms") < instant_ms)
    ended = fitted(with_impressions(world, past))
    assert_identical(features(world, instant_ms), features(ended, instant_ms))


def test_a_changed_past_does_change_features(world: Log) -> None:
    """The tests above could not fail if features read nothing."""
    instant_ms = world.periods.validation_from_ms
    changed = features(scrambled_from(world, world.periods.student_from_ms, 0), instant_ms)
    before = features(world, instant_ms)
    for name in ("user_number", "item_number", "history_outcome", "history_categorical"):
        assert before[name].tobytes() != changed[name].tobytes(), name


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 8), st.data())
def test_no_random_future_reaches_a_feature(
    seed: int, requests: int, ties: int, data: st.DataObject
) -> None:
    log = random_log(seed, requests, ties=ties)
    times = log.impressions["timestamp_ms"].unique().sort().to_list()
    instant_ms = data.draw(st.sampled_from(times))
    changed = scrambled_from(log, instant_ms, seed + 1)
    assert_identical(features(log, instant_ms), features(changed, instant_ms))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 8), st.data())
def test_a_rows_own_label_is_not_in_its_features(
    seed: int, requests: int, ties: int, data: st.DataObject
) -> None:
    log = random_log(seed, requests, ties=ties)
    row = data.draw(st.integers(0, len(log.impressions) - 1))
    instant_ms = log.impressions["timestamp_ms"][row]
    label = pl.col("click")
    flipped = pl.when(pl.int_range(pl.len()) == row).then(1 - label.abs()).otherwise(label)
    changed = with_impressions(log, log.impressions.with_columns(click=flipped.cast(pl.Int8)))
    assert_identical(features(log, instant_ms + 1), features(changed, instant_ms + 1))
