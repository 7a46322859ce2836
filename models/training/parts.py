"""How each part of a run is made; all that it is made of is in the run folder already."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from rich.progress import Progress

from models import checkpoint
from models.annotation.annotations import load_annotations, save_annotations
from models.calibration import on_validation
from models.data.causal import Replay
from models.examples import CacheSource
from models.manifest import Calibration
from models.run_folder import Part
from models.student import Student, StudentConfig
from models.teacher import Teacher, TeacherConfig
from models.train import (
    STUDENT_RECIPE,
    TEACHER_RECIPE,
    Chosen,
    annotated,
    cached,
    space_of,
    train_student,
    train_teacher,
)
from models.training.course import Course
from models.training.fit import Recipe
from models.training.placement import HERE, Placement
from models.training.trail import Trail

DEFAULT: Final = Chosen()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipes:
    teacher: Recipe = TEACHER_RECIPE
    student: Recipe = STUDENT_RECIPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one `understudy train` was told."""

    log: Path
    out: Path
    chosen: Chosen = DEFAULT
    seed: int = 0
    recipes: Recipes = Recipes()
    placement: Placement = HERE
    annotations: Path | None = None  # of a joint annotation; None: the run's teacher annotates
    after_epoch: Callable[[Course], None] | None = None


@dataclass(frozen=True, slots=True)
class Making:
    plan: Plan
    replay: Replay
    progress: Progress
    trail: Trail


class Made(NamedTuple):
    """For the run's record, which the first process writes: only it knows a calibration."""

    space: str | None = None
    calibration: dict[str, Calibration] | None = None  # by task


def make_teacher(making: Making) -> Made:
    plan = making.plan
    model, config = train_teacher(
        making.replay,
        plan.chosen,
        plan.seed,
        making.progress,
        plan.recipes.teacher,
        plan.placement,
        making.trail,
    )
    return _kept(making, model, config, None)._replace(space=space_of(model))


def make_annotations(making: Making) -> Made:
    plan = making.plan
    if plan.placement.writes and plan.annotations is not None:
        save_annotations(plan.out, load_annotations(plan.annotations))
    elif plan.placement.writes:
        teacher, config = checkpoint.load_teacher(plan.out, "teacher")
        with plan.placement.hosting(teacher):
            notes = annotated(teacher, config, making.replay, plan.seed, making.progress)
        save_annotations(plan.out, notes)
    return Made()


def make_alone(making: Making) -> Made:
    return _student(making, taught=False)


def make_student(making: Making) -> Made:
    return _student(making, taught=True)


MAKERS: Final[dict[Part, Callable[[Making], Made]]] = {
    "teacher": make_teacher,
    "annotations": make_annotations,
    "alone": make_alone,
    "student": make_student,
}


def _student(making: Making, taught: bool) -> Made:
    plan = making.plan
    notes = load_annotations(plan.out) if taught else None
    model, config = train_student(
        making.replay,
        notes,
        plan.chosen,
        plan.seed,
        making.progress,
        plan.recipes.student,
        plan.placement,
        making.trail,
    )
    cache = cached(making.replay, notes, plan.chosen, np.random.default_rng(plan.seed))
    return _kept(making, model, config, cache)


def _kept(
    making: Making,
    model: Student | Teacher,
    config: StudentConfig | TeacherConfig,
    cache: CacheSource | None,
) -> Made:
    if not making.plan.placement.writes:
        return Made()
    name = making.trail.name
    with making.plan.placement.hosting(model):
        calibration = on_validation(making.replay, model, config.features, cache)
    checkpoint.save(making.plan.out, name, model, config)
    return Made(calibration=calibration)
