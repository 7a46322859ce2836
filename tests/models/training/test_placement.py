"""Devices and precision, as far as a machine without a GPU can tell."""

import numpy as np
import pytest
import torch

from models.examples import Batch
from models.features.records import Hints
from models.learners import StudentLearner, TeacherLearner
from models.schema import TIERS, FeatureSchema
from models.student import Student, StudentConfig
from models.students.families import FAMILIES as STUDENTS
from models.students.families import Family as StudentFamily
from models.teacher import Teacher
from models.teacher_sizes import FAMILIES as TEACHERS
from models.teacher_sizes import Family as TeacherFamily
from models.teacher_sizes import teacher_config
from models.training.errors import PlacementRefused
from models.training.following import Following
from models.training.placement import Placement
from tests.models.random_inputs import random_arrays, schema_of

CANDIDATES = 24
META = torch.device("meta")
HIGH, LOW = Placement(), Placement(precision="bf16")


def a_teacher(family: TeacherFamily) -> tuple[TeacherLearner, Batch]:
    torch.manual_seed(0)
    features = schema_of(history_length=20)
    model = Teacher(teacher_config(features, family, "s", seed=0)).eval()
    return TeacherLearner(model, tasks=2).eval(), a_batch(features)


def a_student(family: StudentFamily) -> tuple[StudentLearner, Batch]:
    torch.manual_seed(0)
    features = schema_of(history_length=20, teacher_dim=4)
    model = Student(StudentConfig(features=features, reader=STUDENTS[family]))
    return StudentLearner(model, features, hints()).eval(), a_batch(features)


def a_batch(features: FeatureSchema) -> Batch:
    labels = (np.random.default_rng(0).random((CANDIDATES, 2)) > 0.5).astype(np.float32)
    rows = np.arange(CANDIDATES)
    return Batch(random_arrays(features, 3, CANDIDATES), labels, rows, rows, np.arange(3))


def hints() -> Hints:
    rng = np.random.default_rng(1)
    z, logit = (rng.normal(size=(CANDIDATES, width)).astype(np.float32) for width in (4, 2))
    return Hints(
        z, logit, np.full(CANDIDATES, TIERS.index("pair")), np.ones(CANDIDATES, np.float32)
    )


def loss_of(learner: TeacherLearner | StudentLearner, batch: Batch, where: Placement) -> float:
    """After a step back through it."""
    with where.learning():
        loss = learner.loss(batch)
    assert loss.dtype == torch.float32
    loss.backward()
    gradients = [weight.grad for weight in learner.parameters() if weight.grad is not None]
    assert gradients
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
    return loss.item()


def assert_learns_in_bf16(learner: TeacherLearner | StudentLearner, batch: Batch) -> None:
    high, low = (loss_of(learner, batch, where) for where in (HIGH, LOW))
    assert low == pytest.approx(high, rel=0.02)
    assert low != high


def assert_follows(learner: TeacherLearner | StudentLearner, batch: Batch) -> None:
    learner.to(META)
    with Following(META):
        assert learner.loss(batch).device == META


@pytest.mark.parametrize("family", TEACHERS)
def test_teacher_learns_in_bf16_about_what_it_learns_in_fp32(family: TeacherFamily) -> None:
    assert_learns_in_bf16(*a_teacher(family))


@pytest.mark.parametrize("family", STUDENTS)
def test_student_learns_in_bf16_about_what_it_learns_in_fp32(family: StudentFamily) -> None:
    assert_learns_in_bf16(*a_student(family))


@pytest.mark.parametrize("family", TEACHERS)
def test_batch_follows_a_teacher_to_its_device(family: TeacherFamily) -> None:
    assert_follows(*a_teacher(family))


@pytest.mark.parametrize("family", STUDENTS)
def test_batch_and_word_of_the_teacher_follow_a_student(family: StudentFamily) -> None:
    assert_follows(*a_student(family))


def test_answers_come_back_as_numpy() -> None:
    with Following(torch.device("cpu")):
        assert (torch.from_numpy(np.arange(3)) + 1).numpy().tolist() == [1, 2, 3]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_gpu_that_is_not_there_is_refused_with_the_remedy() -> None:
    with pytest.raises(PlacementRefused, match=r"--device cuda: .* give --device cpu"):
        Placement(device="cuda").checked()


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(PlacementRefused, match="--devices 4: 2 GPUs are here"):
        Placement(device="cuda", ranks=4).checked()


def test_gpu_without_bf16_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    with pytest.raises(PlacementRefused, match="give --precision fp32"):
        Placement(device="cuda", precision="bf16").checked()


def test_each_process_draws_for_itself_and_starts_from_the_same_weights() -> None:
    drawn, weights = list[float](), list[float]()
    for rank in (0, 1):
        drawn.append(Placement(rank=rank, ranks=2).seeded(7).random())
        weights.append(torch.rand(1).item())
    assert drawn[0] == np.random.default_rng(7).random() != drawn[1]
    assert weights[0] == weights[1]
