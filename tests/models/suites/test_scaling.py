"""The suite `scaling`: its law by hand, its bounds, and the direction of a quick run."""

import numpy as np
import pytest
from rich.progress import Progress

from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.suites import utilisation
from models.suites.bounded import Bounds, bounded, impressions_in
from models.suites.scaling import scaling
from models.suites.scaling_law import fitted, law_table, ratio_of
from models.suites.table import Cell, Table
from models.suites.throughput import WHOLE
from models.suites.utilisation import mfu, peak_of
from models.suites.workbench import Workbench
from models.teacher_sizes import FAMILIES
from models.train import Chosen
from models.training.parts import Recipes
from models.training.placement import HERE

IMPRESSIONS = 12_000


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay.of(make_log(impressions=IMPRESSIONS, seed=7))


def test_slope_is_what_ten_times_the_compute_takes_off() -> None:
    law = fitted(np.array([2.0, 20.0, 200.0]), np.array([0.90, 0.88, 0.86]))
    assert law.efficiency == pytest.approx(0.02)
    assert law.at_smallest == pytest.approx(0.90)


def test_slope_is_of_least_squares() -> None:
    """x = 0, 1, 2 and y = 0.9, 0.9, 0.6: Σ(x − 1)(y − 0.8) / Σ(x − 1)² = −0.15."""
    law = fitted(np.array([1.0, 10.0, 100.0]), np.array([0.9, 0.9, 0.6]))
    assert law.efficiency == pytest.approx(0.15)
    assert law.at_smallest == pytest.approx(0.95)


def test_law_has_a_slope_of_each_family_by_seed_and_their_ratio() -> None:
    compute = {"kunlun s": 1.0, "kunlun m": 10.0, "interformer s": 5.0, "interformer m": 500.0}
    entropies = {
        "kunlun s": np.array([0.90, 0.91]),
        "kunlun m": np.array([0.86, 0.85]),
        "interformer s": np.array([0.90, 0.90]),
        "interformer m": np.array([0.86, 0.86]),
    }
    kunlun, interformer, ratio = law_table("click", compute, entropies).rows
    assert isinstance(kunlun[1], Cell)
    assert kunlun[1].mean == pytest.approx(0.05)
    assert kunlun[1].sd == pytest.approx(0.02 / 2**0.5)
    assert isinstance(interformer[1], Cell)
    assert interformer[1].mean == pytest.approx(0.02)
    assert isinstance(ratio[1], Cell)
    assert ratio[1].mean == pytest.approx(2.5)


@pytest.mark.parametrize("denominator", [[0.01, -0.001], [0.0001, 0.2]])
def test_a_family_whose_slope_may_be_zero_has_no_ratio(denominator: list[float]) -> None:
    assert "none" in str(ratio_of(np.array([0.01, 0.02]), np.array(denominator)))


def test_bounds_keep_the_requests_next_to_what_follows(replay: Replay) -> None:
    small = bounded(replay, Bounds(teacher=2_000, validation=300, test=400))
    before, after = replay.log.periods, small.log.periods
    for name, most in (("teacher", 2_000), ("validation", 300), ("test", 400)):
        found = impressions_in(small, getattr(after, name))
        assert most - 50 < found <= most
    assert after.student_from_ms == before.student_from_ms
    assert after.test_from_ms == before.test_from_ms
    assert after.teacher_from_ms > before.teacher_from_ms


def test_requests_are_bounded_where_their_lists_are_short(replay: Replay) -> None:
    small = bounded(replay, Bounds(teacher=2_000, validation=300, test=400, requests=50))
    kept = replay.requests_in(small.log.periods.teacher)
    assert len(kept) == 50
    assert kept[-1] == replay.requests_in(replay.log.periods.teacher)[-1]


def test_bounds_beyond_the_log_change_nothing(replay: Replay) -> None:
    large = Bounds(*[10 * IMPRESSIONS] * 3)
    assert bounded(replay, large).log.periods == replay.log.periods


def test_utilisation_is_in_percent_of_the_devices_own_peak() -> None:
    found = mfu(flops=312 * 10**9, seconds=0.01, device="NVIDIA A100-SXM4-80GB")
    assert isinstance(found, Cell)
    assert found.mean == pytest.approx(10.0)
    assert peak_of("NVIDIA H100 80GB HBM3") == peak_of("NVIDIA H200")
    assert mfu(1, 1.0, "a device of next year") == "peak unknown"


def test_utilisation_has_a_row_for_each_teacher(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"IMPRESSIONS": 40, "ROUNDS": 1, "SIZES": ("s",)}.items():
        monkeypatch.setattr(utilisation, name, value)
    rows = list(utilisation.rows_of(bench_of(replay), "NVIDIA H200", HERE))
    assert [row[:2] for row in rows] == [[f"{name} s", "NVIDIA H200"] for name in FAMILIES]
    assert all(isinstance(row[3], Cell) and row[3].mean > 0 for row in rows)


@pytest.mark.slow
def test_quick_run_learns_at_a_cost_that_grows_with_size() -> None:
    click, law, _, _, throughput, gpu = quick_tables()
    for family in FAMILIES:
        small, large = (figures(click)[f"{family} {size}"] for size in ("s", "m"))
        for column in ("weights, M", "MFLOPs a candidate", "training TFLOPs"):
            assert small[column] < large[column]
        assert max(small["NE"], large["NE"]) < 1.0
    assert [row[0] for row in law.rows] == [*FAMILIES, "kunlun ÷ interformer"]
    costs = {name: row["MFLOPs a candidate"] for name, row in figures(throughput).items()}
    assert costs["without computation skip"] > costs[WHOLE]
    assert str(throughput.rows[0][-1]).startswith("1.00")
    assert gpu.rows


def quick_tables() -> list[Table]:
    return scaling([bench_of(Replay.of(make_log(impressions=40_000, seed=7)))])


def bench_of(replay: Replay) -> Workbench:
    return Workbench(replay, 0, Recipes(), Progress(disable=True), Chosen(), is_quick=True)


def figures(table: Table) -> dict[str, dict[str, float]]:
    return {
        str(row[0]): {
            column: cell.mean
            for column, cell in zip(table.columns, row, strict=True)
            if isinstance(cell, Cell)
        }
        for row in table.rows
    }
