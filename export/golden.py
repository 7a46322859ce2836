"""The golden batch: inputs with the answers that every later load must give."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from models.features.records import F32, Arrays


def golden_bytes(inputs: Arrays, outputs: Mapping[str, F32]) -> bytes:
    """`input.<name>` and `output.<name>` tensors; the same arrays give the same bytes."""
    tensors: dict[str, NDArray[Any]] = {f"input.{name}": inputs[name] for name in sorted(inputs)}
    tensors |= {f"output.{name}": outputs[name] for name in sorted(outputs)}
    return save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
