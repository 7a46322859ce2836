"""A checkpoint that learns on. What comes of it is another checkpoint, and so another space."""

import copy
from dataclasses import replace
from typing import Final

from rich.progress import Progress

from models.data.causal import Replay
from models.manifest import Period
from models.one_pass import one_pass
from models.schema import FeatureSchema
from models.teacher import Teacher
from models.training.fit import Recipe

GENTLER: Final = 3.0
"""What the rate of a first training is divided by: what was learnt is not to be learnt anew."""


def refreshed(
    teacher: Teacher,
    features: FeatureSchema,
    replay: Replay,
    period: Period,
    seed: int,
    progress: Progress,
    recipe: Recipe,
) -> Teacher:
    """A copy after one pass over the period; the one given stays as it was."""
    gentle = replace(recipe, learning_rate=recipe.learning_rate / GENTLER)
    return one_pass(copy.deepcopy(teacher), features, replay, period, seed, progress, gentle)
