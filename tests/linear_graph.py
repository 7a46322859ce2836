"""ONNX graphs that are linear in every input that a feature schema declares."""

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.schema import FeatureSchema, TensorSpec

OPSET = 17
LAYOUT = ("request_index", "group_rows", "group_place")
USER_SIDE = ("user_", "context_", "history_")


def linear_graph(schema: FeatureSchema, outputs: list[TensorSpec], seed: int) -> onnx.ModelProto:
    """Each output is a sum over inputs of (input as float32) @ weights; z goes through tanh.

    User-side terms are computed once a request and gathered by `request_index`.
    """
    rng = np.random.default_rng(seed)
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    for output in outputs:
        width = int(output.shape[1])
        terms = []
        for spec in schema.inputs():
            if spec.name in LAYOUT:
                continue
            term = f"{output.name}.{spec.name}"
            matrix = _weights(rng, spec, width)
            weights.append(numpy_helper.from_array(matrix, f"{term}.weight"))
            nodes.extend(_term(term, spec, len(matrix)))
            weights.append(numpy_helper.from_array(np.array([-1, len(matrix)]), f"{term}.shape"))
            terms.append(f"{term}.out")
        kind = "Identity" if output.name == "logit" else "Tanh"
        nodes.append(helper.make_node("Sum", terms, [f"{output.name}.sum"]))
        nodes.append(helper.make_node(kind, [f"{output.name}.sum"], [output.name]))
    inputs = [_value(spec) for spec in schema.inputs()]
    graph = helper.make_graph(nodes, "linear", inputs, [_value(o) for o in outputs], weights)
    imports = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


def _weights(rng: np.random.Generator, spec: TensorSpec, width: int) -> NDArray[np.float32]:
    """`[flattened input, width]`; the teacher's logit counts most, so that a hint is seen."""
    flat = int(np.prod([size for size in spec.shape[1:] if isinstance(size, int)], dtype=int))
    scale = 0.01 if spec.dtype == "int64" else 0.2
    drawn = rng.normal(0.0, scale, (flat, width)).astype(np.float32)
    return np.eye(flat, width, dtype=np.float32) if spec.name == "teacher_logit" else drawn


def _term(term: str, spec: TensorSpec, width: int) -> Iterator[onnx.NodeProto]:
    yield helper.make_node("Cast", [spec.name], [f"{term}.float"], to=TensorProto.FLOAT)
    yield helper.make_node("Reshape", [f"{term}.float", f"{term}.shape"], [f"{term}.flat"])
    is_user_side = spec.name.startswith(USER_SIDE)
    product = f"{term}.user" if is_user_side else f"{term}.out"
    yield helper.make_node("MatMul", [f"{term}.flat", f"{term}.weight"], [product])
    if is_user_side:
        yield helper.make_node("Gather", [product, "request_index"], [f"{term}.out"], axis=0)


def _value(spec: TensorSpec) -> onnx.ValueInfoProto:
    kind = TensorProto.INT64 if spec.dtype == "int64" else TensorProto.FLOAT
    return helper.make_tensor_value_info(spec.name, kind, list(spec.shape))
