"""Array types by dtype, and the byte order of everything stored; shapes are given where the arrays
are named."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I8 = NDArray[np.int8]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
Mask = NDArray[np.bool_]

# Made once: numpy takes longer to read "<u8" than to make a view.
LE_F32: Final[np.dtype[Any]] = np.dtype("<f4")
LE_F64: Final[np.dtype[Any]] = np.dtype("<f8")
LE_I64: Final[np.dtype[Any]] = np.dtype("<i8")
LE_U32: Final[np.dtype[Any]] = np.dtype("<u4")
LE_U64: Final[np.dtype[Any]] = np.dtype("<u8")
BYTE: Final[np.dtype[Any]] = np.dtype("u1")
