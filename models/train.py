"""Log → teacher on an earlier window → its word on the later one → students."""

import hashlib
from typing import Final, NamedTuple

import numpy as np
import torch
from rich.progress import Progress

from models.annotation.annotate import annotate
from models.annotation.annotations import Annotations
from models.caches import Caches, Reads
from models.data.batches import shown
from models.data.causal import Replay
from models.data.periods import Days
from models.examples import CacheSource, Examples, features_of
from models.exfm import DistillationConfig, label_loss
from models.features.records import F32, I64
from models.learners import StudentLearner, TeacherLearner
from models.predict import predict
from models.replay.cache import CacheRules
from models.schema import FeatureSchema, Tier
from models.settled_bottleneck import settle
from models.student import SequenceReading, Student, StudentConfig
from models.students.families import FAMILIES as STUDENTS
from models.students.families import Family as StudentFamily
from models.teacher import Teacher, TeacherConfig
from models.teacher_sizes import Family, Size, teacher_config
from models.training.fit import Recipe, Task, fit
from models.training.placement import HERE, Placement
from models.training.trail import Trail

TEACHER_HISTORY: Final = 200
STUDENT_HISTORY: Final = 50
HELD_OUT: Final = 0.1
TEACHER_RECIPE: Final = Recipe(
    epochs=3,
    batch_impressions=640,
    learning_rate=3e-3,
    embedding_decay=100.0,
    most_impressions=500_000,
)
STUDENT_RECIPE: Final = Recipe(
    epochs=5,
    batch_impressions=640,
    learning_rate=3e-3,
    embedding_decay=30.0,
    most_impressions=1_000_000,
)


class Chosen(NamedTuple):
    """Which models a run trains, and how a student listens."""

    teacher: Family = "interformer"
    size: Size = "s"
    student: StudentFamily = "din"
    distillation: DistillationConfig = DistillationConfig()
    reads: Reads = "all"  # a taught student of "nothing" has the teacher for its training alone
    tiers: tuple[Tier, ...] = ()  # below the pair
    sequence: SequenceReading = "matched"
    meets_misses: bool = True  # else it is trained as if every pair were always there
    history: int = STUDENT_HISTORY  # events that a student reads
    days: Days = "student"  # whose labels a student learns; of the teacher's own it hears no word


def train_teacher(
    replay: Replay,
    chosen: Chosen,
    seed: int,
    progress: Progress,
    recipe: Recipe = TEACHER_RECIPE,
    placement: Placement = HERE,
    trail: Trail | None = None,
    *,
    settles: bool = True,
) -> tuple[Teacher, TeacherConfig]:
    """On the teacher's period alone; its last tenth picks the epoch. `settles` False where nobody
    reads its z."""
    rng = placement.seeded(seed)
    period = replay.log.periods.teacher
    features = features_of(replay, TEACHER_HISTORY, 0, period.until_ms)
    config = teacher_config(features, chosen.teacher, chosen.size, seed)
    examples, requests = Examples.of(replay, features), replay.requests_in(period)
    cut = int(len(requests) * (1.0 - HELD_OUT))
    learner = TeacherLearner(Teacher(config), len(features.log.tasks))
    task = Task(
        name="teacher",
        requests=requests[:cut],
        impressions=int(replay.sizes(requests[:cut]).sum()),
        batch=examples.batch,
        loss=learner.loss,
        validate=lambda: _validation(learner.model, examples, requests[cut:], None),
        compiled=(learner.model,),
    )
    recipe = recipe.within(task.impressions)
    fit(learner, task, recipe, rng, progress, placement, trail and trail.of(config))
    if settles:
        with placement.hosting(learner.model):
            settle(learner.model, examples, requests[:cut], seed, progress)
    return learner.model, config


def train_student(
    replay: Replay,
    notes: Annotations | None,
    chosen: Chosen,
    seed: int,
    progress: Progress,
    recipe: Recipe = STUDENT_RECIPE,
    placement: Placement = HERE,
    trail: Trail | None = None,
) -> tuple[Student, StudentConfig]:
    """With the cache of `notes` at random coverage beside distillation; without: never taught."""
    rng = placement.seeded(seed)
    periods = replay.log.periods
    features = _read_by(replay, notes, chosen)
    config = StudentConfig(
        features=features,
        reader=STUDENTS[chosen.student],
        sequence=chosen.sequence,
        seed=seed,
    )
    examples = Examples.of(replay, features)
    taught = notes.pair if notes else None
    learner = StudentLearner(
        Student(config), features, taught, chosen.distillation, learns_misses=chosen.meets_misses
    )
    taught_on, held_out = (
        replay.requests_in(period) for period in (periods.learnt(chosen.days), periods.validation)
    )
    task = Task(
        name="student" if notes else "student alone",
        requests=taught_on,
        impressions=int(replay.sizes(taught_on).sum()),
        batch=lambda rows: examples.batch(rows, cached(replay, notes, chosen, rng)),
        loss=learner.loss,
        validate=lambda: _validation(
            learner.model,
            examples,
            held_out,
            cached(replay, notes, chosen, np.random.default_rng(seed)),
        ),
        compiled=(learner.model.reader,),
        has_idle_weights=True,  # heads of weight 0
    )
    recipe = recipe.within(task.impressions)
    fit(learner, task, recipe, rng, progress, placement, trail and trail.of(config))
    return learner.model, config


def annotated(
    teacher: Teacher, config: TeacherConfig, replay: Replay, seed: int, progress: Progress
) -> Annotations:
    """The student's, the validation and the test window; never the teacher's own."""
    periods = replay.log.periods
    later = periods.student.model_copy(update={"until_ms": periods.until_ms})
    examples = Examples.of(replay, config.features)
    requests = replay.requests_in(later)
    return annotate(teacher, examples, requests, CacheRules(), seed, progress)


def space_of(teacher: Teacher) -> str:
    """The id of the embedding space: the checkpoint, the layer z is taken from, its width."""
    digest = hashlib.sha256(f"first-hidden/{teacher.bottleneck.encode.out_features}".encode())
    for name, weight in sorted(teacher.state_dict().items()):
        digest.update(name.encode() + weight.numpy().tobytes())
    return digest.hexdigest()[:16]


def cached(
    replay: Replay, notes: Annotations | None, chosen: Chosen, rng: np.random.Generator
) -> CacheSource | None:
    """What a student of this kind trains and validates on."""
    if notes is None or chosen.reads == "nothing":
        return None
    length = 0 if chosen.reads == "pairs" else chosen.history
    caches = Caches(replay, notes, chosen.tiers, length)
    if chosen.meets_misses:
        return caches.dropping(rng, has_pairs=chosen.reads != "sequence")
    return caches.holding(1.0, rng, has_sequence=True)


def _read_by(replay: Replay, notes: Annotations | None, chosen: Chosen) -> FeatureSchema:
    dim = notes.pair.z.shape[1] if notes and chosen.reads != "nothing" else 0
    return features_of(
        replay,
        chosen.history,
        dim,
        replay.log.periods.validation_from_ms,
        tiers=chosen.tiers if dim else (),
        reads_sequence=dim > 0 and chosen.reads != "pairs",
    )


def _validation(
    model: Student | Teacher, examples: Examples, requests: I64, cache: CacheSource | None
) -> float:
    logit: F32 = predict(model, examples, requests, cache)
    labels = examples.replay.labels[shown(examples.replay, requests).impression]
    return float(label_loss(torch.from_numpy(logit), torch.from_numpy(labels.astype(np.float32))))
