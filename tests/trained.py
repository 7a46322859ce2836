"""One small run of the real training, shared by the tests that need one."""

from pathlib import Path

from rich.progress import Progress

from models import train_command
from models.data.adworld.world import make_log
from models.fit import Recipe
from models.train import Chosen

SMALL = Recipe(epochs=1, batch_impressions=640, learning_rate=3e-3)
IMPRESSIONS = 12_000


def small_run(folder: Path, seed: int = 0) -> Path:
    """`folder/run` trained on `folder/log`: seconds, not minutes; quality is not the point."""
    log = folder / "log"
    if not log.exists():
        make_log(impressions=IMPRESSIONS, seed=7).write(log)
    with Progress(disable=True) as progress:
        recipes = train_command.Recipes(teacher=SMALL, student=SMALL)
        train_command.run_training(
            log, folder / "run", Chosen(teacher="interformer"), seed, progress, recipes
        )
    return folder / "run"
