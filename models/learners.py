"""A model with all that it needs to learn and never to serve: losses, position bias, hints."""

import torch
from torch import Tensor, nn

from models.distillation import PositionBias, distillation_loss, label_loss
from models.examples import Batch
from models.features.build import teacher_side
from models.inputs import Inputs
from models.schema import FeatureSchema
from models.student import Student
from models.teacher import Teacher


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
    """Labels; for a taught student also the teacher's logits `teacher_logit` [I, T] of the log.

    A taught student learns every row twice: as the batch's cache has it, and as a miss. Dropping
    hints alone leaves the student that finds nothing worse than one never taught.
    """

    def __init__(
        self,
        model: Student,
        schema: FeatureSchema,
        teacher_logit: Tensor | None = None,
        distillation_weight: float = 2.0,
    ) -> None:
        super().__init__()
        self.model = model
        self.schema = schema
        self.position = PositionBias(len(schema.log.tasks))
        self.teacher_logit = teacher_logit
        self.distillation_weight = distillation_weight

    def loss(self, batch: Batch) -> Tensor:
        if self.teacher_logit is None:
            return self._loss(batch, None)
        target = self.teacher_logit[torch.from_numpy(batch.impression)]
        missed = batch.arrays | teacher_side(self.schema, len(batch.impression), None)
        return self._loss(batch, target) + self._loss(batch._replace(arrays=missed), target)

    def _loss(self, batch: Batch, target: Tensor | None) -> Tensor:
        logit = self.model(Inputs.of(batch.arrays))
        shown = self.position(torch.from_numpy(batch.position))
        fitted = label_loss(logit + shown, torch.from_numpy(batch.labels))
        if target is None:
            return fitted
        return fitted + self.distillation_weight * distillation_loss(logit, target)
