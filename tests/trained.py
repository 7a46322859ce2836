"""One small run of the real training, shared by the tests that need one."""

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
from tests.made_once import made_once
from tests.settling import soon_settled

SMALL = Recipe(epochs=1, batch_impressions=640, learning_rate=3e-3)
IMPRESSIONS = 12_000
SETTLING_STEPS = 20


def small_log(folder: Path, impressions: int = IMPRESSIONS) -> Path:
    """`folder/log`, made once."""
    log = folder / "log"
    if not log.exists():
        make_log(impressions=impressions, seed=7).write(log)
    return log


def small_run(folder: Path) -> Path:
    """A copy of what `small_run_anew` gives, which is trained once in a test run."""
    made = made_once("small_run", folder, small_run_anew)
    for name in ("log", "run"):
        shutil.copytree(made / name, folder / name)
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
    silent = Progress(disable=True, console=Console(quiet=True))
    with soon_settled(SETTLING_STEPS), silent as progress:
        return run_training(plan, progress, what, anew=anew)
