"""Smaller numbers: fewer bytes, the same bytes each time, scores near the whole graph's."""

from typing import get_args

import numpy as np
import onnxruntime as ort
import pytest
import torch

from export.quantise.precision import TOLERANCES, Precision, quantised
from export.to_onnx import graph_of, to_onnx
from models.student import Student, StudentConfig
from tests.models.random_inputs import random_arrays, schema_of

FEATURES = schema_of(history_length=6, teacher_dim=8, reads_sequence=True)


@pytest.fixture(scope="module")
def whole() -> bytes:
    torch.manual_seed(0)
    graph = graph_of(Student(StudentConfig(features=FEATURES)), FEATURES)
    return to_onnx(graph, random_arrays(FEATURES, 4, 64))


@pytest.mark.parametrize("precision", get_args(Precision))
def test_quantised_graph_is_smaller_and_answers_alike(whole: bytes, precision: Precision) -> None:
    small = quantised(whole, precision)
    assert len(small) < len(whole)
    arrays = random_arrays(FEATURES, 1, 50)
    [expected], [got] = (
        ort.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, arrays)
        for graph in (whole, small)
    )
    difference = np.abs(got - expected).max()
    assert 0.0 < difference <= TOLERANCES[precision].parity


@pytest.mark.parametrize("precision", get_args(Precision))
def test_same_graph_gives_the_same_bytes(whole: bytes, precision: Precision) -> None:
    assert quantised(whole, precision) == quantised(whole, precision)
