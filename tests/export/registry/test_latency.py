"""Two models are timed in turn, on batches of one size where they can be."""

from pathlib import Path

import numpy as np
import pytest

from export.registry.latency import WARM_RUNS, Side, measure, sides
from models.features.records import Arrays
from models.manifest import Bundle, read_manifest
from models.runtime import load
from tests.bundles import linear_student


class Machine:
    """A clock that only running a model moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.ran: list[str] = []

    def side(self, name: str, *takes_ms: float) -> Side:
        """Takes these times in turn, over and over."""
        runs = 0

        def run(arrays: Arrays) -> None:
            nonlocal runs
            self.now_s += takes_ms[runs % len(takes_ms)] / 1000
            runs += 1
            self.ran.append(name)

        return Side(run, {}, 64)


def _described(folder: Path) -> Bundle:
    return Bundle(folder, *read_manifest(folder))


def test_figures_are_of_each_models_own_runs() -> None:
    machine = Machine()
    a, b = machine.side("a", 2.0), machine.side("b", 3.0, 5.0)
    compared = measure(a, b, 100, lambda: machine.now_s)
    assert compared.a.p50_ms == pytest.approx(2.0)
    assert compared.b.p50_ms == pytest.approx(4.0)
    assert compared.b.p99_ms == pytest.approx(5.0)
    assert compared.ratio_p50 == pytest.approx(2.0)
    assert compared.ratio_p99 == pytest.approx(2.5)


def test_models_run_in_turn_and_each_is_first_as_often() -> None:
    machine = Machine()
    measure(machine.side("a", 1.0), machine.side("b", 1.0), 4, lambda: machine.now_s)
    assert "".join(machine.ran[: 2 * WARM_RUNS]) == "ab" * WARM_RUNS
    assert "".join(machine.ran[2 * WARM_RUNS :]) == "abba" * 2


def test_models_with_the_same_inputs_get_the_same_batch(student: Path, later: Path) -> None:
    a, b = _described(student), _described(later)
    side_a, side_b = sides(a, b, load(student).run, load(later).run)
    assert side_a.arrays is side_b.arrays
    assert side_a.rows == 6


def test_models_with_other_inputs_get_their_own_batch(student: Path, tmp_path: Path) -> None:
    other = linear_student(tmp_path, teacher_dim=4)
    side_a, side_b = sides(
        _described(student), _described(other), load(student).run, load(other).run
    )
    assert side_a.arrays["teacher_z"].shape == (6, 8)
    assert side_b.arrays["teacher_z"].shape == (6, 4)
    compared = measure(side_a, side_b, 10)
    assert np.isfinite(compared.ratio_p50)
    assert compared.a.p50_ms > 0
