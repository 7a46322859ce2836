"""Which events count for which request, and when a request is done with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.events import Event
from cache.refresh.worth_judge import Judged
from cache.refresh.worth_window import AttributionWindow

WINDOW_MS, SHOWN_MS = 1000, 100


def judged(user: str = "u", at_ms: int = 0, items: str = "ab", request_id: str = "") -> Judged:
    half = np.full(len(items), 0.5)
    tier, age = np.zeros(len(items), np.uint8), np.zeros(len(items), np.float32)
    return Judged(user, at_ms, list(items), half, half, half, tier, age, request_id)


def event(kind: str, item: str, at_ms: int, user: str = "u", request_id: str = "") -> Event:
    return Event(f"{kind}-{item}-{at_ms}", kind, user, item, at_ms, request_id)


@pytest.fixture
def window() -> AttributionWindow:
    return AttributionWindow("click", WINDOW_MS, SHOWN_MS, limit=10)


def labels(window: AttributionWindow) -> list[tuple[int, list[bool]]]:
    """Of shown candidates, by request."""
    return [(held.judged.at_ms, held.rows().label.tolist()) for held in window.settle(1 << 60)]


def test_shown_without_a_click_is_a_negative_and_unshown_is_nothing(
    window: AttributionWindow,
) -> None:
    window.hold(judged(items="abc"))
    assert window.happened(event("impression", "a", 5))
    assert window.happened(event("impression", "b", 5))
    assert window.happened(event("click", "b", 900))
    assert labels(window) == [(0, [False, True])]


@pytest.mark.parametrize(
    "late",
    [
        event("impression", "a", SHOWN_MS + 1),
        event("click", "a", WINDOW_MS + 1),
        event("click", "a", -1),
        event("conversion", "a", 5),
        event("click", "z", 5),
        event("click", "a", 5, user="other"),
    ],
)
def test_event_that_is_not_the_requests_changes_nothing(
    window: AttributionWindow, late: Event
) -> None:
    window.hold(judged())
    assert not window.happened(late)
    assert labels(window) == [(0, [])]


def test_newest_request_that_returned_the_item_is_credited(window: AttributionWindow) -> None:
    window.hold(judged(at_ms=0))
    window.hold(judged(at_ms=50))
    window.hold(judged(at_ms=60, items="c"))
    for kind in ("impression", "click"):
        window.happened(event(kind, "a", 90))
    assert labels(window) == [(0, []), (50, [True]), (60, [])]


def test_event_told_twice_counts_once(window: AttributionWindow) -> None:
    window.hold(judged())
    for _ in range(2):
        window.happened(event("impression", "a", 5))
        window.happened(event("click", "a", 6))
    assert labels(window) == [(0, [True])]


def test_request_is_held_until_its_window_is_over(window: AttributionWindow) -> None:
    window.hold(judged(at_ms=500))
    window.hold(judged(at_ms=0))
    assert list(window.settle(WINDOW_MS)) == []
    assert [held.judged.at_ms for held in window.settle(WINDOW_MS + 1)] == [0]
    assert len(window) == 1
    assert not window.happened(event("click", "z", 1))
    assert window.clear() == 1


def test_no_more_than_the_limit_are_held() -> None:
    window = AttributionWindow("click", WINDOW_MS, SHOWN_MS, limit=2)
    assert [window.hold(judged(at_ms=at)) for at in range(3)] == [True, True, False]
    assert len(list(window.settle(1 << 60))) == 2
    assert window.hold(judged())


def test_event_that_names_its_request_is_no_other_ones(window: AttributionWindow) -> None:
    window.hold(judged(at_ms=0, request_id="r0"))
    window.hold(judged(at_ms=50, request_id="r1"))
    assert not window.happened(event("impression", "a", 60, request_id="not-kept"))
    for kind, at_ms in (("impression", SHOWN_MS + 1), ("click", 900)):
        assert window.happened(event(kind, "a", at_ms, request_id="r0"))
    assert labels(window) == [(0, [True]), (50, [])]


@given(
    st.lists(st.integers(0, 3000), max_size=8),
    st.lists(st.tuples(st.sampled_from(["impression", "click"]), st.integers(0, 4000)), max_size=8),
)
def test_labels_equal_brute_force(requests: list[int], told: list[tuple[str, int]]) -> None:
    window = AttributionWindow("click", WINDOW_MS, SHOWN_MS, limit=100)
    times = sorted(set(requests))
    for at_ms in times:
        window.hold(judged(at_ms=at_ms, items="a"))
    for kind, at_ms in told:
        window.happened(event(kind, "a", at_ms))
    expected = []
    for at_ms in times:
        mine = {kind for kind, then in told if _credited(times, then, kind) == at_ms}
        expected.append((at_ms, ["click" in mine] if "impression" in mine else []))
    assert labels(window) == expected


def _credited(times: list[int], then: int, kind: str) -> int | None:
    reach_ms = SHOWN_MS if kind == "impression" else WINDOW_MS
    return max((at for at in times if 0 <= then - at <= reach_ms), default=None)
