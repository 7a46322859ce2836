import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.pacing import PEAK, compress

TIMES = st.lists(st.integers(0, 10**9), min_size=2, max_size=50, unique=True).map(sorted)


@given(TIMES, st.floats(0.1, 100.0))
def test_log_is_replayed_in_order_and_in_its_time(times_ms: list[int], duration_s: float) -> None:
    pace = compress(times_ms, duration_s)
    assert pace.send_s[0] == 0.0
    assert (np.diff(pace.send_s) > 0).all()
    assert pace.send_s[-1] == pytest.approx(duration_s)


@given(TIMES)
def test_no_two_requests_are_closer_than_the_peak_rate_allows(times_ms: list[int]) -> None:
    pace = compress(times_ms, 10.0)
    assert np.diff(pace.send_s).min() >= 10.0 / (PEAK * len(times_ms)) - 1e-9


def test_one_factor_keeps_gaps_in_proportion() -> None:
    pace = compress([0, 1000, 4000], 2.0)
    assert pace.send_s.tolist() == pytest.approx([0.0, 0.5, 2.0])
    assert pace.compression == pytest.approx(2.0)


def test_burst_is_spread_out_behind_its_first_request() -> None:
    pace = compress([0, 1, 2, 3, 10_000], 10.0)
    assert np.diff(pace.send_s)[:3].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert pace.compression == pytest.approx(1.0)


def test_log_of_one_instant_is_sent_at_the_peak_rate() -> None:
    assert compress([5, 5, 5], 9.0).send_s.tolist() == [0.0, 1.5, 3.0]
