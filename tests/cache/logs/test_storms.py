import logging

from cache.logs.storms import DISTINCT, EVERY_S, KINDS, Storms
from tests.cache.fake_clock import FakeClock
from tests.cache.logs.records import failed, record


def passing(storms: Storms, *records: logging.LogRecord) -> list[bool]:
    return [storms.filter(each) for each in records]


def warning(text: str = "away: %s", *args: object) -> logging.LogRecord:
    return record(text, *args, level=logging.WARNING)


def test_repeated_failure_is_logged_once_and_then_with_its_count() -> None:
    clock = FakeClock()
    storms = Storms(clock)
    assert (
        passing(storms, *(warning("away: %s", "x") for _ in range(1000))) == [True] + [False] * 999
    )
    clock.now += EVERY_S
    again = warning("away: %s", "x")
    assert storms.filter(again)
    assert vars(again)["repeated"] == 999
    later = warning("away: %s", "x")
    clock.now += EVERY_S
    assert storms.filter(later)
    assert "repeated" not in vars(later)


def test_storm_of_texts_that_all_differ_is_bounded_too() -> None:
    storms = Storms(FakeClock())
    assert sum(passing(storms, *(warning("took %d ms", n) for n in range(100)))) == DISTINCT


def test_other_kinds_and_other_exceptions_pass() -> None:
    storms = Storms(FakeClock())
    made = [
        failed(ValueError("a"), "it failed"),
        failed(OSError("a"), "it failed"),
        warning("it waits"),
        record("it failed", level=logging.ERROR, name="another"),
    ]
    assert passing(storms, *made) == [True] * 4
    assert not storms.filter(failed(ValueError("b"), "it failed"))


def test_what_is_no_failure_always_passes() -> None:
    storms = Storms(FakeClock())
    for level in (logging.DEBUG, logging.INFO, logging.CRITICAL):
        assert passing(storms, *(record(level=level) for _ in range(3))) == [True] * 3


def test_kinds_are_bounded() -> None:
    storms = Storms(FakeClock())
    for number in range(10 * KINDS):
        assert storms.filter(warning(f"kind {number}"))
    assert len(storms._lately) == KINDS
