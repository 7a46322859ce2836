"""Entries that were asked for elsewhere: whose context they have, and nothing of the future."""

from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.progress import Progress

from models.annotation.contextless import contextless, requests_before, was_elsewhere
from models.data.batches import Pairs
from models.data.causal import Replay
from models.examples import Examples, features_of
from models.features.records import Hints
from models.inputs import Inputs
from models.schema import TIERS, FeatureSchema
from models.teacher import Teacher
from models.teacher_sizes import teacher_config
from tests.models.data.small_logs import random_log, with_impressions
from tests.models.data.test_leaks import scrambled_from

LOG: Final = random_log(3, 120)
REPLAY: Final = Replay.of(LOG)


@pytest.fixture(scope="module")
def schema() -> FeatureSchema:
    return features_of(REPLAY, 10, 0, REPLAY.log.periods.student_from_ms)


@pytest.fixture(scope="module")
def teacher(schema: FeatureSchema) -> Teacher:
    return Teacher(teacher_config(schema, "interformer", "s", seed=0)).eval()


def aged(replay: Replay, dim: int) -> Hints:
    """Entries of every impression that are recognisably no teacher's, of any age up to 8 days."""
    count, tasks = replay.labels.shape
    rng = np.random.default_rng(7)
    ages_s = np.exp(rng.random(count) * np.log(8 * 86_400.0)).astype(np.float32)
    z, logit = np.full((count, dim), 9.0, np.float32), np.full((count, tasks), 9.0, np.float32)
    return Hints(z, logit, np.full(count, TIERS.index("pair")), ages_s)


def told(teacher: Teacher, schema: FeatureSchema, replay: Replay) -> Hints:
    pair = aged(replay, teacher.bottleneck.encode.out_features)
    with Progress(disable=True) as progress:
        return contextless(teacher, Examples.of(replay, schema), pair, progress)


@pytest.fixture(scope="module")
def found(teacher: Teacher, schema: FeatureSchema) -> Hints:
    return told(teacher, schema, REPLAY)


def slow_before(replay: Replay, request: int) -> int:
    earlier = [
        other
        for other in range(len(replay.time_ms))
        if replay.user[other] == replay.user[request]
        and replay.time_ms[other] < replay.time_ms[request]
    ]
    return max(earlier, key=lambda other: (replay.time_ms[other], other), default=-1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 8))
def test_the_request_before_is_the_users_last_at_an_earlier_time(
    seed: int, requests: int, ties: int
) -> None:
    replay = Replay.of(random_log(seed, requests, ties=ties))
    expected = [slow_before(replay, request) for request in range(len(replay.time_ms))]
    assert requests_before(replay).tolist() == expected


def test_a_word_is_what_the_teacher_says_there_at_the_entrys_instant(
    teacher: Teacher, schema: FeatureSchema, found: Hints
) -> None:
    age_ms = np.rint(found.age_s.astype(np.float64) * 1000.0).astype(np.int64)
    before, elsewhere = requests_before(REPLAY), np.flatnonzero(was_elsewhere(REPLAY))
    for request in elsewhere[::3].tolist():
        context, number = REPLAY.context.copy(), REPLAY.context_number.copy()
        earlier = before[request]
        context[request] = REPLAY.context[earlier] if earlier >= 0 else 0
        number[request] = REPLAY.context_number[earlier] if earlier >= 0 else np.nan
        there = Examples.of(replace(REPLAY, context=context, context_number=number), schema)
        row = REPLAY.offsets[request]
        arrays = there.arrays(
            np.array([request]),
            Pairs(np.array([0]), REPLAY.item[[row]]),
            as_of_ms=REPLAY.time_ms[[request]] - age_ms[row],
        )
        with torch.inference_mode():
            said = teacher(Inputs.of(arrays))
        np.testing.assert_allclose(found.z[[row]], said.z.numpy(), atol=1e-5)
        np.testing.assert_allclose(found.logit[[row]], said.logit.numpy(), atol=1e-5)


def test_an_entry_stays_as_it_is_where_the_context_does(
    teacher: Teacher, schema: FeatureSchema
) -> None:
    context = np.where(REPLAY.user[:, None] % 2 == 0, REPLAY.context[:1], REPLAY.context)
    number = np.where(REPLAY.user[:, None] % 2 == 0, np.nan, REPLAY.context_number)
    replay = replace(REPLAY, context=context, context_number=number.astype(np.float32))
    has_one = requests_before(replay) >= 0
    stays = (replay.user % 2 == 0) & has_one
    assert not was_elsewhere(replay)[stays].any()
    assert was_elsewhere(replay)[has_one & ~stays].all()
    of_shown = np.repeat(stays, np.diff(replay.offsets))
    found = told(teacher, schema, replay)
    assert (found.z[of_shown] == 9.0).all()
    assert not (found.z[~of_shown] == 9.0).any()


def test_nothing_is_said_where_nothing_was(teacher: Teacher, schema: FeatureSchema) -> None:
    pair = aged(REPLAY, teacher.bottleneck.encode.out_features)
    pair.tier[::2] = TIERS.index("none")
    with Progress(disable=True) as progress:
        found = contextless(teacher, Examples.of(REPLAY, schema), pair, progress)
    assert (found.z[::2] == 9.0).all()
    assert not (found.z[1::2] == 9.0).all()


@settings(max_examples=12, deadline=None)
@given(st.booleans(), st.data())
def test_no_future_reaches_an_entry(
    teacher: Teacher, schema: FeatureSchema, found: Hints, is_deleted: bool, data: st.DataObject
) -> None:
    times = LOG.impressions["timestamp_ms"].unique().sort().to_list()
    instant_ms = data.draw(st.sampled_from(times[1:]))
    past = LOG.impressions.filter(pl.col("timestamp_ms") < instant_ms)
    log = with_impressions(LOG, past) if is_deleted else scrambled_from(LOG, instant_ms, 5)
    other, rows = told(teacher, schema, Replay.of(log)), np.arange(len(past))
    np.testing.assert_allclose(found.z[rows], other.z[rows], atol=1e-5)
    np.testing.assert_allclose(found.logit[rows], other.logit[rows], atol=1e-5)


def test_another_past_does_reach_an_entry(
    teacher: Teacher, schema: FeatureSchema, found: Hints
) -> None:
    """The test above could not fail if no context were read."""
    other = replace(REPLAY, context=np.where(REPLAY.context > 0, np.uint64(5), REPLAY.context))
    assert not np.allclose(found.z, told(teacher, schema, other).z, atol=1e-3)
