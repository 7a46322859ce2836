"""Suites on a small world: the direction of each result, not its size."""

from collections.abc import Sequence

import pytest

from models.suites.suites import SUITES, Suite
from models.suites.table import Cell, Table
from models.suites.workbench import Workbench


def losses(bench: Workbench, suite: Suite) -> dict[str, float]:
    """Log loss of the first task, by variant."""
    return by_variant(SUITES[suite]([bench]))


def by_variant(tables: Sequence[Table]) -> dict[str, float]:
    place = list(tables[0].columns).index("log loss")
    cells = {str(row[0]): row[place] for row in tables[0].rows}
    return {name: cell.mean for name, cell in cells.items() if isinstance(cell, Cell)}


@pytest.mark.slow
def test_ladder_rises_from_nothing_to_all_pairs(bench: Workbench) -> None:
    found = losses(bench, "ladder")
    assert found["teacher"] < found["all, all pairs"] < found["student alone"]
    assert found["all, all pairs"] < found["all, 40 % of pairs"]
    assert found["all, replayed"] < found["all, nothing in the cache"]


@pytest.mark.slow
def test_a_student_that_never_met_a_miss_falls_without_its_cache(
    bench: Workbench,
) -> None:
    found = losses(bench, "coverage")
    assert found["trained at 100 %, 0 %"] > found["matched, 0 %"]
    matched = [found[f"matched, {share} %"] for share in (0, 40, 100)]
    assert matched == sorted(matched, reverse=True)


@pytest.mark.slow
def test_rivals_stand_beside_ours(bench: Workbench) -> None:
    found = losses(bench, "baselines")
    assert found["trees_matches_200"] < found["trees_side"]
    assert found["student, all pairs"] < found["student alone"]
    assert {"student alone, dcnv2", "student alone, interformer", "logistic", "fm"} <= set(found)


@pytest.mark.slow
def test_what_is_there_of_the_tiers_is_what_helps(bench: Workbench) -> None:
    first, *others = SUITES["tiers"]([bench])
    found = by_variant([first])
    assert found["all tiers"] < found["all tiers, 40 % of pairs"]
    assert found["all tiers"] < found["all tiers and the sequence, replayed"]
    assert found["pair, z and logit, no distillation"] < found["student alone"]
    assert found["pair"] < found["pair, nothing"]
    [by_history] = [table for table in others if table.title == "Tiers by history: click"]
    had = {row[0]: row[2] for row in by_history.rows}
    assert had["item, fewer than 10 before"] != had["user, fewer than 10 before"] == "0.000"
    assert "Context of a pair's entry: click" in [table.title for table in others]
