"""One step of a teacher's training, over and over: what it costs and how long it takes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from models.data.causal import Replay
from models.examples import Batch, Examples, features_of
from models.features.records import F64
from models.flops import flops_of
from models.learners import TeacherLearner
from models.schema import FeatureSchema
from models.teacher import Teacher, TeacherConfig
from models.train import TEACHER_HISTORY, TEACHER_RECIPE
from models.training.fit import GRADIENT_NORM
from models.training.optimizer import adamw
from models.training.placement import HERE, Placement

WARM_UP: Final = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest requests that a teacher trains on, as one batch."""

    features: FeatureSchema
    batch: Batch

    @classmethod
    def of(cls, replay: Replay, impressions: int) -> "Sample":
        """About so many, of one request at least."""
        period = replay.log.periods.teacher
        features = features_of(replay, TEACHER_HISTORY, 0, period.until_ms)
        requests = replay.requests_in(period)
        shown = int(np.diff(replay.offsets)[requests].sum())
        newest = requests[-max(1, impressions * len(requests) // shown) :]
        return cls(features, Examples.of(replay, features).batch(newest))

    @property
    def candidates(self) -> int:
        return len(self.batch.impression)


class TrainingStep:
    """Forward, backward, clipping and update, as `models.training.fit` has them; the batch is
    there already."""

    def __init__(self, config: TeacherConfig, sample: Sample, placement: Placement = HERE) -> None:
        torch.manual_seed(config.seed)
        self._learner = TeacherLearner(Teacher(config), len(config.features.log.tasks))
        self._sample, self._placement = sample, placement
        self.flops = training_flops(self._learner, sample)
        self._learner.to(placement.torch_device)
        self._optimizer = adamw(
            self._learner,
            learning_rate=TEACHER_RECIPE.learning_rate,
            embedding_decay=TEACHER_RECIPE.embedding_decay,
            weight_decay=TEACHER_RECIPE.weight_decay,
        )

    def seconds(self) -> float:
        self._wait()
        began = time.perf_counter()
        self._take()
        self._wait()
        return time.perf_counter() - began

    def _take(self) -> None:
        with self._placement.learning():
            loss = self._learner.loss(self._sample.batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._learner.parameters(), GRADIENT_NORM)
        self._optimizer.step()

    def _wait(self) -> None:
        if self._placement.device == "cuda":
            torch.cuda.synchronize()


def placement_here() -> Placement:
    """A GPU where there is one, at the precision that it is good at."""
    return Placement(device="cuda", precision="bf16") if torch.cuda.is_available() else HERE


def training_flops(learner: TeacherLearner, sample: Sample) -> int:
    """Forward and backward over the whole sample; leaves no gradient behind."""
    flops = flops_of(lambda: learner.loss(sample.batch).backward())
    learner.zero_grad(set_to_none=True)
    return flops


def interleaved(steps: Mapping[str, TrainingStep], rounds: int) -> dict[str, F64]:
    """Seconds `[rounds]` of each, one step in turn: what slows the machine down slows all."""
    for step in steps.values():
        for _ in range(WARM_UP):
            step.seconds()
    spent = [[step.seconds() for step in steps.values()] for _ in range(rounds)]
    return dict(zip(steps, np.array(spent, np.float64).T, strict=True))
