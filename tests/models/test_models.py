"""Student and teacher: what they read, what reads what, the user side once."""

import numpy as np
import pytest
import torch

from models.examples import Batch
from models.features.build import group_side
from models.features.grouping import grouped_in_order
from models.inputs import Inputs
from models.learners import TeacherLearner
from models.student import Student, StudentConfig
from models.teacher import Teacher, TeacherConfig
from tests.models.random_inputs import random_arrays, schema_of


def student(teacher_dim: int = 4) -> Student:
    torch.manual_seed(0)
    return Student(StudentConfig(schema=schema_of(teacher_dim=teacher_dim))).eval()


def test_candidates_of_one_batch_answer_as_if_alone() -> None:
    model, schema = student(), schema_of(teacher_dim=4)
    arrays = random_arrays(schema, requests=3, candidates=11)
    together = model(Inputs.of(arrays))
    for request in range(3):
        rows = arrays["request_index"] == request
        alone = {
            spec.name: arrays[spec.name][request : request + 1]
            if "R" in spec.shape
            else arrays[spec.name][rows]
            for spec in schema.inputs()
        }
        alone["request_index"] = np.zeros(rows.sum(), np.int64)
        alone |= group_side(grouped_in_order([int(rows.sum())]))
        torch.testing.assert_close(model(Inputs.of(alone)), together[torch.from_numpy(rows)])


def test_untaught_student_has_no_teacher_inputs() -> None:
    names = [spec.name for spec in schema_of(teacher_dim=0).inputs()]
    assert not [name for name in names if name.startswith("teacher")]
    assert student(teacher_dim=0).hints is None


def test_shortcut_from_the_teacher_starts_silent() -> None:
    hints = student().hints
    assert hints is not None
    assert not hints.past.weight.any()
    assert not hints.tier.weight.any()


@pytest.mark.parametrize("loss", ["label", "reconstruction"])
def test_each_loss_of_the_teacher_reaches_its_own_weights(loss: str) -> None:
    schema = schema_of()
    torch.manual_seed(0)
    learner = TeacherLearner(Teacher(TeacherConfig(schema=schema)), tasks=2)
    arrays = random_arrays(schema, requests=2, candidates=8)
    answered = learner.model(Inputs.of(arrays))
    if loss == "label":
        answered.logit.sum().backward()
    else:
        learner.model.bottleneck.loss(answered.activation, answered.z).backward()
    trained = {name for name, weight in learner.model.named_parameters() if weight.grad is not None}
    of_bottleneck = {name for name in trained if name.startswith("bottleneck")}
    assert of_bottleneck == (trained if loss == "reconstruction" else set())


def test_position_bias_is_outside_the_model_that_is_exported() -> None:
    schema = schema_of()
    learner = TeacherLearner(Teacher(TeacherConfig(schema=schema)), tasks=2)
    arrays = random_arrays(schema, requests=2, candidates=8)
    batch = Batch(arrays, np.ones((8, 2), np.float32), np.arange(8), np.arange(8))
    learner.loss(batch).backward()
    assert learner.position.bias.weight.grad is not None
    assert not [name for name, _ in learner.model.named_parameters() if "position" in name]
