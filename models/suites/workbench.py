"""One log under one seed: its teacher, the teacher's word, and any student that hears of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from rich.progress import Progress

from models.annotation.annotations import Annotations
from models.caches import Caches
from models.calibration import on_validation
from models.data.causal import Replay
from models.evaluate import Candidate, Evaluation
from models.examples import CacheSource
from models.features.records import F64
from models.schema import LOWER_TIERS, FeatureSchema, Tier
from models.student import Student
from models.suites.shared_models import SharedModels
from models.teacher import Teacher
from models.train import Chosen, annotated, cached, train_student, train_teacher
from models.training.parts import Recipes

LOWER: Final = LOWER_TIERS


@dataclass
class Workbench:
    """Trains a model when it is first asked for, and once."""

    replay: Replay
    seed: int
    recipes: Recipes
    progress: Progress
    chosen: Chosen
    is_quick: bool = False
    models: SharedModels = field(init=False, default_factory=SharedModels)

    @cached_property
    def evaluation(self) -> Evaluation:
        return Evaluation.of(self.replay)

    @property
    def teacher(self) -> Candidate:
        return self._taught()[0]

    @property
    def notes(self) -> Annotations:
        return self._taught()[1]

    def _taught(self) -> tuple[Candidate, Annotations]:
        return self.models.once("teacher", self._teach)

    def _teach(self) -> tuple[Candidate, Annotations]:
        model, config = train_teacher(
            self.replay, self.chosen, self.seed, self.progress, self.recipes.teacher
        )
        notes = annotated(model, config, self.replay, self.seed, self.progress)
        return self.calibrated(model, config.features, None), notes

    def untaught(self, chosen: Chosen | None = None) -> Candidate:
        chosen = chosen or self.chosen
        return self.models.once((chosen, False), lambda: self._trained(chosen, None))

    def student(self, chosen: Chosen) -> Candidate:
        """One that hears of the teacher."""
        notes = self.notes
        return self.models.once((chosen, True), lambda: self._trained(chosen, notes))

    def student_of(self, chosen: Chosen, notes: Annotations) -> Candidate:
        """One that hears of `notes` instead of all that the teacher said; trained anew."""
        return self._trained(chosen, notes)

    def _trained(self, chosen: Chosen, notes: Annotations | None) -> Candidate:
        model, config = train_student(
            self.replay, notes, chosen, self.seed, self.progress, self.recipes.student
        )
        cache = cached(self.replay, notes, chosen, np.random.default_rng(self.seed))
        return self.calibrated(model, config.features, cache)

    def answers(
        self, candidate: Candidate, caches: Mapping[str, CacheSource | None]
    ) -> dict[str, F64]:
        """Probabilities `[n, T]` on the test window, by cache."""
        return self.evaluation.answers(candidate, caches)

    def answer(self, candidate: Candidate, cache: CacheSource | None = None) -> F64:
        return self.answers(candidate, {"": cache})[""]

    def truth(self) -> F64 | None:
        """`[n, T]` known probabilities, of a log that was drawn from them."""
        tasks = range(self.replay.labels.shape[1])
        known = [truth for task in tasks if (truth := self.evaluation.truth(task)) is not None]
        return np.stack(known, axis=1) if len(known) == len(tasks) else None

    def caches(self, chosen: Chosen | None = None) -> Caches:
        """Of all tiers that `chosen` reads."""
        chosen = chosen or self.chosen
        return Caches(self.replay, self.notes, chosen.tiers, chosen.history)

    def held(self, chosen: Chosen | None = None) -> CacheSource:
        """The cache as the replay has it."""
        return self.caches(chosen).held()

    def covered(
        self, share: float, tiers: Collection[Tier] = (), *, has_sequence: bool = False
    ) -> CacheSource:
        """A cache with this share of the pairs, at random, and all that it can have of `tiers`."""
        rng = np.random.default_rng(self.seed)
        return self.caches().holding(share, rng, tiers=tiers, has_sequence=has_sequence)

    def calibrated(
        self, model: Student | Teacher, features: FeatureSchema, cache: CacheSource | None
    ) -> Candidate:
        calibration = on_validation(self.replay, model, features, cache)
        return Candidate(model, features, calibration)
