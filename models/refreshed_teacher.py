"""A checkpoint that learns on. What comes of it is another checkpoint, and so another space."""

import copy
from dataclasses import replace
from typing import Final

from rich.progress import Progress

from models.data.causal import Replay
from models.examples import Examples
from models.learners import TeacherLearner
from models.manifest import Period
from models.schema import FeatureSchema
from models.teacher import Teacher
from models.training.fit import Recipe, Task, fit
from models.training.placement import HERE

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
    rng = HERE.seeded(seed)
    learner = TeacherLearner(copy.deepcopy(teacher), len(features.log.tasks))
    requests = replay.requests_in(period)
    task = Task(
        name="refreshed teacher",
        requests=requests,
        impressions=int(replay.sizes(requests).sum()),
        batch=Examples.of(replay, features).batch,
        loss=learner.loss,
        validate=lambda: 0.0,  # one epoch, kept whatever it is worth
        compiled=(learner.model,),
    )
    once = replace(recipe, epochs=1, learning_rate=recipe.learning_rate / GENTLER)
    fit(learner, task, once, rng, progress)
    return learner.model
