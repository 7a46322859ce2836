"""Student and teacher: what they read, what reads what, the user side once."""

from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest
import torch

from models.examples import Batch
from models.features.build import group_side
from models.features.grouping import grouped_in_order
from models.features.records import Arrays
from models.inputs import Inputs
from models.learners import TeacherLearner
from models.schema import FeatureSchema
from models.student import SequenceReading, Student, StudentConfig
from models.students.families import FAMILIES, Family
from models.teacher import Teacher, TeacherConfig
from models.teacher_sizes import FAMILIES as TEACHERS
from models.teacher_sizes import Family as TeacherFamily
from models.teacher_sizes import teacher_config
from tests.models.random_inputs import random_arrays, schema_of


def student(
    features: FeatureSchema | None = None,
    family: Family = "din",
    sequence: SequenceReading = "matched",
) -> Student:
    torch.manual_seed(0)
    features = features or schema_of(teacher_dim=4)
    config = StudentConfig(features=features, reader=FAMILIES[family], sequence=sequence)
    return Student(config).eval()


READERS = {
    "nothing of a teacher": schema_of(),
    "pairs": schema_of(teacher_dim=4),
    "all": schema_of(teacher_dim=4, reads_sequence=True),
}


def small_teacher(features: FeatureSchema, family: TeacherFamily = "kunlun") -> TeacherConfig:
    return teacher_config(features, family, "s", seed=0)


def one_by_one(arrays: Arrays, features: FeatureSchema, requests: int) -> Iterator[Arrays]:
    for request in range(requests):
        rows = arrays["request_index"] == request
        alone = {
            spec.name: arrays[spec.name][request : request + 1]
            if "R" in spec.shape
            else arrays[spec.name][rows]
            for spec in features.inputs()
        }
        alone["request_index"] = np.zeros(rows.sum(), np.int64)
        yield alone | group_side(grouped_in_order([int(rows.sum())]))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("reads", READERS)
@pytest.mark.parametrize("sequence", get_args(SequenceReading))
def test_candidates_of_one_batch_answer_as_if_alone(
    family: Family, reads: str, sequence: SequenceReading
) -> None:
    features = READERS[reads]
    model = student(features, family, sequence)
    arrays = random_arrays(features, requests=3, candidates=11)
    together = model(Inputs.of(arrays))
    for request, alone in enumerate(one_by_one(arrays, features, 3)):
        rows = torch.from_numpy(arrays["request_index"] == request)
        torch.testing.assert_close(model(Inputs.of(alone)), together[rows])


@pytest.mark.parametrize("family", TEACHERS)
def test_a_teacher_says_of_a_batch_what_it_says_of_each_request(family: TeacherFamily) -> None:
    features = schema_of(history_length=20)
    torch.manual_seed(0)
    model = Teacher(small_teacher(features, family)).eval()
    arrays = random_arrays(features, requests=3, candidates=11)
    together = model(Inputs.of(arrays))
    for request, alone in enumerate(one_by_one(arrays, features, 3)):
        rows = torch.from_numpy(arrays["request_index"] == request)
        answered = model(Inputs.of(alone))
        torch.testing.assert_close(answered.logit, together.logit[rows])
        torch.testing.assert_close(answered.z, together.z[rows])


@pytest.mark.parametrize("family", TEACHERS)
def test_a_user_without_a_past_has_finite_answers(family: TeacherFamily) -> None:
    features = schema_of(history_length=20)
    arrays = random_arrays(features, requests=2, candidates=5)
    arrays["history_outcome"][:] = 0
    answered = Teacher(small_teacher(features, family)).eval()(Inputs.of(arrays))
    assert torch.isfinite(answered.logit).all()
    assert torch.isfinite(answered.z).all()


def test_untaught_student_has_no_teacher_inputs() -> None:
    names = [spec.name for spec in schema_of(teacher_dim=0).inputs()]
    assert not [name for name in names if name.startswith("teacher")]
    assert student(schema_of()).hints is None


@pytest.mark.parametrize("sequence", ["sum", "attention"])
def test_a_sequence_read_as_the_paper_has_it_starts_silent(sequence: SequenceReading) -> None:
    features = READERS["all"]
    arrays = random_arrays(features, requests=2, candidates=5)
    model = student(features, sequence=sequence)
    louder = arrays | {"history_z": arrays["history_z"] * 100}
    torch.testing.assert_close(model(Inputs.of(louder)), model(Inputs.of(arrays)))


def test_shortcut_from_the_teacher_starts_silent() -> None:
    hints = student().hints
    assert hints is not None
    assert not hints.past.weight.any()
    assert not hints.tier.weight.any()


@pytest.mark.parametrize("loss", ["label", "reconstruction"])
def test_each_loss_of_the_teacher_reaches_its_own_weights(loss: str) -> None:
    schema = schema_of()
    torch.manual_seed(0)
    learner = TeacherLearner(Teacher(small_teacher(schema)), tasks=2)
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
    learner = TeacherLearner(Teacher(small_teacher(schema)), tasks=2)
    arrays = random_arrays(schema, requests=2, candidates=8)
    batch = Batch(arrays, np.ones((8, 2), np.float32), np.arange(8), np.arange(8), np.arange(2))
    learner.loss(batch).backward()
    assert learner.position.bias.grad is not None
    assert not [name for name, _ in learner.model.named_parameters() if "position" in name]
