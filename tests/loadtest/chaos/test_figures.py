import pytest

from loadtest.chaos.figures import phases, tell
from loadtest.run.answers import Sample
from tests.loadtest.chaos.trials import BEGIN_S, END_S, chaos_of, rows, trial


def spoilt_until(until_s: float, **change: object) -> list[Sample]:
    return [
        row._replace(**change) if BEGIN_S <= row.due_s < until_s else row  # type: ignore[arg-type]
        for row in rows()
    ]


@pytest.mark.parametrize(
    "change",
    [{"degraded": ["cache:timeout"]}, {"covered": 0.5}, {"latency_ms": 40.0}, {"status": 503}],
)
def test_it_is_over_when_answers_are_what_they_were(change: dict[str, object]) -> None:
    kept = spoilt_until(END_S + 1.2, **change)
    recovered_s = phases(trial(kept).loaded).recovered_s
    assert recovered_s is not None
    assert 0.5 <= recovered_s <= 1.25  # a window that is mostly behind it may do


def test_what_never_ends_is_never_over() -> None:
    assert phases(trial(spoilt_until(11.0, covered=0.0)).loaded).recovered_s is None


def test_nothing_wrong_is_over_at_once() -> None:
    assert phases(trial().loaded).recovered_s == 0.0


def test_latency_is_told_apart_by_when_it_was_due() -> None:
    told = tell(trial(rows(latency_ms=80.0)))
    assert told["p99_ms"]["during"] == pytest.approx(80.0)
    assert told["p99_ms"]["outside"] == pytest.approx(5.0)


def test_reasons_are_those_of_answers_that_were_due_meanwhile() -> None:
    told = tell(trial(rows(degraded=["cache:timeout"]), chaos_of(says="cache:")))
    assert told["said"] == {"cache:timeout": 100}
    assert told["said_share"] == 1.0


def test_an_instant_lasts_until_all_is_well() -> None:
    kept = spoilt_until(BEGIN_S + 1.0, covered=0.25, latency_ms=50.0)
    told = tell(trial(kept, until_s=None))
    assert told["recovered_s"] == pytest.approx(1.0, abs=0.3)
    assert told["p99_ms"]["during"] == pytest.approx(50.0)
    assert told["coverage"] == {"before": 0.75, "lowest": 0.25, "after": 0.75}


def test_an_answer_that_is_neither_200_nor_429_has_failed() -> None:
    assert tell(trial(rows(status=503)))["failed"] == 100
    assert tell(trial(rows(status=429)))["failed"] == 0
