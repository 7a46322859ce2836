"""The test window in consecutive steps, each a workbench of its own periods."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from models.annotation.annotations import Annotations
from models.data.causal import Replay
from models.data.periods import Periods
from models.suites.workbench import Workbench


@dataclass(kw_only=True)
class Told(Workbench):
    """Its students learn, validate and answer of what `told` says."""

    told: Annotations

    @property
    def notes(self) -> Annotations:
        return self.told

    @classmethod
    def of(cls, bench: Workbench, step: Replay, told: Annotations) -> "Told":
        """Half the days are learnt twice as often."""
        student = replace(bench.recipes.student, epochs=2 * bench.recipes.student.epochs)
        recipes = replace(bench.recipes, student=student)
        setting = (bench.seed, recipes, bench.progress, bench.chosen, bench.is_quick)
        return cls(step, *setting, told=told)


def steps_of(replay: Replay, count: int) -> list[Replay]:
    """The same log as often as there are steps: the test period is the step, of as many requests
    as the others; before it lies a validation period as long as the log's own, and before that a
    student's half as long as the log's."""
    edges = _edges(replay, count)
    return [_with(replay, _moved(replay.log.periods, *step)) for step in pairwise(edges)]


def _edges(replay: Replay, count: int) -> Sequence[int]:
    """`[count + 1]` instants in ms."""
    periods = replay.log.periods
    requests = replay.requests_in(periods.test)
    first = requests[np.arange(1, count) * len(requests) // count]
    return [periods.test_from_ms, *replay.time_ms[first].tolist(), periods.until_ms]


def _moved(whole: Periods, begin_ms: int, end_ms: int) -> Periods:
    validation_ms = whole.test_from_ms - whole.validation_from_ms
    student_ms = (whole.validation_from_ms - whole.student_from_ms) // 2
    return whole.model_copy(
        update={
            "student_from_ms": begin_ms - validation_ms - student_ms,
            "validation_from_ms": begin_ms - validation_ms,
            "test_from_ms": begin_ms,
            "until_ms": end_ms,
        }
    )


def _with(replay: Replay, periods: Periods) -> Replay:
    return replace(replay, log=replace(replay.log, periods=periods))
