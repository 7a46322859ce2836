"""`understudy train`."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import Progress

from models import checkpoint
from models.calibration import fit as fit_calibration
from models.data.batches import shown
from models.data.causal import Replay
from models.data.log import Log
from models.examples import Examples, HintSource
from models.fit import Recipe
from models.manifest import Calibration
from models.predict import predict
from models.run_folder import RunRecord, save_annotations
from models.student import Student, StudentConfig
from models.students.families import Family as StudentFamily
from models.teacher import Teacher, TeacherConfig
from models.teacher_sizes import Family as TeacherFamily
from models.teacher_sizes import Size
from models.train import (
    STUDENT_RECIPE,
    TEACHER_RECIPE,
    Chosen,
    annotated,
    dropping,
    space_of,
    train_student,
    train_teacher,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipes:
    teacher: Recipe = TEACHER_RECIPE
    student: Recipe = STUDENT_RECIPE


def train(
    log: Annotated[Path, typer.Option(help="A log folder, as `understudy import` writes it.")],
    out: Annotated[Path, typer.Option(help="The run folder to write.")],
    seed: Annotated[int, typer.Option(help="Same seed, same models.")] = 0,
    teacher: Annotated[TeacherFamily, typer.Option(help="Family of the teacher.")] = "kunlun",
    size: Annotated[Size, typer.Option(help="Size of the teacher.")] = "s",
    student: Annotated[StudentFamily, typer.Option(help="Family of the students.")] = "din",
) -> None:
    """Train the teacher, annotate the later log, train the student with it and one without."""
    chosen = Chosen(teacher, size, student)
    with Progress() as progress:
        run_training(log, out, chosen, seed, progress, Recipes())


def run_training(
    log: Path, out: Path, chosen: Chosen, seed: int, progress: Progress, recipes: Recipes
) -> None:
    """Writes the run folder; `run.json` last, so that a folder with it is a finished run."""
    laps = Laps()
    replay = Replay.of(Log.read(log))
    laps.end("replay")
    teacher, teacher_config = train_teacher(replay, chosen, seed, progress, recipes.teacher)
    laps.end("teacher")
    notes = annotated(teacher, teacher_config, replay, seed, progress)
    laps.end("annotate")
    alone, alone_config = train_student(replay, None, chosen, seed, progress, recipes.student)
    laps.end("student_alone")
    student, student_config = train_student(replay, notes, chosen, seed, progress, recipes.student)
    laps.end("student")
    checkpoint.save(out, "teacher", teacher, teacher_config)
    checkpoint.save(out, "alone", alone, alone_config)
    checkpoint.save(out, "student", student, student_config)
    save_annotations(out, notes)
    mixed = dropping(notes, np.random.default_rng(seed))
    calibration = {
        "teacher": _calibrate(replay, teacher, teacher_config, None),
        "alone": _calibrate(replay, alone, alone_config, None),
        "student": _calibrate(replay, student, student_config, mixed),
    }
    laps.end("calibrate")
    RunRecord(
        log=str(log.resolve()),
        seed=seed,
        space=space_of(teacher),
        calibration=calibration,
        seconds=laps.seconds,
    ).write(out)


class Laps:
    """Seconds that each part took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    def end(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self._began, 1)
        self._began = now


def _calibrate(
    replay: Replay,
    model: Student | Teacher,
    config: StudentConfig | TeacherConfig,
    hints: HintSource | None,
) -> dict[str, Calibration]:
    """On the validation window, which ends before the test window begins."""
    requests = replay.requests_in(replay.log.periods.validation)
    logit = predict(model, Examples.of(replay, config.features), requests, hints)
    labels = replay.labels[shown(replay, requests).impression]
    return {
        name: fit_calibration(logit[:, task], labels[:, task])
        for task, name in enumerate(replay.log.schema.tasks)
    }
