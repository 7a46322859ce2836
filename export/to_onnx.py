"""A torch model as ONNX bytes: dynamic R and N, the same bytes for the same weights."""

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Final

import onnx
import torch
from torch import Tensor, nn

from models.features.records import F32, Arrays
from models.inputs import Inputs
from models.schema import FeatureSchema, TensorSpec
from models.student import Student
from models.teacher import Teacher

OPSET: Final = 20


class StudentGraph(nn.Module):
    """The student behind positional tensors; only its serving head is in it."""

    outputs = ("logit",)

    def __init__(self, model: Student, schema: FeatureSchema) -> None:
        super().__init__()
        self.model, self.schema = model, schema

    def forward(self, *tensors: Tensor) -> Tensor:
        logit: Tensor = self.model(Inputs(*tensors))
        return logit


class TeacherGraph(nn.Module):
    """The teacher behind positional tensors: logit and z."""

    outputs = ("logit", "z")

    def __init__(self, model: Teacher, schema: FeatureSchema) -> None:
        super().__init__()
        self.model, self.schema = model, schema

    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        answered = self.model(Inputs(*tensors))
        return answered.logit, answered.z


Graph = StudentGraph | TeacherGraph


def graph_of(model: Student | Teacher, schema: FeatureSchema) -> Graph:
    if isinstance(model, Student):
        return StudentGraph(model, schema)
    return TeacherGraph(model, schema)


def to_onnx(graph: Graph, example: Arrays) -> bytes:
    """`example` needs R ≥ 2 and N ≥ 2, or the exporter takes an axis of one for a constant."""
    specs, dynamic = graph.schema.inputs(), torch.export.Dim.DYNAMIC
    shapes = [
        {place: dynamic for place, size in enumerate(spec.shape) if isinstance(size, str)}
        for spec in specs
    ]
    tensors = tuple(torch.from_numpy(example[spec.name]) for spec in specs)
    for talkative in ("torch.onnx", "onnxscript"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph.eval(),
            tensors,
            dynamo=True,
            dynamic_shapes=(tuple(shapes),),
            input_names=[spec.name for spec in specs],
            output_names=list(graph.outputs),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    buffer = io.BytesIO()
    onnx.save(_stripped(program.model_proto, specs), buffer)
    return buffer.getvalue()


def _stripped(proto: onnx.ModelProto, specs: Sequence[TensorSpec]) -> onnx.ModelProto:
    """Without the source paths and stack traces that would differ from machine to machine."""
    proto.producer_version = ""
    del proto.metadata_props[:]
    for graph in [proto.graph, *proto.functions]:
        del graph.metadata_props[:]
        graph.doc_string = ""
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output]:
        del value.metadata_props[:]
    for tensor in proto.graph.initializer:
        del tensor.metadata_props[:]
    onnx.checker.check_model(proto)
    return proto


def outputs_of(graph: Graph, answers: Mapping[str, F32]) -> tuple[TensorSpec, ...]:
    """Specs of the graph's outputs, their widths read off a set of answers."""
    return tuple(
        TensorSpec(name=name, dtype="float32", shape=("N", answers[name].shape[1]))
        for name in graph.outputs
    )
