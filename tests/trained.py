"""One small run of the real training, shared by the tests that need one."""

import fcntl
import os
import shutil
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from models.data.adworld.world import make_log
from models.run_folder import RunRecord
from models.train import Chosen
from models.training.fit import Recipe
from models.training.parts import Plan, Recipes
from models.training.run import What, run_training

SMALL = Recipe(epochs=1, batch_impressions=640, learning_rate=3e-3)
IMPRESSIONS = 12_000


def small_log(folder: Path, impressions: int = IMPRESSIONS) -> Path:
    """`folder/log`, made once."""
    log = folder / "log"
    if not log.exists():
        make_log(impressions=impressions, seed=7).write(log)
    return log


def small_run(folder: Path) -> Path:
    """A copy of what `small_run_anew` gives, which the processes of a test run train once."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return small_run_anew(folder)
    shared = folder.parent.parent / "small_run"  # beside the folders of all processes
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "is_trained").exists():
            small_run_anew(shared)
            (shared / "is_trained").touch()
    for name in ("log", "run"):
        shutil.copytree(shared / name, folder / name)
    return folder / "run"


def small_run_anew(folder: Path, seed: int = 0) -> Path:
    """`folder/run` trained on `folder/log`: seconds, not minutes; quality is not the point."""
    plan = Plan(
        log=small_log(folder),
        out=folder / "run",
        chosen=Chosen(teacher="interformer"),
        seed=seed,
        recipes=Recipes(teacher=SMALL, student=SMALL),
    )
    run_quietly(plan)
    return plan.out


def run_quietly(plan: Plan, what: What = "all", *, anew: bool = False) -> RunRecord:
    with Progress(disable=True, console=Console(quiet=True)) as progress:
        return run_training(plan, progress, what, anew=anew)
