"""A model with all that it needs to learn and never to serve: losses, position bias, hints."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models.distillation import PositionBias
from models.examples import Batch
from models.exfm import DistillationConfig, ExternalHeads, label_loss
from models.features.cached import cache_side
from models.features.records import Hints
from models.inputs import Inputs
from models.schema import TIERS, FeatureSchema
from models.student import Student
from models.students.sides import Sides
from models.teacher import Teacher

NONE: Final = TIERS.index("none")


class TeacherLearner(nn.Module):
    """Labels for the logits; reconstruction for z, whose gradient ends at the activation."""

    def __init__(self, model: Teacher, tasks: int) -> None:
        super().__init__()
        self.model = model
        self.position = PositionBias(tasks)

    def loss(self, batch: Batch) -> Tensor:
        answered = self.model(Inputs.of(batch.arrays))
        shown = self.position(torch.from_numpy(batch.position))
        fitted = label_loss(answered.logit + shown, torch.from_numpy(batch.labels))
        return fitted + self.model.bottleneck.loss(answered.activation, answered.z)


class StudentLearner(nn.Module):
    """Labels; for a taught student also the teacher's word `taught` on the log's impressions.

    What the teacher was trained on it says nothing of: such rows have their labels alone. A taught
    student learns every row twice: as the batch's cache has it, and as a miss. Dropping
    hints alone leaves the student that finds nothing worse than one never taught.
    """

    def __init__(
        self,
        model: Student,
        features: FeatureSchema,
        taught: Hints | None = None,
        distillation: DistillationConfig | None = None,
        learns_misses: bool = True,
    ) -> None:
        super().__init__()
        tasks = len(features.log.tasks)
        self.model = model
        self.features = features
        self.position = PositionBias(tasks)
        self.taught = taught
        self.learns_misses = learns_misses and features.teacher_dim > 0
        self.heads = ExternalHeads(
            distillation or DistillationConfig(), model.head.in_features, tasks
        )

    def loss(self, batch: Batch) -> Tensor:
        sides = self.model.read(Inputs.of(batch.arrays))
        if self.taught is None or not self.learns_misses:
            return self._loss(batch, sides)
        nothing = cache_side(self.features, len(batch.requests), len(batch.impression), None)
        missed = batch.arrays | nothing
        return self._loss(batch, sides) + self._loss(batch._replace(arrays=missed), sides)

    def _loss(self, batch: Batch, sides: Sides) -> Tensor:
        represented = self.model.represent(Inputs.of(batch.arrays), sides)
        logit, labels = self.model.answer(represented), torch.from_numpy(batch.labels)
        shown = self.position(torch.from_numpy(batch.position))
        fitted = label_loss(logit + shown, labels)
        if self.taught is None:
            return fitted
        return fitted + self._heard(self.taught, batch, represented.hidden, logit)

    def _heard(self, taught: Hints, batch: Batch, hidden: Tensor, logit: Tensor) -> Tensor:
        """Of the rows that the teacher spoke of."""
        rows = np.flatnonzero(taught.tier[batch.impression] > NONE)
        if not len(rows):
            return logit.new_zeros(())
        of, at = batch.impression[rows], torch.from_numpy(rows)
        return self.heads.loss(
            hidden[at],
            logit[at],
            torch.from_numpy(taught.logit[of]),
            torch.from_numpy(taught.age_s[of]),
            torch.from_numpy(batch.labels[rows]),
        )
