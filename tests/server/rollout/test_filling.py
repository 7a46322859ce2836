from hypothesis import given
from hypothesis import strategies as st

from cache.standing import Standing
from server.rollout.filling import SpaceWindow, is_filled
from server.rollout.plan import RolloutPlan
from server.rollout.presence import Presence
from tests.server.rollout.states import presence


def told(**gateways: Standing) -> dict[str, Presence]:
    return {name: presence(**standing._asdict()) for name, standing in gateways.items()}


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_space_is_filled_only_when_no_more_than_the_gap_would_be_lost(
    held: int, ready: int, lost: int
) -> None:
    plan = RolloutPlan(max_gap=min((lost + 0.5) / 1000, 1.0), least_candidates=1000)
    assert is_filled(plan, Standing(1000, held, ready)) == (held - ready <= lost)


def test_few_candidates_prove_nothing() -> None:
    assert not is_filled(RolloutPlan(least_candidates=1000), Standing(999, 0, 999))


def test_mark_holds_whatever_is_held() -> None:
    plan = RolloutPlan(mark=0.5, least_candidates=1)
    assert not is_filled(plan, Standing(100, 0, 49))
    assert is_filled(plan, Standing(100, 0, 50))


def test_window_tells_what_came_within_it_alone() -> None:
    window = SpaceWindow()
    assert window.told("t", 0, told(a=Standing(1000, 900, 10)), 60.0) == Standing()
    assert window.told("t", 59_999, told(a=Standing(1500, 1350, 200)), 60.0) == Standing()
    first = window.told("t", 60_000, told(a=Standing(2000, 1800, 500)), 60.0)
    assert first == Standing(1000, 900, 490)
    assert window.told("t", 119_999, told(a=Standing(3000, 2700, 1400)), 60.0) == first
    assert window.told("t", 120_000, told(a=Standing(4000, 3600, 2400)), 60.0) == Standing(
        2000, 1800, 1900
    )


def test_window_is_of_all_gateways_also_of_one_that_joins_or_begins_again() -> None:
    window = SpaceWindow()
    window.told("t", 0, told(a=Standing(100, 90, 80), b=Standing(50, 40, 30)), 1.0)
    fleet = told(a=Standing(7, 6, 5), b=Standing(60, 50, 40), c=Standing(3, 3, 3))
    assert window.told("t", 1_000, fleet, 1.0) == Standing(20, 19, 18)


def test_another_tally_begins_another_window() -> None:
    window = SpaceWindow()
    window.told("t", 0, told(a=Standing(100, 90, 80)), 1.0)
    window.told("t", 1_000, told(a=Standing(200, 180, 160)), 1.0)
    assert window.told("u", 1_001, told(a=Standing(5, 5, 5)), 1.0) == Standing()
    assert window.told("u", 2_001, told(a=Standing(9, 9, 9)), 1.0) == Standing(4, 4, 4)
