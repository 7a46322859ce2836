"""Every teacher and every student as a graph, at any number of requests and candidates."""

from collections.abc import Iterator
from typing import get_args

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from export.parity import ROWS, TOLERANCE, measure
from export.to_onnx import Graph, graph_of, to_onnx
from models.schema import FeatureSchema
from models.student import SequenceReading, Student, StudentConfig
from models.students.families import FAMILIES as STUDENTS
from models.teacher import Teacher
from models.teacher_sizes import FAMILIES as TEACHERS
from models.teacher_sizes import SIZES, Family, teacher_config
from tests.models.random_inputs import random_arrays, schema_of


def graphs() -> Iterator[tuple[str, Graph, FeatureSchema]]:
    torch.manual_seed(0)
    for teacher_dim in (0, 32):
        features = schema_of(50, teacher_dim, reads_sequence=teacher_dim > 0)
        for student, reader in STUDENTS.items():
            model = Student(StudentConfig(features=features, reader=reader))
            yield f"{student}-z{teacher_dim}", graph_of(model, features), features
    for reading in get_args(SequenceReading):
        model = Student(StudentConfig(features=features, sequence=reading))
        yield f"din-{reading}", graph_of(model, features), features
    features = schema_of(history_length=50)
    for teacher in TEACHERS:
        config = teacher_config(features, teacher, "s", seed=0)
        yield f"{teacher}-s", graph_of(Teacher(config), features), features


CASES = {name: (graph, features) for name, graph, features in graphs()}


@pytest.mark.parametrize("name", CASES)
def test_runtime_answers_as_torch_does(name: str) -> None:
    graph, features = CASES[name]
    model_bytes = to_onnx(graph, random_arrays(features, requests=4, candidates=64))
    samples = {rows: random_arrays(features, 1, rows, seed=rows) for rows in ROWS}
    samples[33] = random_arrays(features, 7, 33)
    samples[32] = random_arrays(features, 2, 32) | {"history_outcome": np.zeros((2, 50), np.int64)}
    parity = measure(graph, model_bytes, samples)
    assert max(parity.max_abs_error.values()) <= TOLERANCE
    held = [tensor.name for tensor in onnx.load_model_from_string(model_bytes).graph.initializer]
    assert not [name for name in held if "decode" in name or "auxiliary" in name]


@pytest.mark.parametrize("family", TEACHERS)
def test_each_size_is_larger_than_the_one_before(family: Family) -> None:
    features = schema_of(history_length=50)
    sizes = [weights_of(Teacher(teacher_config(features, family, size, 0))) for size in SIZES]
    assert sizes == sorted(set(sizes))


def weights_of(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())
