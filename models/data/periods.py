"""How a log is cut in time: every split of the project is a split by time."""

from itertools import pairwise
from typing import Final, Literal, Self

from pydantic import model_validator

from models.data.errors import LogInvalid
from models.manifest import Period
from models.schema import Frozen

MIN_SPAN_MS: Final = 1_000
WARM_SHARE: Final = 0.1
"""Of a log whose teacher is another's: histories and counters begin empty."""
Days = Literal["student", "both"]
"""The student's own, or the teacher's before them too."""


class Periods(Frozen):
    """Instants in ms since 1970-01-01 UTC; each period ends where the next begins.

    Rows before `teacher_from_ms` only feed histories and counters. The checkpoint that annotates
    is trained on the teacher's period alone, so it never saw a label of the student's.
    """

    history_from_ms: int
    teacher_from_ms: int
    student_from_ms: int
    validation_from_ms: int
    test_from_ms: int
    until_ms: int

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        named = list(self.model_dump().items())
        for (earlier, first), (later, second) in pairwise(named):
            if second < first or (second == first and earlier != "history_from_ms"):
                raise ValueError(f"{later} {second} must come after {earlier} {first}")
        return self

    @property
    def teacher(self) -> Period:
        return Period(from_ms=self.teacher_from_ms, until_ms=self.student_from_ms)

    @property
    def student(self) -> Period:
        return Period(from_ms=self.student_from_ms, until_ms=self.validation_from_ms)

    def learnt(self, days: Days) -> Period:
        """What a student learns the labels of."""
        begins_ms = self.teacher_from_ms if days == "both" else self.student_from_ms
        return Period(from_ms=begins_ms, until_ms=self.validation_from_ms)

    @property
    def validation(self) -> Period:
        return Period(from_ms=self.validation_from_ms, until_ms=self.test_from_ms)

    @property
    def test(self) -> Period:
        return Period(from_ms=self.test_from_ms, until_ms=self.until_ms)


def by_share(first_ms: int, last_ms: int) -> Periods:
    """Teacher 55 %, student 25 %, validation 8 %, test 12 % of the time from first to last.

    Raises LogInvalid when the log is too short to be cut.
    """
    span = last_ms + 1 - first_ms
    if span < MIN_SPAN_MS:
        raise LogInvalid(
            f"the log lasts {span} ms, from {first_ms} to {last_ms}: too short to be cut into "
            "periods; check the unit of its timestamps"
        )
    cuts = [first_ms + round(span * share) for share in (0.55, 0.80, 0.88)]
    return Periods(
        history_from_ms=first_ms,
        teacher_from_ms=first_ms,
        student_from_ms=cuts[0],
        validation_from_ms=cuts[1],
        test_from_ms=cuts[2],
        until_ms=last_ms + 1,
    )


def after_teacher(whole: Periods, taught_until_ms: int) -> Periods:
    """For a teacher that was trained on something else, up to then: the student's period begins as
    soon as it ended, and student, validation and test divide the rest as `by_share` has them.

    Raises LogInvalid where nothing of the log comes after it.
    """
    first_ms, until_ms = whole.history_from_ms, whole.until_ms
    begins_ms = max(taught_until_ms, first_ms + round((until_ms - first_ms) * WARM_SHARE) + 1)
    rest = until_ms - begins_ms
    if rest < MIN_SPAN_MS:
        raise LogInvalid(
            f"the log ends at {until_ms}, and the teacher was trained up to {taught_until_ms}: it "
            "says nothing of what it has seen; give a later log, or train another teacher"
        )
    cuts = [begins_ms + round(rest * share / 45) for share in (25, 33)]
    return Periods(
        history_from_ms=first_ms,
        teacher_from_ms=first_ms,
        student_from_ms=begins_ms,
        validation_from_ms=cuts[0],
        test_from_ms=cuts[1],
        until_ms=until_ms,
    )
