"""Labels are joined once they are complete, and only then."""

import numpy as np
import pytest

from server.rollout.guardrails.attribution import Attribution

WINDOW_S = 600.0
P = np.array([0.5, 0.1], np.float32)


def shown(capacity: int = 10) -> Attribution:
    attribution = Attribution(WINDOW_S, capacity)
    attribution.show("r", "u", P, at_s=100.0)
    return attribution


def test_request_is_settled_when_its_window_has_passed_and_once() -> None:
    attribution = shown()
    assert attribution.settled(699.9) == []
    [settled] = attribution.settled(700.0)
    assert (settled.user_id, settled.impressions) == ("u", 2)
    assert settled.expected == pytest.approx(0.6)
    assert settled.spread == pytest.approx(0.25 + 0.09)
    assert attribution.settled(10_000.0) == []


def test_clicks_within_the_window_count_with_their_value() -> None:
    attribution = shown()
    assert attribution.click("r", 0, 2.0, at_s=150.0)
    assert attribution.click("r", 1, 3.0, at_s=699.0)
    [settled] = attribution.settled(700.0)
    assert (settled.clicked, settled.value) == ({0, 1}, 5.0)


@pytest.mark.parametrize(
    ("request_id", "place", "at_s"),
    [("r", 1, 700.0), ("r", 0, 200.0), ("r", 2, 200.0), ("r", -1, 200.0), ("other", 0, 200.0)],
    ids=["too late", "again", "past the slate", "before the slate", "unknown"],
)
def test_click_that_belongs_to_nothing_does_not_count(
    request_id: str, place: int, at_s: float
) -> None:
    attribution = shown()
    attribution.click("r", 0, 2.0, at_s=150.0)
    assert not attribution.click(request_id, place, 9.0, at_s)
    [settled] = attribution.settled(700.0)
    assert (settled.clicked, settled.value) == ({0}, 2.0)


def test_full_one_follows_no_new_request_and_keeps_the_old() -> None:
    attribution = shown(capacity=1)
    attribution.show("late", "v", P, at_s=101.0)
    assert attribution.unfollowed == 1
    assert not attribution.click("late", 0, 1.0, at_s=102.0)
    assert [each.user_id for each in attribution.settled(1_000.0)] == ["u"]
    attribution.show("later", "w", P, at_s=1_000.0)
    assert [each.user_id for each in attribution.settled(1_600.0)] == ["w"]


def test_same_request_shown_again_keeps_its_first_time_and_clicks() -> None:
    attribution = shown()
    attribution.click("r", 0, 1.0, at_s=101.0)
    attribution.show("r", "u", P, at_s=650.0)
    [settled] = attribution.settled(700.0)
    assert settled.clicked == {0}
