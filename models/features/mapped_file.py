"""Arrays of a safetensors file without a copy: processes of one host share its pages."""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

Named = Mapping[str, NDArray[Any]]

DTYPES: Final = {"U64": "<u8", "I64": "<i8", "F64": "<f8", "I32": "<i4", "F32": "<f4", "U8": "u1"}
MAX_HEADER_BYTES: Final = 1 << 20


class Mapped(NamedTuple):
    metadata: dict[str, str]
    arrays: dict[str, NDArray[Any]]


def save_whole(path: Path, arrays: Named, metadata: dict[str, str]) -> None:
    """`path` is replaced at once: who has the old file mapped keeps it as it was. Others may read
    it as they may any new file."""
    staged = path.with_name(f".{path.name}.{os.getpid()}.staged")
    try:
        staged.touch()
        readable = staged.stat().st_mode
        save_file({name: np.ascontiguousarray(of) for name, of in arrays.items()}, staged, metadata)
        staged.chmod(readable)  # the library shuts everybody else out, and who serves it is another
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def mapped(path: Path, written: Collection[str]) -> Mapped:
    """Arrays named in `written` may be written to: pages that are become this process's own, the
    file never changes. All others are read-only.

    Raises whatever an unreadable file makes the libraries raise, among it ValueError.
    """
    with safe_open(path, framework="numpy"):
        pass  # the library checks that header and sizes fit the file
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > MAX_HEADER_BYTES:
            raise ValueError(f"a header of {size} bytes, at most {MAX_HEADER_BYTES}")
        header = json.loads(file.read(size))
        metadata = header.pop("__metadata__", {})
        arrays = {
            name: _array(file, entry, 8 + size, "c" if name in written else "r")
            for name, entry in header.items()
        }
    return Mapped(metadata, arrays)


def _array(file: BinaryIO, entry: dict[str, Any], start: int, mode: Any) -> NDArray[Any]:
    if entry["dtype"] not in DTYPES:
        raise ValueError(f"dtype {entry['dtype']} is none of {', '.join(DTYPES)}")
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    if begin == end:  # nothing can be mapped
        return np.zeros(shape, dtype)
    # A plain array on the mapping: numpy's subclass costs every operation on it a little.
    return np.asarray(np.memmap(file, dtype, mode, start + begin, shape))
