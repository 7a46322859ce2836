"""What a taught student learns of each row, twice over: as its cache has it, and as a miss."""

import numpy as np
import pytest
import torch

from models.examples import Batch
from models.features.cached import cache_side
from models.features.records import Hints
from models.learners import StudentLearner
from models.schema import TIERS
from models.student import Student, StudentConfig
from tests.models.random_inputs import random_arrays, schema_of

ROWS, REQUESTS, DIM, TASKS = 24, 3, 4, 2
FEATURES = schema_of(history_length=20, teacher_dim=DIM)


def a_batch() -> Batch:
    labels = (np.random.default_rng(0).random((ROWS, TASKS)) > 0.5).astype(np.float32)
    rows = np.arange(ROWS)
    return Batch(random_arrays(FEATURES, REQUESTS, ROWS), labels, rows, rows, np.arange(REQUESTS))


def said(spoken: slice, scale: float = 1.0) -> Hints:
    """Of some rows; elsewhere `scale` moves what stands there and nobody said."""
    rng = np.random.default_rng(1)
    logit = rng.normal(size=(ROWS, TASKS)).astype(np.float32)
    tier = np.zeros(ROWS, np.int64)
    tier[spoken] = TIERS.index("pair")
    logit[tier == 0] *= scale
    return Hints(np.zeros((ROWS, DIM), np.float32), logit, tier, np.ones(ROWS, np.float32))


def loss_of(taught: Hints | None, batch: Batch, *, learns_misses: bool = False) -> float:
    torch.manual_seed(0)
    student = Student(StudentConfig(features=FEATURES))
    learner = StudentLearner(student, FEATURES, taught, learns_misses=learns_misses)
    return learner.loss(batch).item()


def test_rows_that_the_teacher_said_nothing_of_have_their_labels_alone() -> None:
    early = slice(0, ROWS // 2)
    assert loss_of(said(early), a_batch()) == loss_of(said(early, scale=5.0), a_batch())
    assert loss_of(said(slice(0, 0)), a_batch()) == loss_of(None, a_batch())
    assert loss_of(said(early), a_batch()) != loss_of(said(slice(None)), a_batch())


def test_a_row_counts_as_its_cache_has_it_and_as_a_miss() -> None:
    batch, taught = a_batch(), said(slice(None))
    nothing = cache_side(FEATURES, REQUESTS, ROWS, None)
    missed = batch._replace(arrays=batch.arrays | nothing)
    apart = loss_of(taught, batch) + loss_of(taught, missed)
    assert loss_of(taught, batch, learns_misses=True) == pytest.approx(apart, rel=1e-6)
