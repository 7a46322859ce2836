"""Tensors of the Open Inference Protocol: their values, checked against datatype and shape before
any array is made, and their bytes by the binary tensor data extension."""

import math
import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from server.errors import InvalidRequest

BYTES: Final = "BYTES"
BOOL: Final = "BOOL"
NUMBERS: Final = {
    "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
DTYPES: Final = {BOOL: "u1"} | NUMBERS
MAX_TENSORS: Final = 1024
MAX_SIZES: Final = 8
_LENGTH: Final = struct.Struct("<I")

Scalar = str | int | float | bool


class Tensor(NamedTuple):
    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]  # row-major; text for BYTES


def column(name: str, datatype: str, values: Sequence[Any]) -> Tensor:
    return Tensor(name, datatype, (len(values),), values)


def from_values(name: str, datatype: str, shape: Sequence[int], values: Sequence[Scalar]) -> Tensor:
    """Raises InvalidRequest."""
    count = _count(name, datatype, shape)
    if len(values) != count:
        raise _refused(name, f"shape {list(shape)} has {count} elements", len(values))
    if not {type(value) for value in values} <= _types(datatype):
        raise _refused(name, f"the data is not {datatype}", None)
    _check_finite(name, datatype, values)
    return Tensor(name, datatype, tuple(shape), values)


def from_raw(name: str, datatype: str, shape: Sequence[int], data: bytes) -> Tensor:
    """Raises InvalidRequest."""
    count = _count(name, datatype, shape)
    if datatype == BYTES:
        return Tensor(name, datatype, tuple(shape), _texts(name, count, data))
    dtype = np.dtype(DTYPES[datatype])
    if count * dtype.itemsize != len(data):
        needed = count * dtype.itemsize
        raise _refused(name, f"{datatype} of shape {list(shape)} has {needed} bytes", len(data))
    array = np.frombuffer(data, dtype)
    values = (array != 0).tolist() if datatype == BOOL else array.tolist()
    _check_finite(name, datatype, values)
    return Tensor(name, datatype, tuple(shape), values)


def to_raw(tensor: Tensor) -> bytes:
    if tensor.datatype != BYTES:
        return np.asarray(tensor.values, DTYPES[tensor.datatype]).tobytes()
    texts = [text.encode() for text in tensor.values]
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))


def _count(name: str, datatype: str, shape: Sequence[int]) -> int:
    if datatype != BYTES and datatype not in DTYPES:
        raise _refused(name, f"a datatype is one of {', '.join((BYTES, *DTYPES))}", datatype)
    if len(shape) > MAX_SIZES:
        raise _refused(name, f"a shape has at most {MAX_SIZES} sizes", len(shape))
    if any(size < 0 for size in shape):
        raise _refused(name, "a shape has no negative sizes", list(shape))
    return math.prod(shape)


def _types(datatype: str) -> set[type]:
    if datatype == BYTES:
        return {str}
    if datatype == BOOL:
        return {bool}
    return {int, float} if datatype.startswith("FP") else {int}


def _texts(name: str, count: int, data: bytes) -> list[str]:
    """Each element is its length as u32, then so many bytes of UTF-8."""
    if count * _LENGTH.size > len(data):
        raise _refused(name, f"{count} elements have at least 4 bytes each", len(data))
    texts, at = [], 0
    for _ in range(count):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(data, at)[0] if start <= len(data) else start
        if at > len(data):
            raise _refused(name, "the data ends within an element", len(data))
        texts.append(utf8(name, data[start:at]))
    if at != len(data):
        raise _refused(name, f"{count} elements end before the data does", len(data))
    return texts


def utf8(name: str, data: bytes) -> str:
    """Raises InvalidRequest."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _refused(name, f"BYTES are UTF-8 text: {error.reason}", data[:16].hex()) from None


def _check_finite(name: str, datatype: str, values: Sequence[Any]) -> None:
    """Within float64 too."""
    try:
        is_finite = all(map(math.isfinite, values)) if datatype != BYTES else True
    except OverflowError:  # an integer without bounds, as JSON may have them
        is_finite = False
    if not is_finite:
        raise _refused(name, "every number must be finite", None)


def _refused(name: str, rule: str, value: object) -> InvalidRequest:
    remedy = "send data that fits the datatype and shape that it is announced with"
    return InvalidRequest(rule, field=name, value=value, remedy=remedy)
