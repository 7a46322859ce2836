"""A teacher that sees a period once: nothing picks an epoch, what comes of the pass is kept."""

from dataclasses import replace

from rich.progress import Progress

from models.data.causal import Replay
from models.examples import Examples
from models.learners import TeacherLearner
from models.manifest import Period
from models.schema import FeatureSchema
from models.teacher import Teacher
from models.training.fit import Recipe, Task, fit
from models.training.placement import HERE


def one_pass(
    teacher: Teacher,
    features: FeatureSchema,
    replay: Replay,
    period: Period,
    seed: int,
    progress: Progress,
    recipe: Recipe,
) -> Teacher:
    """Trains the teacher in place."""
    rng = HERE.seeded(seed)
    learner = TeacherLearner(teacher, len(features.log.tasks))
    requests = replay.requests_in(period)
    task = Task(
        name="teacher, one pass",
        requests=requests,
        impressions=int(replay.sizes(requests).sum()),
        batch=Examples.of(replay, features).batch,
        loss=learner.loss,
        validate=lambda: 0.0,
        compiled=(learner.model,),
    )
    fit(learner, task, replace(recipe, epochs=1), rng, progress)
    return learner.model
