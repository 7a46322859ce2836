"""The options of `understudy train`, and what they ask for."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from pydantic import ValidationError

from models.annotation.record import Given
from models.caches import Reads
from models.data.periods import Days
from models.exfm import DistillationConfig
from models.run_folder import RunRecord
from models.schema import LOWER_TIERS, Tier
from models.students.families import FAMILIES as STUDENTS
from models.students.families import Family as StudentFamily
from models.teacher_sizes import FAMILIES as TEACHERS
from models.teacher_sizes import Family as TeacherFamily
from models.teacher_sizes import Size
from models.train import Chosen
from models.training.fit import Recipe
from models.training.placement import Device, Precision
from models.training.run import What

FIELDS: Final = ", ".join(DistillationConfig.model_fields)
DEFAULT: Final = Chosen()

WhatArgument = Annotated[
    What, typer.Argument(help="The teacher, the students (with the teacher in the run), or all.")
]
LogOption = Annotated[
    Path | None, typer.Option(help="A log folder, as `understudy import` writes it.")
]
OutOption = Annotated[Path, typer.Option(help="The run folder to write, or to go on with.")]
SeedOption = Annotated[int | None, typer.Option(help="Same seed, same models.", show_default="0")]
EpochsOption = Annotated[int | None, typer.Option(help="Most epochs of a model.", min=1)]
PatienceOption = Annotated[
    int | None, typer.Option(help="Epochs without a better validation value, then it ends.", min=1)
]
FamilyOption = Annotated[str | None, typer.Option(help="Of the teacher or the student named.")]
TeacherOption = Annotated[
    TeacherFamily | None, typer.Option(help="Family of the teacher.", show_default=DEFAULT.teacher)
]
SizeOption = Annotated[
    Size | None, typer.Option(help="Size of the teacher.", show_default=DEFAULT.size)
]
StudentOption = Annotated[
    StudentFamily | None,
    typer.Option(help="Family of the students.", show_default=DEFAULT.student),
]
DistillationOption = Annotated[
    list[str] | None,
    typer.Option(metavar="FIELD=VALUE", help=f"How the student listens; fields: {FIELDS}."),
]
AnnotationsOption = Annotated[
    Path | None,
    typer.Option(help="A log's folder of `understudy annotate`, in place of the run's teacher."),
]
ReadsOption = Annotated[
    Reads | None,
    typer.Option(
        help="What the student reads of the teacher when it answers.", show_default=DEFAULT.reads
    ),
]
TierOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="|".join(LOWER_TIERS),
        help="A tier below the pair that the student reads, as often as needed.",
        show_default="none",
    ),
]
DaysOption = Annotated[
    Days | None,
    typer.Option(
        help="Whose labels the students learn: their own days', or the teacher's before them too.",
        show_default=DEFAULT.days,
    ),
]
PrecisionOption = Annotated[
    Precision, typer.Option(help="bf16: autocast; weights and validation stay fp32.")
]
CompileOption = Annotated[bool, typer.Option("--compile", help="torch.compile: for long fits.")]
DeviceOption = Annotated[Device, typer.Option(help="Where the models run.")]
DevicesOption = Annotated[
    int, typer.Option(help="Processes that share every batch, on a GPU each with cuda.", min=1)
]
AnewOption = Annotated[
    bool, typer.Option("--anew", help="Begin again, whatever the run folder holds.")
]
F = TypeVar("F", bound=str)


def chosen_of(
    what: What,
    *,
    family: str | None,
    teacher: TeacherFamily | None,
    size: Size | None,
    student: StudentFamily | None,
    distillation: list[str] | None,
    reads: Reads | None = None,
    tiers: list[str] | None = None,
    days: Days | None = None,
) -> Chosen:
    """Raises typer.BadParameter, also for an option that this training has no use for."""
    if what == "all":
        _refuse(what, family=family)
    elif what == "teacher":
        _refuse(
            what,
            student=student,
            distillation=distillation or None,
            reads=reads,
            tier=tiers or None,
            days=days,
        )
        teacher = teacher if family is None else _named(family, "teacher", TEACHERS)
    else:
        _refuse(what, teacher=teacher, size=size)
        student = student if family is None else _named(family, "student", tuple(STUDENTS))
    return Chosen(
        teacher or DEFAULT.teacher,
        size or DEFAULT.size,
        student or DEFAULT.student,
        distillation_of(distillation or []),
        reads or DEFAULT.reads,
        _tiers(tiers or []),
        days=days or DEFAULT.days,
    )


def distillation_of(pairs: list[str]) -> DistillationConfig:
    fields = dict(pair.partition("=")[::2] for pair in pairs)
    try:
        return DistillationConfig.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise typer.BadParameter(
            f"--distillation {field}={first['input']}: {first['msg']}; give FIELD=VALUE, "
            f"with a number for one of {FIELDS}"
        ) from error


def recipe_of(recipe: Recipe, epochs: int | None, patience: int | None) -> Recipe:
    return replace(
        recipe,
        epochs=recipe.epochs if epochs is None else epochs,
        patience=recipe.patience if patience is None else patience,
    )


def log_and_seed(
    what: What, out: Path, log: Path | None, seed: int | None, annotations: Path | None = None
) -> tuple[Path, int]:
    """Students are trained on their teacher's log, or on the one whose annotations they are given,
    and by default with the teacher's seed."""
    if annotations is not None and what != "student":
        _refuse(what, annotations=annotations)
    if annotations is not None:
        given = Given.read(annotations)
        return log or Path(given.log.folder), given.teacher().seed if seed is None else seed
    if what == "student":
        record = RunRecord.read(out, needed=("teacher",))
        return log or Path(record.log), record.seed if seed is None else seed
    if log is None:
        raise typer.BadParameter("--log: give the log folder to train on")
    return log, seed or 0


def _refuse(what: What, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise typer.BadParameter(
                f"--{name} {value}: `understudy train {what}` has no use for it; leave it out"
            )


def _tiers(names: list[str]) -> tuple[Tier, ...]:
    """In the order of the tiers, whatever order they were given in."""
    for name in names:
        if name not in LOWER_TIERS:
            raise typer.BadParameter(f"--tier {name}: give one of {', '.join(LOWER_TIERS)}")
    return tuple(tier for tier in LOWER_TIERS if tier in names)


def _named(family: str, kind: str, families: tuple[F, ...]) -> F:
    for name in families:
        if name == family:
            return name
    raise typer.BadParameter(
        f"--family {family}: no family of {kind}s; give one of {', '.join(families)}"
    )
