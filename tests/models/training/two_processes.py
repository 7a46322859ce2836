"""Not a test: run by test_launch.py. Trains a teacher in two processes; each tells what it has."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from models.train import Chosen
from models.training.course import Course
from models.training.launch import is_worker, launch, rank_and_ranks
from models.training.parts import Plan, Recipes
from models.training.placement import Placement
from models.training.processes import joined
from tests.models.training.toy_fit import Stopped, stopping_after
from tests.trained import SMALL, run_quietly


def train(placement: Placement, log: Path, out: Path, tell: Path) -> None:
    written, sums = list[str](), list[float]()
    _count_replacements(written)

    def after_epoch(course: Course) -> None:
        weights = course.model.state_dict()
        sums.extend(weight.double().sum().item() for weight in weights.values())

    plan = Plan(
        log=log,
        out=out,
        chosen=Chosen(teacher="interformer"),
        recipes=Recipes(teacher=replace(SMALL, epochs=2)),
        placement=placement,
    )
    space = run_quietly(replace(plan, after_epoch=after_epoch), "teacher").space
    told = {"sums": sums, "space": space, "written": list(written)}
    told["resumed"] = _resumed(replace(plan, out=tell / "again"))
    (tell / f"{placement.rank}.json").write_text(json.dumps(told))


def _resumed(plan: Plan) -> str:
    with suppress(Stopped):
        run_quietly(replace(plan, after_epoch=stopping_after(1)), "teacher")
    return run_quietly(plan, "teacher").space


def _count_replacements(written: list[str]) -> None:
    """Every file of a run folder takes its place by a rename."""
    rename = Path.replace

    def counted(self: Path, target: Path) -> Path:
        written.append(target.name)
        return rename(self, target)

    Path.replace = counted  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    if is_worker():
        placement = Placement(rank=rank_and_ranks()[0], ranks=2)
        with joined(placement):
            train(placement, *map(Path, sys.argv[1:]))
    else:
        os.environ["OMP_NUM_THREADS"] = "1"
        launch((__file__, *sys.argv[1:]), 2)
