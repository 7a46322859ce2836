"""Suites on a small world: the direction of each result, not its size."""

from collections.abc import Sequence

import pytest
from rich.progress import Progress

from models.data.adworld.world import make_log
from models.data.log import Log
from models.suites.suites import Setting, Suite, run_suite
from models.suites.table import Cell, Table

IMPRESSIONS = 40_000


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log(impressions=IMPRESSIONS, seed=7)


def losses(log: Log, suite: Suite) -> dict[str, float]:
    """Log loss of the first task, by variant."""
    with Progress(disable=True) as progress:
        tables = run_suite(suite, log, Setting(seeds=(0,), quick=True), progress)
    return by_variant(tables)


def by_variant(tables: Sequence[Table]) -> dict[str, float]:
    place = list(tables[0].columns).index("log loss")
    cells = {str(row[0]): row[place] for row in tables[0].rows}
    return {name: cell.mean for name, cell in cells.items() if isinstance(cell, Cell)}


@pytest.mark.slow
def test_ladder_rises_from_nothing_to_all_pairs(log: Log) -> None:
    found = losses(log, "ladder")
    assert found["teacher"] < found["+ cache, all pairs"] < found["student alone"]
    assert found["+ cache, all pairs"] < found["+ cache, 40 % of pairs"]
    assert found["+ cache, replayed"] < found["+ cache, nothing in it"]


@pytest.mark.slow
def test_a_student_that_never_met_a_miss_falls_without_its_cache(log: Log) -> None:
    found = losses(log, "coverage")
    assert found["trained at 100 %, 0 %"] > found["matched, 0 %"]
    matched = [found[f"matched, {share} %"] for share in (0, 40, 100)]
    assert matched == sorted(matched, reverse=True)


@pytest.mark.slow
def test_rivals_stand_beside_ours(log: Log) -> None:
    found = losses(log, "baselines")
    assert found["trees_matches_200"] < found["trees_side"]
    assert found["student, all pairs"] < found["student alone"]
    assert {"student alone, dcnv2", "student alone, interformer", "logistic", "fm"} <= set(found)


@pytest.mark.slow
def test_a_pairs_own_entry_says_more_than_its_users_mean(log: Log) -> None:
    found = losses(log, "tiers")
    assert found["pair"] < found["user"]
    assert found["pair"] < found["replayed: pair, then user"]
