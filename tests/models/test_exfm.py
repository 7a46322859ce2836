"""Which loss reaches which weights, by autograd; the losses by hand."""

import math

import pytest
import torch
from torch import Tensor, nn

from models.exfm import (
    DistillationConfig,
    ExternalHeads,
    StudentAdapter,
    label_loss,
    scale_gradient,
    soft_loss,
)

ROWS, HIDDEN, TASKS = 6, 5, 2


class Case:
    """A backbone of one layer, a serving head, and the heads under test."""

    def __init__(self, adapter_weight: float = 0.0, **config: float) -> None:
        torch.manual_seed(0)
        self.backbone, self.serving = nn.Linear(3, HIDDEN), nn.Linear(HIDDEN, TASKS)
        self.heads = ExternalHeads(
            DistillationConfig(adapter_weight=adapter_weight, **config), HIDDEN, TASKS
        )
        self.x, self.teacher = torch.randn(ROWS, 3), torch.randn(ROWS, TASKS)
        self.age_s = torch.rand(ROWS) * 1000
        self.labels = (torch.rand(ROWS, TASKS) > 0.5).float()

    def loss(self) -> Tensor:
        hidden = self.backbone(self.x)
        serving = self.serving(hidden)
        return self.heads.loss(hidden, serving, self.teacher, self.age_s, self.labels)

    def reached(self) -> set[str]:
        """Parts whose weights got a gradient."""
        self.loss().backward()
        parts = {
            "backbone": self.backbone,
            "serving": self.serving,
            "auxiliary": self.heads.auxiliary,
            "adapted": self.heads.adapted,
            "adapter": self.heads.adapter,
        }
        return {
            name
            for name, part in parts.items()
            if any(weight.grad is not None and weight.grad.any() for weight in part.parameters())
        }


def test_auxiliary_head_keeps_the_teacher_out_of_the_serving_head() -> None:
    assert Case(auxiliary_weight=1.0).reached() == {"backbone", "auxiliary"}


def test_plain_distillation_moves_the_serving_head() -> None:
    reached = Case(auxiliary_weight=0.0, serving_weight=1.0).reached()
    assert reached == {"backbone", "serving"}


def test_adapter_learns_of_the_labels_and_its_head_of_the_adapter() -> None:
    reached = Case(auxiliary_weight=0.0, adapter_weight=1.0).reached()
    assert reached == {"backbone", "adapted", "adapter"}


def test_adapter_learns_nothing_of_the_student() -> None:
    gradients = []
    for weight in (1.0, 50.0):
        case = Case(auxiliary_weight=0.0, adapter_weight=weight)
        case.loss().backward()
        gradients.append(case.heads.adapter.second.weight.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


def test_adapter_starts_as_the_identity() -> None:
    logit = torch.randn(4, TASKS)
    torch.testing.assert_close(StudentAdapter(TASKS)(logit, torch.rand(4)), logit)


def test_adapter_hears_how_old_a_word_is() -> None:
    adapter = StudentAdapter(TASKS)
    nn.init.ones_(adapter.second.weight)
    logit = torch.zeros(2, TASKS)
    fresh, old = adapter(logit, torch.tensor([0.0, 86_400.0]))
    assert not torch.equal(fresh, old)


def test_nothing_is_heard_at_weight_zero() -> None:
    assert Case(auxiliary_weight=0.0).loss().item() == 0.0


@pytest.mark.parametrize("scale", [0.0625, 20.0])
def test_gradient_is_scaled_and_the_value_is_not(scale: float) -> None:
    x = torch.randn(3, requires_grad=True)
    scaled = scale_gradient(x, scale)
    torch.testing.assert_close(scaled, x)
    scaled.sum().backward()
    torch.testing.assert_close(x.grad, torch.full((3,), scale))


def test_label_scale_multiplies_the_probability_up_to_one() -> None:
    case = Case(auxiliary_weight=2.0, label_scale=5.0)
    logit = case.heads.auxiliary(case.backbone(case.x)).tolist()
    total = 0.0
    for heard, said in zip(logit, case.teacher.tolist(), strict=True):
        for one, teacher in zip(heard, said, strict=True):
            target = min(5.0 / (1.0 + math.exp(-teacher)), 1.0)
            p = 1.0 / (1.0 + math.exp(-one))
            total -= target * math.log(p) + (1.0 - target) * math.log(1.0 - p)
    assert case.loss().item() == pytest.approx(2.0 * total / (ROWS * TASKS), rel=1e-5)


def test_unknown_label_does_not_count() -> None:
    logit = torch.tensor([[0.3, -1.0], [2.0, 0.5]])
    known = label_loss(logit[:, :1], torch.tensor([[1.0], [0.0]]))
    both = label_loss(logit, torch.tensor([[1.0, -1.0], [0.0, -1.0]]))
    torch.testing.assert_close(known, both)


def test_soft_loss_is_least_at_the_teacher() -> None:
    teacher = torch.tensor([[0.7]])
    at_teacher = soft_loss(teacher, teacher.sigmoid())
    assert at_teacher < soft_loss(teacher + 0.5, teacher.sigmoid())
    assert at_teacher < soft_loss(teacher - 0.5, teacher.sigmoid())
