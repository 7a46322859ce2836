import pytest
from pydantic import ValidationError

from models.data.errors import LogInvalid
from models.data.periods import Periods, after_teacher, by_share


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


def test_after_a_kept_teacher_the_student_has_the_rest_in_the_usual_proportions() -> None:
    periods = after_teacher(by_share(0, 99_999), 55_000)
    assert (periods.history_from_ms, periods.until_ms) == (0, 100_000)
    assert periods.student_from_ms == 55_000
    assert (periods.validation_from_ms, periods.test_from_ms) == (80_000, 88_000)


def test_a_teacher_of_before_the_log_leaves_a_tenth_of_it_to_histories() -> None:
    assert after_teacher(by_share(50_000, 149_999), 20_000).student_from_ms == 60_001


def test_nothing_after_a_kept_teacher_is_refused() -> None:
    with pytest.raises(LogInvalid, match="was trained up to 99500: it says nothing"):
        after_teacher(by_share(0, 99_999), 99_500)
