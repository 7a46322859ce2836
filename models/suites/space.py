"""A teacher that stays as it was against one that is refreshed, for students that are trained
again and students that are not.

A refreshed checkpoint is another space. Understudy refuses to read it with a student of the old
one; here it is read by force, for the price of it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from models.annotation.annotations import HINTS, Annotations
from models.data.causal import Replay
from models.evaluate import Candidate
from models.features.records import F64
from models.manifest import Period
from models.refreshed_teacher import refreshed
from models.suites.drift import Drift, drift, drift_tables
from models.suites.scores import ALONE, TEACHER, tables
from models.suites.steps import Told, steps_of
from models.suites.table import Table
from models.suites.workbench import Workbench
from models.teacher import Teacher
from models.teacher_sizes import teacher_config
from models.train import annotated

STEPS: Final = 2
REFRESHED: Final = "teacher, refreshed"
REFUSED: Final = "refreshed, refused"
MIXED: Final = "fixed z, refreshed logits"
FIXED: Final = "fixed"
FORCED: Final = "refreshed, read by force"
REORDERED: Final = "another order of z, read by force"
FORCED_LATE: Final = "refreshed for a retrain, read by force"
RETRAINED: Final = "refreshed, student retrained"
BY_STEP: Final = (TEACHER, REFRESHED, FIXED, FORCED, RETRAINED)
NOTE: Final = (
    "The test window in two steps of as many requests. Fixed: one checkpoint, as it is served. "
    "Refreshed: before each step it has learnt on for one pass over the days since: up to the "
    "step, or, for a retrain, up to the days that the student trains on, so that it never saw a "
    "label that it annotates. Every student trains on half a student's period, twice as often as "
    "elsewhere, and is calibrated on the validation period after it: once, before the first step, "
    "or, retrained, before each. Refused is what serving does: a page's key names its space "
    "(tests/server/test_mixed_spaces.py), so a student finds nothing in another. Read by force is "
    "what serving never does; another order is the fixed teacher as a twin of it would be, as good "
    "in other coordinates. Everything is there, or, replayed, what a cache would have held had the "
    "step's checkpoint filled it all along."
)


class _Step(NamedTuple):
    """One step as three checkpoints tell of it."""

    fixed: Told
    late: Told  # refreshed up to where the step's students begin to train
    fresh: Told  # refreshed up to the step
    refreshed: Candidate  # the last of these itself


class _Kept(NamedTuple):
    """Trained for the first step and never again."""

    student: Candidate
    alone: Candidate


class _Run(NamedTuple):
    answers: dict[str, F64]
    drifts: list[Drift]


def space(benches: Sequence[Workbench]) -> list[Table]:
    runs = [_run(bench) for bench in benches]
    first, by_seed = benches[0], [run.answers for run in runs]
    return [
        *tables("Space", first, by_seed, NOTE),
        *drift_tables(first, by_seed, [run.drifts for run in runs], BY_STEP),
    ]


def _run(bench: Workbench) -> _Run:
    parts: list[dict[str, F64]] = []
    drifts: list[Drift] = []
    kept: _Kept | None = None
    for step in _told(bench, steps_of(bench.replay, STEPS)):
        kept = kept or _Kept(step.fixed.student(bench.chosen), step.fixed.untaught())
        parts.append(dict(_answers(bench, step, kept)))
        drifts.append(drift(step.fixed.notes, step.fresh.notes, step.fixed.evaluation.rows))
    answers = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _Run(answers, drifts)


def _told(bench: Workbench, steps: Sequence[Replay]) -> Iterator[_Step]:
    given = bench.teacher
    late = _checkpoints(bench, [step.log.periods.student_from_ms for step in steps])
    fresh = _checkpoints(bench, [step.log.periods.test_from_ms for step in steps])
    for step, before, now in zip(steps, late, fresh, strict=True):
        yield _Step(
            _by(bench, step, _fixed(bench)),
            _by(bench, step, before),
            _by(bench, step, now),
            Candidate(now, given.schema, given.calibration),
        )


def _checkpoints(bench: Workbench, ends_ms: Sequence[int]) -> Iterator[Teacher]:
    """Each learns on where the one before it ended, the first where the fixed one did."""
    model, begin_ms = _fixed(bench), bench.replay.log.periods.student_from_ms
    setting = (bench.seed, bench.progress, bench.recipes.teacher)
    for end_ms in ends_ms:
        since = Period(from_ms=begin_ms, until_ms=end_ms)
        model = refreshed(model, bench.teacher.schema, bench.replay, since, *setting)
        begin_ms = end_ms
        yield model


def _fixed(bench: Workbench) -> Teacher:
    model = bench.teacher.model
    assert isinstance(model, Teacher)
    return model


def _by(bench: Workbench, step: Replay, teacher: Teacher) -> Told:
    """All three annotate the same days: a user's sequence is as long whoever tells it."""
    chosen = bench.chosen
    config = teacher_config(bench.teacher.schema, chosen.teacher, chosen.size, bench.seed)
    notes = annotated(teacher, config, step, bench.seed, bench.progress)
    return Told.of(bench, step, notes)


def _answers(bench: Workbench, step: _Step, kept: _Kept) -> Iterator[tuple[str, F64]]:
    yield TEACHER, step.fixed.answer(bench.teacher)
    yield REFRESHED, step.fixed.answer(step.refreshed)
    yield ALONE, step.fixed.answer(kept.alone)
    yield REFUSED, step.fresh.answer(kept.student)
    yield from _read(FIXED, step.fixed, kept.student)
    yield from _read("fixed, student retrained", step.fixed, step.fixed.student(bench.chosen))
    yield from _read(FORCED, step.fresh, kept.student)
    yield from _read(FORCED_LATE, step.late, kept.student)
    yield from _read(RETRAINED, step.late, step.late.student(bench.chosen))
    reordered = _reordered(step.fixed.notes, bench.seed)
    yield from _read(REORDERED, Told.of(bench, step.fixed.replay, reordered), kept.student)
    mixed = _with_logits(step.fixed.notes, step.fresh.notes)
    yield from _read(MIXED, Told.of(bench, step.fixed.replay, mixed), kept.student)


def _read(name: str, told: Told, student: Candidate) -> Iterator[tuple[str, F64]]:
    caches = {
        name: told.covered(1.0, told.chosen.tiers, has_sequence=True),
        f"{name}, replayed": told.held(),
    }
    yield from told.answers(student, caches).items()


def _with_logits(notes: Annotations, other: Annotations) -> Annotations:
    return notes._replace(pair=notes.pair._replace(logit=other.pair.logit))


def _reordered(notes: Annotations, seed: int) -> Annotations:
    """What a twin of the teacher would say whose coordinates came out in another order."""
    order = np.random.default_rng(seed).permutation(notes.pair.z.shape[1])
    tiers = {name: getattr(notes, name) for name in HINTS}
    return notes._replace(
        **{name: tier._replace(z=tier.z[:, order]) for name, tier in tiers.items()},
        sequence=notes.sequence._replace(z=notes.sequence.z[:, order]),
    )
