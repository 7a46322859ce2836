"""The same graph with smaller numbers.

fp16         every weight and activation; inputs and outputs stay float32
int8         tables, and the products' weights; activations are quantised by the run (dynamic int8)
int8-tables  tables alone, which are most of a student's bytes
"""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from onnxruntime.transformers.float16 import convert_float_to_float16

Precision = Literal["fp16", "int8", "int8-tables"]
TABLES: Final = ("Gather",)
PRODUCTS: Final = ("MatMul", "Gemm")


class Tolerance(NamedTuple):
    """Of a logit."""

    parity: float
    """From torch: whether it is the same model still; what it costs is measured apart."""
    golden: float
    """From the golden answer: processors and GPUs each round smaller numbers in their own way."""


TOLERANCES: Final[Mapping[Precision, Tolerance]] = {
    "fp16": Tolerance(parity=0.05, golden=0.01),
    "int8": Tolerance(parity=1.0, golden=0.05),
    "int8-tables": Tolerance(parity=0.05, golden=1e-4),
}


def quantised(model_bytes: bytes, precision: Precision) -> bytes:
    """The same bytes for the same graph."""
    proto = onnx.load_model_from_string(model_bytes)
    if precision == "fp16":
        return _halved(proto)
    return _in_int8(proto, TABLES if precision == "int8-tables" else (*TABLES, *PRODUCTS))


def _halved(proto: onnx.ModelProto) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of each number that is rounded to zero or to the largest
        halved = convert_float_to_float16(proto, keep_io_types=True)
    data: bytes = halved.SerializeToString(deterministic=True)
    return data


def _in_int8(proto: onnx.ModelProto, operators: Sequence[str]) -> bytes:
    # NOTE: the exporter tells the shapes of weights too, which are wrong once one is transposed.
    del proto.graph.value_info[:]
    add_pre_process_metadata(proto)  # or it advises to optimise first, which a session does anyhow
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "quantised.onnx"
        quantize_dynamic(
            proto,
            path,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=list(operators),
        )
        small = onnx.load(path)
    del small.metadata_props[:]
    data: bytes = small.SerializeToString(deterministic=True)
    return data
