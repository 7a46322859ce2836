from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.access.quota import Quota


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_burst_is_there_at_first_and_comes_back_at_the_rate() -> None:
    clock = Clock()
    quota = Quota(100.0, 300.0, clock)
    assert quota.wait_s(300) == 0.0
    assert quota.wait_s(50) == pytest.approx(0.5)
    clock.now_s = 0.5
    assert quota.wait_s(50) == 0.0
    assert quota.wait_s(1) > 0


def test_request_larger_than_the_bucket_waits_until_it_is_full_and_leaves_a_debt() -> None:
    clock = Clock()
    quota = Quota(100.0, 100.0, clock)
    assert quota.wait_s(250) == 0.0
    assert quota.wait_s(250) == pytest.approx(2.5)
    clock.now_s = 2.5
    assert quota.wait_s(250) == 0.0


def test_refused_candidates_cost_nothing() -> None:
    quota = Quota(100.0, 100.0, Clock())
    assert quota.wait_s(80) == 0.0
    for _ in range(5):
        assert quota.wait_s(80) == pytest.approx(0.6)
    assert quota.wait_s(20) == 0.0


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 400)), max_size=60))
def test_what_comes_in_never_exceeds_rate_and_burst(arrivals: Sequence[tuple[float, int]]) -> None:
    clock, came = Clock(), 0
    quota = Quota(100.0, 200.0, clock)
    for pause_s, candidates in arrivals:
        clock.now_s += pause_s
        came += candidates if quota.wait_s(candidates) == 0.0 else 0
        # A debt is at most one request's.
        assert came <= 200 + 100 * clock.now_s + 400 - 200 + 1e-6


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_who_waits_as_long_as_told_comes_in(first: int, second: int) -> None:
    clock = Clock()
    quota = Quota(100.0, 250.0, clock)
    quota.wait_s(first)
    told_s = quota.wait_s(second)
    if told_s:
        clock.now_s += told_s + 1e-9
        assert quota.wait_s(second) == 0.0
