import pytest

from models.suites import shared_models
from models.suites.shared_models import SharedModels


class _Clock:
    """CPU time that passes only when work is done."""

    def __init__(self) -> None:
        self.now = 0.0

    def process_time(self) -> float:
        return self.now

    def work(self, seconds: float, result: str) -> str:
        self.now += seconds
        return result


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(shared_models, "time", clock)
    return clock


def test_a_model_is_made_once(clock: _Clock) -> None:
    models = SharedModels()
    assert models.once("a", lambda: clock.work(5, "first")) == "first"
    assert models.once("a", lambda: clock.work(5, "second")) == "first"
    assert clock.now == 5


def test_a_suite_pays_for_what_one_before_it_made_and_only_once(clock: _Clock) -> None:
    models = SharedModels()
    models.begin_suite()
    models.once("a", lambda: clock.work(5, ""))
    models.once("b", lambda: clock.work(7, ""))
    assert models.borrowed_s == 0
    models.begin_suite()
    for _ in range(2):
        models.once("a", lambda: clock.work(5, ""))
    models.once("c", lambda: clock.work(1, ""))
    assert models.borrowed_s == 5
