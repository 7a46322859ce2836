import pytest
from pydantic import ValidationError

from models.data.errors import LogInvalid
from models.data.periods import Periods, by_share


def instants(*values: int) -> dict[str, int]:
    return dict(zip(Periods.model_fields, values, strict=True))


def test_periods_must_ascend() -> None:
    with pytest.raises(ValidationError, match="test_from_ms 5 must come after validation_from_ms"):
        Periods(**instants(0, 1, 2, 9, 5, 10))


def test_a_period_may_not_be_empty() -> None:
    with pytest.raises(ValidationError, match="student_from_ms"):
        Periods(**instants(0, 1, 1, 2, 3, 4))


def test_a_log_may_have_no_earlier_history() -> None:
    assert Periods(**instants(1, 1, 2, 3, 4, 5)).teacher.from_ms == 1


def test_each_period_ends_where_the_next_begins() -> None:
    periods = Periods(**instants(0, 10, 20, 30, 40, 50))
    parts = [periods.teacher, periods.student, periods.validation, periods.test]
    assert [(part.from_ms, part.until_ms) for part in parts] == [
        (10, 20),
        (20, 30),
        (30, 40),
        (40, 50),
    ]


def test_shares_cover_the_log_to_its_last_row() -> None:
    periods = by_share(1_000, 1_999)
    assert periods.teacher_from_ms == 1_000
    assert periods.student_from_ms == 1_550
    assert periods.test_from_ms == 1_880
    assert periods.until_ms == 2_000


def test_a_log_without_length_is_refused() -> None:
    with pytest.raises(LogInvalid, match="check the unit"):
        by_share(1_000, 1_000)
