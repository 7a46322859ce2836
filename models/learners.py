"""A model with all that it needs to learn and never to serve: losses, position bias, hints."""

import torch
from torch import Tensor, nn

from models.distillation import PositionBias, distillation_loss, label_loss
from models.examples import Batch
from models.inputs import Inputs
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
    """Labels, and the teacher's logits where `teacher_logit` [I, T] of the log is given."""

    def __init__(
        self,
        model: Student,
        tasks: int,
        teacher_logit: Tensor | None = None,
        distillation_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.model = model
        self.position = PositionBias(tasks)
        self.teacher_logit = teacher_logit
        self.distillation_weight = distillation_weight

    def loss(self, batch: Batch) -> Tensor:
        logit = self.model(Inputs.of(batch.arrays))
        shown = self.position(torch.from_numpy(batch.position))
        fitted = label_loss(logit + shown, torch.from_numpy(batch.labels))
        if self.teacher_logit is None:
            return fitted
        target = self.teacher_logit[torch.from_numpy(batch.impression)]
        return fitted + self.distillation_weight * distillation_loss(logit, target)
