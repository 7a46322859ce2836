"""Every suite by name, and what runs one."""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, get_args

from rich.progress import Progress

from models.data.causal import Replay
from models.data.log import Log
from models.suites.ablations import ablations
from models.suites.baselines import baselines
from models.suites.coverage import coverage
from models.suites.ladder import ladder
from models.suites.scaling import scaling
from models.suites.space import space
from models.suites.table import Table
from models.suites.tiers import tiers
from models.suites.workbench import Workbench
from models.train import Chosen
from models.training.fit import Recipe
from models.training.parts import Recipes

Suite = Literal["ladder", "coverage", "tiers", "space", "scaling", "baselines", "ablations"]
SUITES: Final[dict[Suite, Callable[[Sequence[Workbench]], list[Table]]]] = {
    "ladder": ladder,
    "coverage": coverage,
    "tiers": tiers,
    "space": space,
    "scaling": scaling,
    "baselines": baselines,
    "ablations": ablations,
}
assert set(SUITES) == set(get_args(Suite))
QUICK: Final = Recipe(epochs=2, batch_impressions=320, learning_rate=3e-3, embedding_decay=30.0)


class Setting(NamedTuple):
    seeds: Sequence[int] = (0, 1, 2)
    quick: bool = False  # fewer epochs: the direction of a result, not its size
    users: float = 1.0  # share of the log's that are looked at
    chosen: Chosen = Chosen()


def workbenches(log: Log, setting: Setting, progress: Progress) -> list[Workbench]:
    """One a seed. Suites that share them share the models that several of them train; each model is
    what it would be in a suite of its own."""
    replay = Replay.of(log)
    recipes = Recipes(teacher=QUICK, student=QUICK) if setting.quick else Recipes()
    return [
        Workbench(replay, seed, recipes, progress, setting.chosen, setting.quick)
        for seed in setting.seeds
    ]
