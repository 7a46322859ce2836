"""One log under one seed: its teacher, the teacher's word, and any student that hears of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rich.progress import Progress

from models.annotate import Annotations
from models.calibration import on_validation
from models.data.causal import Replay
from models.distillation import as_held, at_coverage
from models.evaluate import Candidate, Evaluation
from models.examples import HintSource, taken
from models.features.records import F64, I64, Hints
from models.schema import FeatureSchema
from models.student import Student
from models.teacher import Teacher
from models.train import (
    Chosen,
    annotated,
    cached,
    train_student,
    train_teacher,
)
from models.training.parts import Recipes


@dataclass
class Workbench:
    """Trains the teacher when it is first asked for, and once."""

    replay: Replay
    seed: int
    recipes: Recipes
    progress: Progress
    chosen: Chosen
    is_quick: bool = False

    @cached_property
    def evaluation(self) -> Evaluation:
        return Evaluation.of(self.replay)

    @cached_property
    def _taught(self) -> tuple[Candidate, Annotations]:
        model, config = train_teacher(
            self.replay, self.chosen, self.seed, self.progress, self.recipes.teacher
        )
        notes = annotated(model, config, self.replay, self.seed, self.progress)
        return self._calibrated(model, config.features, None), notes

    @property
    def teacher(self) -> Candidate:
        return self._taught[0]

    @property
    def notes(self) -> Annotations:
        return self._taught[1]

    def untaught(self, chosen: Chosen | None = None) -> Candidate:
        return self._trained(chosen or self.chosen, None)

    def student(self, chosen: Chosen, notes: Annotations | None = None) -> Candidate:
        """One that hears of the teacher, or of `notes` instead of all that it said."""
        return self._trained(chosen, notes or self.notes)

    def _trained(self, chosen: Chosen, notes: Annotations | None) -> Candidate:
        model, config = train_student(
            self.replay, notes, chosen, self.seed, self.progress, self.recipes.student
        )
        cache = notes if config.features.teacher_dim else None
        hints = cached(cache, chosen, np.random.default_rng(self.seed))
        return self._calibrated(model, config.features, hints)

    def answers(
        self, candidate: Candidate, caches: Mapping[str, HintSource | None]
    ) -> dict[str, F64]:
        """Probabilities `[n, T]` on the test window, by cache."""
        return self.evaluation.answers(candidate, caches)

    def answer(self, candidate: Candidate, cache: HintSource | None = None) -> F64:
        return self.answers(candidate, {"": cache})[""]

    def held(self) -> HintSource:
        """The cache as the replay has it."""

        def hints(rows: I64) -> Hints:
            pair, aggregate = self._rows(rows)
            return as_held(pair, aggregate, self.notes.held[rows])

        return hints

    def covered(self, share: float, *, has_users: bool = False) -> HintSource:
        """A cache with this share of the pairs, at random, and every user's mean or none."""
        rng = np.random.default_rng(self.seed)

        def hints(rows: I64) -> Hints:
            return at_coverage(*self._rows(rows), share, has_users, rng)

        return hints

    def _rows(self, rows: I64) -> tuple[Hints, Hints]:
        return taken(self.notes.pair, rows), taken(self.notes.aggregate, rows)

    def _calibrated(
        self, model: Student | Teacher, features: FeatureSchema, hints: HintSource | None
    ) -> Candidate:
        calibration = on_validation(self.replay, model, features, hints)
        return Candidate(model, features, calibration)
