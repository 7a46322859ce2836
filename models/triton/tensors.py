"""What the manifest says of tensors, against what Triton says and answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features.records import Arrays
from models.manifest import Manifest
from models.schema import TensorSpec
from models.triton.errors import TritonAnswerInvalid, TritonMismatch

SHOWN: Final = 5
"""Tensors that a message names, of those that differ."""
DATATYPES: Final = {"float32": "FP32", "int64": "INT64"}


class Expected(NamedTuple):
    """One output of one run."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape))


def expected_outputs(specs: Sequence[TensorSpec], inputs: Arrays) -> list[Expected]:
    """With the dynamic axis of the candidates filled in."""
    axes = {"N": len(inputs["request_index"])}
    return [
        Expected(
            spec.name,
            np.dtype(spec.dtype),
            tuple(axes[size] if isinstance(size, str) else size for size in spec.shape),
        )
        for spec in specs
    ]


def check_output(expected: Expected, got: NDArray[Any] | None, where: object) -> NDArray[Any]:
    """Raises TritonAnswerInvalid."""
    if got is None:
        raise TritonAnswerInvalid(f"{where} left out {expected.name}: export the repository again")
    check_told(expected, DATATYPES.get(got.dtype.name, got.dtype.name), got.shape, where)
    return got


def check_told(expected: Expected, datatype: str, shape: tuple[int, ...], where: object) -> None:
    """Raises TritonAnswerInvalid."""
    wanted = DATATYPES[expected.dtype.name]
    if datatype != wanted or shape != expected.shape:
        raise TritonAnswerInvalid(
            f"{where} gave {expected.name} as {datatype}{list(shape)}, the manifest says "
            f"{wanted}{list(expected.shape)}: export the repository again"
        )


def check_metadata(manifest: Manifest, told: Mapping[str, Any], where: object) -> None:
    """`told` as Open Inference Protocol metadata. Raises TritonMismatch."""
    for side, specs in (("inputs", manifest.inputs), ("outputs", manifest.outputs)):
        held = {tensor["name"]: _shown(tensor) for tensor in told.get(side, [])}
        wanted = {spec.name: _wanted(spec) for spec in specs}
        wrong = [
            f"{name}: {held.get(name, 'missing')} there, {wanted.get(name, 'unknown')} here"
            for name in sorted(held.keys() | wanted.keys())
            if held.get(name) != wanted.get(name)
        ]
        if wrong:
            raise TritonMismatch(
                f"{where} has other {side} than the bundle {manifest.name}: "
                f"{'; '.join(wrong[:SHOWN])}{'; …' if len(wrong) > SHOWN else ''}: "
                "name the right model in the URL, or export the bundle for Triton again"
            )


def _shown(tensor: Mapping[str, Any]) -> str:
    # NOTE: sizes come as text over gRPC: protobuf's JSON has no 64-bit numbers.
    return f"{tensor['datatype']}{[int(size) for size in tensor.get('shape', [])]}"


def _wanted(spec: TensorSpec) -> str:
    return f"{DATATYPES[spec.dtype]}{dims(spec)}"


def dims(spec: TensorSpec) -> list[int]:
    """As Triton writes them: -1 for an axis that varies."""
    return [size if isinstance(size, int) else -1 for size in spec.shape]
