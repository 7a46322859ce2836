"""A checkpoint that learns on: what becomes of it, and what it may not have seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.progress import Progress

from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.examples import features_of
from models.manifest import Period
from models.refreshed_teacher import refreshed
from models.teacher import Teacher, TeacherConfig
from models.teacher_sizes import teacher_config
from models.train import space_of
from tests.trained import SMALL


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay.of(make_log(impressions=2_000, seed=7))


@pytest.fixture(scope="module")
def config(replay: Replay) -> TeacherConfig:
    features = features_of(replay, 20, 0, replay.log.periods.student_from_ms)
    return teacher_config(features, "interformer", "s", seed=0)


@pytest.fixture(scope="module")
def teacher(config: TeacherConfig) -> Teacher:
    return Teacher(config)


def learnt_on(teacher: Teacher, config: TeacherConfig, replay: Replay, period: Period) -> Teacher:
    with Progress(disable=True) as progress:
        return refreshed(teacher, config.features, replay, period, 0, progress, SMALL)


def test_what_it_becomes_is_another_space_and_it_stays_as_it_was(
    teacher: Teacher, config: TeacherConfig, replay: Replay
) -> None:
    before = space_of(teacher)
    after = learnt_on(teacher, config, replay, replay.log.periods.student)
    assert space_of(after) != before
    assert space_of(teacher) == before


def test_labels_outside_its_period_change_nothing(
    teacher: Teacher, config: TeacherConfig, replay: Replay
) -> None:
    period = replay.log.periods.student
    inside = np.isin(np.arange(len(replay.time_ms)), replay.requests_in(period))
    kept = np.repeat(inside, np.diff(replay.offsets))[:, None]
    other = replace(replay, labels=np.where(kept, replay.labels, 1 - replay.labels))
    found = learnt_on(teacher, config, replay, period).state_dict()
    for name, weight in learnt_on(teacher, config, other, period).state_dict().items():
        assert torch.equal(weight, found[name]), name
