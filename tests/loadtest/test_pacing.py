from hypothesis import given
from hypothesis import strategies as st

from loadtest.demo.pacing import compress

TIMES = st.lists(st.integers(0, 10**9), min_size=2, max_size=50, unique=True).map(sorted)


@given(TIMES, st.floats(0.1, 100.0))
def test_log_is_replayed_in_order_within_its_time(times_ms: list[int], duration_s: float) -> None:
    pace = compress(times_ms, duration_s)
    assert pace.send_s[0] == 0.0
    assert (pace.send_s[1:] >= pace.send_s[:-1]).all()
    assert abs(pace.send_s[-1] - duration_s) < 1e-6


def test_one_factor_keeps_gaps_in_proportion() -> None:
    pace = compress([0, 1000, 4000], 2.0)
    assert pace.send_s.tolist() == [0.0, 0.5, 2.0]
    assert pace.compression == 2.0


def test_log_of_one_instant_is_sent_at_once() -> None:
    assert compress([5, 5, 5], 10.0).send_s.tolist() == [0.0, 0.0, 0.0]
