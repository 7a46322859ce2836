import pytest

from cache.breaker import CircuitBreaker
from tests.cache.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, open_s=10.0, clock=clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()


def test_closed_until_the_failures_in_a_row_are_reached(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert not breaker.is_open
    assert breaker.allows()


def test_open_breaker_allows_nothing_for_a_while(breaker: CircuitBreaker, clock: FakeClock) -> None:
    fail(breaker, 3)
    clock.now += 9.9
    assert breaker.is_open
    assert not breaker.allows()


def test_one_probe_is_let_through_at_a_time(breaker: CircuitBreaker, clock: FakeClock) -> None:
    fail(breaker, 3)
    clock.now += 10.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_probe_that_succeeds_closes(breaker: CircuitBreaker, clock: FakeClock) -> None:
    fail(breaker, 3)
    clock.now += 10.0
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_probe_that_fails_opens_for_another_while(
    breaker: CircuitBreaker, clock: FakeClock
) -> None:
    fail(breaker, 3)
    clock.now += 10.0
    assert breaker.allows()
    breaker.failed()
    clock.now += 9.9
    assert not breaker.allows()
    clock.now += 0.1
    assert breaker.allows()


def test_lost_probe_does_not_keep_it_open_for_ever(
    breaker: CircuitBreaker, clock: FakeClock
) -> None:
    fail(breaker, 3)
    clock.now += 10.0
    assert breaker.allows()
    clock.now += 10.0
    assert breaker.allows()


def test_late_failures_do_not_put_the_probe_off(breaker: CircuitBreaker, clock: FakeClock) -> None:
    fail(breaker, 3)
    clock.now += 9.0
    breaker.failed()
    clock.now += 1.0
    assert breaker.allows()
