from pathlib import Path

import numpy as np
import pytest

from models.simulation.experiment import JITTER, Setting, points, sampled
from models.simulation.page import Heading, write_page
from models.simulation.tables import COLUMNS, tables
from models.speculation.trace import Trace
from tests.models.speculation.small_traces import trace_of

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def trace() -> Trace:
    """Twenty users who ask for the same pairs a few times an hour for half a day."""
    rng = np.random.default_rng(0)
    times = np.sort(rng.integers(0, DAY_MS // 2, 600)).tolist()
    users = rng.integers(0, 20, 600).tolist()
    return trace_of(
        *((ms, user, [2 * user, 2 * user + 1]) for ms, user in zip(times, users, strict=True))
    )


def test_a_seed_draws_users_whole_and_moves_scores_by_next_to_nothing(trace: Trace) -> None:
    first, again, other = (sampled(trace, 0.5, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.score, again.score)
    assert set(first.user.tolist()) != set(other.user.tolist())
    for user in np.unique(first.user).tolist():
        assert (first.user == user).sum() == (trace.user == user).sum()
    assert np.abs(first.score - 0.5).max() <= JITTER


def test_the_budget_found_is_where_demand_alone_covers_the_aim(trace: Trace) -> None:
    setting = Setting(
        policies=("demand-only", "all"), seeds=2, aim=0.4, soft_ttl_s=600.0, hard_ttl_s=1800.0
    )
    found = [*points(trace, setting)]
    assert [(each.policy, each.seed) for each in found] == [
        ("demand-only", 0), ("all", 0), ("demand-only", 1), ("all", 1),
    ]  # fmt: skip
    for each in found:
        assert each.outcome.figures.coverage <= each.ceilings.foreseen
        if each.policy == "demand-only":
            assert abs(each.outcome.figures.coverage - 0.4) < 0.02


def test_the_page_has_a_row_a_policy_the_ceilings_and_the_plot(
    trace: Trace, tmp_path: Path
) -> None:
    setting = Setting(policies=("demand-only", "hazard"), seeds=2, budgets=(0.001, 0.01))
    found = [*points(trace, setting)]
    made = tables(found)
    assert [table.title for table in made] == [
        "0.001 pairs a second", "Waste at 0.001 pairs a second",
        "0.01 pairs a second", "Waste at 0.01 pairs a second",
    ]  # fmt: skip
    for table in made:
        assert {len(row) for row in table.rows} == {len(table.columns)}
    heading = Heading("world", "understudy simulate", "made for a test", "Lists.")
    write_page(tmp_path / "pages", heading, made, found, 90.0)
    text = (tmp_path / "pages" / "world.md").read_text()
    assert all(f"| {name} |" in text for name in ("demand-only", "hazard", *COLUMNS))
    assert "![coverage and useful work](world.svg)" in text
    assert "<!-- hazard -->" in (tmp_path / "pages" / "world.svg").read_text()
