from cache.refresh.speculation.cadence import Cadence
from cache.refresh.speculation.log_time import LogTime
from tests.cache.fake_clock import FakeClock


def plans(cadence: Cadence, until_ms: int, since_ms: int = 0) -> list[int]:
    return [now_ms for now_ms in range(since_ms, until_ms + 1, 500) if cadence.take(now_ms)]


def test_pauses_double_up_to_a_minute_while_nobody_asks() -> None:
    cadence = Cadence()
    assert plans(cadence, 5_000) == []
    cadence.heard(0)
    times = plans(cadence, 250_000)
    pauses = [after - before for before, after in zip([0, *times], times, strict=False)]
    assert pauses == [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]


def test_request_makes_the_pause_short_again() -> None:
    cadence = Cadence()
    cadence.heard(0)
    assert plans(cadence, 20_000) == [1000, 3000, 7000, 15_000]
    cadence.heard(20_000)
    assert plans(cadence, 22_000, 20_000) == [21_000]


def test_time_goes_on_from_the_latest_request_and_never_back() -> None:
    clock = FakeClock()
    time = LogTime(clock)
    assert not time.has_begun
    time.heard(5_000_000)
    clock.now += 2.0
    assert time.now_ms() == 5_002_000
    time.heard(5_001_000)
    assert time.now_ms() == 5_002_000
    time.heard(9_000_000)
    assert time.now_ms() == 9_000_000
