"""What an exported graph has to be for a GPU to run it from end to end, told on the processor."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest
import torch

from export.to_onnx import graph_of, to_onnx
from models.providers.buckets import axis_sizes
from models.providers.sessions import input_shapes, session_options
from models.schema import FeatureSchema
from models.student import Student, StudentConfig
from models.students.families import FAMILIES as STUDENTS
from models.students.families import ReaderConfig
from models.teacher import Teacher
from models.teacher_sizes import FAMILIES as TEACHERS
from models.teacher_sizes import Family, teacher_config
from tests.models.random_inputs import random_arrays, schema_of

pytestmark = pytest.mark.slow
BUCKET = 128
ONLY_ON_A_PROCESSOR = {"BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"}
Exported = tuple[bytes, FeatureSchema]


def student(reader: ReaderConfig) -> tuple[Student, FeatureSchema]:
    features = schema_of(50, teacher_dim=8, reads_sequence=True)
    return Student(StudentConfig(features=features, reader=reader)), features


def teacher(family: Family) -> tuple[Teacher, FeatureSchema]:
    features = schema_of(history_length=50)
    return Teacher(teacher_config(features, family, "s", seed=0)), features


CASES: dict[str, Callable[[], tuple[Student | Teacher, FeatureSchema]]] = {
    **{f"student-{name}": partial(student, reader) for name, reader in STUDENTS.items()},
    **{f"teacher-{family}": partial(teacher, family) for family in TEACHERS},
}


@pytest.fixture(scope="module", params=CASES)
def exported(request: pytest.FixtureRequest) -> Exported:
    torch.manual_seed(0)
    model, features = CASES[request.param]()
    return to_onnx(graph_of(model, features), random_arrays(features, 4, 64)), features


def test_no_operator_is_left_to_the_processor(exported: Exported) -> None:
    nodes = onnx.load_model_from_string(exported[0]).graph.node
    assert not ONLY_ON_A_PROCESSOR & {node.op_type for node in nodes}


def test_no_tensor_in_a_graph_of_one_shape_has_a_size_left_open(
    exported: Exported, tmp_path: Path
) -> None:
    """TensorRT would build an engine of such a tensor within a request."""
    graph, features = exported
    held = input_shapes(ort.InferenceSession(graph, providers=["CPUExecutionProvider"]))
    options = session_options(1, axis_sizes(held, features.inputs(), BUCKET))
    # What a provider is given to choose from.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "one-shape.onnx")
    ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    told = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "one-shape.onnx")).graph
    assert "Shape" not in {node.op_type for node in told.node}
    sized = {value.name: _sizes(value) for value in [*told.value_info, *told.output]}
    made = {name for node in told.node for name in node.output if name}
    assert made <= set(sized)
    assert not {name: sizes for name, sizes in sized.items() if None in sizes}


def _sizes(value: onnx.ValueInfoProto) -> list[int | None]:
    dims = value.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
