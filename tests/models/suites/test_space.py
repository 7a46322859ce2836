"""Fixed and refreshed spaces: the steps, the drift, and the direction on a small world."""

import numpy as np
import pytest

from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.suites.drift import centroid_drift, mean_cosine
from models.suites.space import FIXED, REFUSED, REORDERED, space
from models.suites.steps import steps_of
from models.suites.table import Cell, Table
from models.suites.workbench import Workbench

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay.of(make_log(impressions=2_000, seed=7))


def test_drift_by_hand() -> None:
    z = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    turned = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    assert centroid_drift(z, turned) == pytest.approx(np.sqrt(0.5))
    assert mean_cosine(z, turned) == pytest.approx(0.5)


def test_nothing_drifts_from_itself() -> None:
    z = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    assert centroid_drift(z, z) == 0.0
    assert mean_cosine(z, 3.0 * z) == pytest.approx(1.0)


def test_steps_are_the_test_window_in_order_and_equal_parts(replay: Replay) -> None:
    steps = steps_of(replay, 3)
    requests = [step.requests_in(step.log.periods.test) for step in steps]
    whole = replay.requests_in(replay.log.periods.test)
    np.testing.assert_array_equal(np.concatenate(requests), whole)
    sizes = [len(each) for each in requests]
    assert max(sizes) - min(sizes) <= 1


def test_a_steps_student_learns_later_than_the_fixed_teacher_and_before_the_step(
    replay: Replay,
) -> None:
    whole = replay.log.periods
    for step in steps_of(replay, 2):
        moved = step.log.periods
        assert whole.student_from_ms < moved.student_from_ms < moved.validation_from_ms
        assert moved.test_from_ms - moved.validation_from_ms == 24 * HOUR_MS
        assert moved.validation_from_ms - moved.student_from_ms == 24 * HOUR_MS
    first, second = (step.log.periods for step in steps_of(replay, 2))
    assert first.test_from_ms == whole.test_from_ms < second.test_from_ms == first.until_ms


def losses(table: Table) -> dict[str, float]:
    place = list(table.columns).index("log loss")
    cells = {str(row[0]): row[place] for row in table.rows}
    return {name: cell.mean for name, cell in cells.items() if isinstance(cell, Cell)}


@pytest.mark.slow
def test_a_student_reads_another_space_to_its_harm(bench: Workbench) -> None:
    click, *_, drift = space([bench])
    found = losses(click)
    assert found[FIXED] < found[REORDERED]
    assert found[FIXED] < found[REFUSED]
    assert all(isinstance(row[2], Cell) and row[2].mean > 0.0 for row in drift.rows)
