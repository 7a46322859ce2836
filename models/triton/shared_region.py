"""Memory of this host that Triton reads inputs from and writes outputs to."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.features.records import Arrays
from models.triton.tensors import Expected, check_told

ALIGNMENT: Final = 64
MIN_BYTES: Final = 1 << 20
MAX_BYTES: Final = 256 << 20
"""What is larger goes through the socket."""


class SharedRegion:
    """Tensors one after another; owned by one connection, removed from the host by `close`."""

    def __init__(self, size_bytes: int) -> None:
        self.name = f"understudy-{secrets.token_hex(8)}"
        self.size_bytes = size_bytes
        self._memory = SharedMemory(self.name, create=True, size=size_bytes)
        self._end = 0
        self._offsets: dict[str, int] = {}

    @staticmethod
    def size_for(inputs: Arrays, outputs: Sequence[Expected]) -> int | None:
        """A power of two, so that a growing load registers few; None past the limit."""
        sizes = [array.nbytes for array in inputs.values()] + [each.size_bytes for each in outputs]
        needed = max(MIN_BYTES, sum(map(_aligned, sizes)))
        return None if needed > MAX_BYTES else 1 << (needed - 1).bit_length()

    @property
    def key(self) -> str:
        return f"/{self.name}"

    def clear(self) -> None:
        self._end = 0
        self._offsets = {}

    def reserve(self, name: str, size_bytes: int) -> int:
        """The offset of so many bytes."""
        offset = self._offsets[name] = self._end
        self._end += _aligned(size_bytes)
        return offset

    def put(self, name: str, array: NDArray[Any]) -> int:
        offset = self.reserve(name, array.nbytes)
        self._view(array.dtype, array.shape, offset)[...] = array
        return offset

    def read(self, expected: Expected, told: Any, where: object) -> NDArray[Any]:
        """A copy. Raises TritonAnswerInvalid when `told` is another tensor than expected."""
        check_told(expected, *_told(told), where)
        return self._view(expected.dtype, expected.shape, self._offsets[expected.name]).copy()

    def close(self) -> None:
        with suppress(BufferError, FileNotFoundError):
            self._memory.close()
            self._memory.unlink()

    def _view(self, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int) -> NDArray[Any]:
        return np.ndarray(shape, dtype, buffer=self._memory.buf, offset=offset)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT) * ALIGNMENT


def _told(told: Any) -> tuple[str, tuple[int, ...]]:
    """Data type and shape. Over HTTP an output is a mapping, over gRPC a message."""
    if told is None:
        return "missing", ()
    if isinstance(told, Mapping):
        return told["datatype"], tuple(told["shape"])
    return told.datatype, tuple(told.shape)
