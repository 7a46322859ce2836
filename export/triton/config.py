"""A bundle's manifest → `config.pbtxt` of Triton."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from google.protobuf import text_format
from numpy.typing import NDArray
from tritonclient.grpc import model_config_pb2 as pb

from export.errors import OptionsConflict
from export.triton.serving import Serving
from models.manifest import Manifest
from models.schema import TensorSpec
from models.triton.tensors import dims

TYPES: Final = {"float32": pb.TYPE_FP32, "int64": pb.TYPE_INT64}
WHY_NO_BATCHING: Final = """\
# Dynamic batching is off, and max_batch_size is 0: Triton would concatenate requests along one
# first axis that all tensors share. These have two, R requests and N candidates, and request_index,
# group_rows and group_place count within one run: concatenated, they would point at others' rows.
# The gateway puts requests that wait into one run itself, with those indices laid anew.
"""


def config_text(
    name: str, manifest: Manifest, serving: Serving, warmup: Mapping[str, NDArray[Any]]
) -> str:
    """`warmup` by input; its files are named as the inputs. Raises OptionsConflict."""
    if serving.tensorrt and serving.backend != "onnxruntime":
        raise OptionsConflict(
            f"TensorRT accelerates the backend onnxruntime, not {serving.backend}: leave one out"
        )
    config = pb.ModelConfig(name=name, backend=serving.backend, max_batch_size=0)
    config.default_model_filename = "model.py" if serving.backend == "python" else "model.onnx"
    config.input.extend(_tensor(pb.ModelInput(), spec) for spec in manifest.inputs)
    config.output.extend(_tensor(pb.ModelOutput(), spec) for spec in manifest.outputs)
    config.instance_group.add(kind=pb.ModelInstanceGroup.KIND_AUTO, count=serving.instances)
    if serving.tensorrt:
        _accelerate(config)
    _warm_up(config, warmup)
    text: str = text_format.MessageToString(config)
    return WHY_NO_BATCHING + text


def _tensor(tensor: Any, spec: TensorSpec) -> Any:
    tensor.name = spec.name
    tensor.data_type = TYPES[spec.dtype]
    tensor.dims.extend(dims(spec))
    return tensor


def _accelerate(config: Any) -> None:
    """In full precision: half of it would be past the golden batch's tolerance."""
    accelerators = config.optimization.execution_accelerators.gpu_execution_accelerator
    accelerator = accelerators.add(name="tensorrt")
    accelerator.parameters["precision_mode"] = "FP32"


def _warm_up(config: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    """The model is not ready before it has run this."""
    warmup = config.model_warmup.add(name="golden", batch_size=1)
    for name, array in arrays.items():
        tensor = warmup.inputs[name]
        tensor.data_type = TYPES[np.dtype(array.dtype).name]
        tensor.dims.extend(array.shape)
        tensor.input_data_file = name
