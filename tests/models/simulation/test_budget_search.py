import pytest

from models.simulation.budget_search import TOLERANCE, budget_for
from models.simulation.errors import CoverageUnreachable


def covered(pairs_per_s: float) -> float:
    return 0.5 * pairs_per_s / (pairs_per_s + 30.0)


@pytest.mark.parametrize("aim", [0.05, 0.25, 0.45])
def test_the_budget_found_covers_what_was_aimed_at(aim: float) -> None:
    assert abs(covered(budget_for(aim, 20.0, covered)) - aim) <= TOLERANCE


def test_where_coverage_leaps_past_the_aim_the_nearest_budget_tried_is_taken() -> None:
    tried: dict[float, float] = {}

    def leaping(pairs_per_s: float) -> float:
        tried[pairs_per_s] = 0.37 if pairs_per_s < 7.0 else 0.9 if pairs_per_s < 7.01 else 0.45
        return tried[pairs_per_s]

    assert tried[budget_for(0.4, 20.0, leaping)] == 0.37


def test_more_than_any_budget_covers_is_refused_with_what_is_possible() -> None:
    with pytest.raises(CoverageUnreachable, match=r"covers 0\.489 .* not 0\.6: aim at less"):
        budget_for(0.6, 20.0, covered)
