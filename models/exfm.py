"""ExFM's training heads (arXiv 2502.17494): beside a student while it learns, never in its graph.

The serving head hears the labels alone. The auxiliary head hears the teacher alone, so that the
teacher's bias stays out of what is served; the layers under both learn from both. The adapter
makes a stale teacher's word fit fresh labels before a third head hears it.

N candidates, H width of what heads read, T tasks.
"""

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as fn

from models.schema import Frozen


class DistillationConfig(Frozen):
    """`weight` 0 of a head leaves it out; scaled as the paper's loss weight, gradient scaling and
    label scaling."""

    serving_weight: float = Field(default=0.0, ge=0)  # plain distillation, in the serving head
    auxiliary_weight: float = Field(default=1.0, ge=0)
    gradient_scale: float = Field(default=1.0, gt=0)
    label_scale: float = Field(default=1.0, gt=0)
    adapter_weight: float = Field(default=1.0, ge=0)


class ExternalHeads(nn.Module):
    """All that a taught student learns from the teacher's logits."""

    def __init__(self, config: DistillationConfig, hidden: int, tasks: int) -> None:
        super().__init__()
        self.config = config
        self.auxiliary = nn.Linear(hidden, tasks)
        self.adapted = nn.Linear(hidden, tasks)
        self.adapter = StudentAdapter(tasks)

    def loss(
        self, hidden: Tensor, serving: Tensor, teacher: Tensor, age_s: Tensor, labels: Tensor
    ) -> Tensor:
        """`hidden` `[N, H]`, `serving` and `teacher` logits `[N, T]`, `age_s` `[N]` of the
        teacher's, `labels` `[N, T]` with −1 for unknown."""
        config, total = self.config, serving.new_zeros(())
        said = (config.label_scale * teacher.sigmoid()).clamp(max=1.0)
        if config.serving_weight:
            total = total + config.serving_weight * soft_loss(serving, teacher.sigmoid())
        if config.auxiliary_weight:
            heard = self.auxiliary(scale_gradient(hidden, config.gradient_scale))
            total = total + config.auxiliary_weight * soft_loss(heard, said)
        if config.adapter_weight:
            adapted = self.adapter(teacher, age_s)
            heard = self.adapted(scale_gradient(hidden, config.gradient_scale))
            fresh = soft_loss(heard, adapted.detach().sigmoid())
            total = total + label_loss(adapted, labels) + config.adapter_weight * fresh
        return total


class StudentAdapter(nn.Module):
    """p_teacher and its age → a probability that fits the labels of today.

    Eq. 6–7 with the age as a second input: how far a word is to be trusted goes by when it was
    said. Starts as the identity.
    """

    def __init__(self, tasks: int, width: int = 8) -> None:
        super().__init__()
        self.first = nn.Linear(tasks + 1, width)
        self.second = nn.Linear(width, tasks)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, logit: Tensor, age_s: Tensor) -> Tensor:
        """Logits `[N, T]`; nothing of the teacher learns from them."""
        log_age = torch.log1p(age_s.clamp(min=0.0)).unsqueeze(-1) / 10.0
        said = torch.cat([logit.detach(), log_age], dim=-1)
        corrected: Tensor = self.second(torch.tanh(self.first(said)))
        return logit.detach() + corrected


def scale_gradient(x: Tensor, scale: float) -> Tensor:
    """x forward, `scale` times the gradient backward."""
    return x if scale == 1.0 else x * scale + x.detach() * (1.0 - scale)


def label_loss(logit: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy over `[N, T]`; a label of −1 is unknown and does not count."""
    known = (labels >= 0).float()
    losses = fn.binary_cross_entropy_with_logits(logit, labels.clamp(min=0.0), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1.0)


def soft_loss(logit: Tensor, probability: Tensor) -> Tensor:
    """BCE against a probability (Hinton et al., 1503.02531, for one binary output)."""
    return fn.binary_cross_entropy_with_logits(logit, probability)
