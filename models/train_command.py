"""`understudy train`."""

import sys

from rich.console import Console
from rich.progress import Progress

from models.train import STUDENT_RECIPE, TEACHER_RECIPE
from models.training import options
from models.training.launch import is_worker, launch, rank_and_ranks
from models.training.parts import Plan, Recipes
from models.training.placement import Device, Placement, Precision
from models.training.run import What, run_training


def train(
    out: options.OutOption,
    what: options.WhatArgument = "all",
    log: options.LogOption = None,
    seed: options.SeedOption = None,
    epochs: options.EpochsOption = None,
    patience: options.PatienceOption = None,
    family: options.FamilyOption = None,
    teacher: options.TeacherOption = None,
    size: options.SizeOption = None,
    student: options.StudentOption = None,
    distillation: options.DistillationOption = None,
    reads: options.ReadsOption = None,
    tier: options.TierOption = None,
    days: options.DaysOption = None,
    annotations: options.AnnotationsOption = None,
    precision: options.PrecisionOption = "fp32",
    compiled: options.CompileOption = False,
    device: options.DeviceOption = "cpu",
    devices: options.DevicesOption = 1,
    anew: options.AnewOption = False,
) -> None:
    """Train the teacher, annotate the later log, train the student with it and one without.

    An interrupted run goes on with the same command.
    """
    chosen = options.chosen_of(
        what, family=family, teacher=teacher, size=size, student=student,
        distillation=distillation, reads=reads, tiers=tier, days=days,
    )  # fmt: skip
    source, seed = options.log_and_seed(what, out, log, seed, annotations)
    placement = _placement(device, precision, compiled, devices)
    if placement.ranks > 1 and not is_worker():
        launch(("-m", "understudy", *sys.argv[1:]), placement.ranks)
        return
    plan = Plan(
        log=source,
        out=out,
        chosen=chosen,
        seed=seed,
        recipes=_recipes(epochs, patience),
        placement=placement,
        annotations=annotations,
    )
    _run(plan, what, anew)


def _placement(device: Device, precision: Precision, compiled: bool, devices: int) -> Placement:
    rank, ranks = rank_and_ranks() if is_worker() else (0, devices)
    return Placement(
        device=device, precision=precision, compiled=compiled, rank=rank, ranks=ranks
    ).checked()


def _recipes(epochs: int | None, patience: int | None) -> Recipes:
    return Recipes(
        teacher=options.recipe_of(TEACHER_RECIPE, epochs, patience),
        student=options.recipe_of(STUDENT_RECIPE, epochs, patience),
    )


def _run(plan: Plan, what: What, anew: bool) -> None:
    with Progress(console=Console(quiet=not plan.placement.writes)) as progress:
        try:
            run_training(plan, progress, what, anew=anew)
        except KeyboardInterrupt:
            progress.console.print("stopped: the same command without --anew goes on from here")
            raise
