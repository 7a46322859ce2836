"""The page: all that one teacher has said about one user, as bytes. Format: docs/cache.md."""

from struct import Struct
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cache.arrays import BYTE, F32, I64, LE_F32, LE_U32, LE_U64, U32, U64
from cache.checksum import checksum
from cache.entries import Aggregate, Entries
from cache.errors import PageCorrupt
from cache.nibbles import joined, split
from cache.quantise import Precision
from cache.sequence import MAX_AGE_MS, MAX_SEQUENCE, PastSequence

FORMAT_VERSION: Final = 3
MAX_ENTRIES: Final = 4096
MAX_DIM: Final = 512
MAX_TASKS: Final = 4

_HEADER: Final = Struct("<2sBBIQQqqIIHBHq3x")
_MAGIC: Final = b"UP"


class _Stored(NamedTuple):
    precision: Precision
    dtype: np.dtype[Any]
    item_bytes: int
    codes_an_item: int
    scales_a_row: int


_STORED: Final = (
    _Stored(Precision.FP16, np.dtype("<f2"), 2, codes_an_item=1, scales_a_row=0),
    _Stored(Precision.INT8, np.dtype("i1"), 1, codes_an_item=1, scales_a_row=1),
    _Stored(Precision.INT4, BYTE, 1, codes_an_item=2, scales_a_row=1),
)
"""By the code of the precision."""


class Page(NamedTuple):
    """A decoded page; the arrays are read-only views on its bytes, but for the codes of int4."""

    version: int
    fence: int
    precision: Precision
    newest_ms: int
    pair_keys: U64  # [M] ascending
    older_ms: U32  # [M] how much older than newest_ms each entry is
    logit: F32  # [M, T]
    scale: F32  # [M]
    codes: NDArray[Any]  # [M, d] float16 or int8
    aggregate: Aggregate
    sequence: PastSequence

    @property
    def dim(self) -> int:
        return int(self.codes.shape[1])

    @property
    def tasks(self) -> int:
        return int(self.logit.shape[1])

    def computed_at_ms(self) -> I64:
        return self.newest_ms - self.older_ms.astype(np.int64)

    def entries(self) -> Entries:
        return Entries(
            self.pair_keys,
            self.computed_at_ms(),
            self.logit,
            self.scale,
            self.codes,
            self.precision,
        )


def encode(
    entries: Entries, aggregate: Aggregate, sequence: PastSequence, *, version: int, fence: int
) -> bytes:
    """Entries too old for the format (MAX_AGE_MS) are left out. Raises ValueError past a bound."""
    newest_ms = int(entries.computed_at_ms.max(initial=0))
    entries = entries.taken(entries.computed_at_ms >= newest_ms - MAX_AGE_MS)
    count, tasks = entries.logit.shape
    dim, length = entries.codes.shape[1], len(sequence.codes)
    if count > MAX_ENTRIES or dim > MAX_DIM or tasks > MAX_TASKS or length > MAX_SEQUENCE:
        raise ValueError(
            f"a page of {count} entries, dim {dim}, {tasks} tasks, a sequence of {length} exceeds "
            f"{MAX_ENTRIES}, {MAX_DIM}, {MAX_TASKS}, {MAX_SEQUENCE}"
        )
    precision = entries.precision
    columns = [
        entries.pair_keys.astype(LE_U64),
        (newest_ms - entries.computed_at_ms).astype(LE_U32),
        entries.logit.astype(LE_F32),
        entries.scale.astype(LE_F32)[: count * _STORED[precision].scales_a_row],
        aggregate.z.astype(LE_F32),
        sequence.older_ms.astype(LE_U32),
        joined(entries.codes) if precision is Precision.INT4 else entries.codes,
        sequence.codes,
    ]
    fields = (
        version, fence, newest_ms, aggregate.computed_at_ms, aggregate.pairs, count, dim, tasks,
        length, sequence.newest_ms,
    )  # fmt: skip
    body = b"".join(column.tobytes() for column in columns)
    unsigned = _HEADER.pack(_MAGIC, FORMAT_VERSION, precision, 0, *fields)
    proof = checksum(unsigned + body)
    return _HEADER.pack(_MAGIC, FORMAT_VERSION, precision, proof, *fields) + body


def decode(data: bytes) -> Page:
    """Raises PageCorrupt; every size is bounded before anything is sliced by it."""
    if len(data) < _HEADER.size:
        raise PageCorrupt(f"{len(data)} bytes are fewer than a page's header of {_HEADER.size}")
    (magic, form, code, proof, version, fence, newest_ms, aggregate_ms, aggregate_count, count,
     dim, tasks, length, past_ms) = _HEADER.unpack_from(data)  # fmt: skip
    if magic != _MAGIC or form != FORMAT_VERSION or code >= len(_STORED):
        raise PageCorrupt(f"not a page of format {FORMAT_VERSION}: begins with {data[:4].hex()}")
    _check_bounds(count, dim, tasks, length)
    precision, dtype, _, codes_an_item, scales_a_row = _STORED[code]
    width, scales = -(-dim // codes_an_item), count * scales_a_row
    expected = page_bytes(count, dim, tasks, precision, length)
    if len(data) != expected:
        raise PageCorrupt(f"{len(data)} bytes where the header means {expected}")
    if checksum(data) != proof:
        raise PageCorrupt("the checksum does not match: the value was damaged")
    at = _HEADER.size
    pair_keys = np.frombuffer(data, LE_U64, count, at)
    older_ms = np.frombuffer(data, LE_U32, count, at := at + 8 * count)
    logit = np.frombuffer(data, LE_F32, count * tasks, at := at + 4 * count)
    scale = np.frombuffer(data, LE_F32, scales, at := at + 4 * count * tasks)
    mean = np.frombuffer(data, LE_F32, dim, at := at + 4 * scales)
    past_older_ms = np.frombuffer(data, LE_U32, length, at := at + 4 * dim)
    codes = np.frombuffer(data, dtype, count * width, at := at + 4 * length)
    codes = codes.reshape(count, width)
    packed = np.frombuffer(data, BYTE, length * ((dim + 1) // 2), at + codes.nbytes)
    return Page(
        version,
        fence,
        precision,
        newest_ms,
        pair_keys,
        older_ms,
        logit.reshape(count, tasks),
        scale if scales else np.ones(count, np.float32),
        codes if codes_an_item == 1 else split(codes, dim),
        Aggregate(mean, aggregate_count, aggregate_ms),
        PastSequence(past_ms, past_older_ms, packed.reshape(length, (dim + 1) // 2)),
    )


def _check_bounds(count: int, dim: int, tasks: int, length: int) -> None:
    is_within = count <= MAX_ENTRIES and dim <= MAX_DIM and length <= MAX_SEQUENCE
    if not is_within or not 0 < tasks <= MAX_TASKS:
        raise PageCorrupt(
            f"{count} entries, dim {dim}, {tasks} tasks, a sequence of {length} are beyond a "
            "page's bounds"
        )


def page_bytes(count: int, dim: int, tasks: int, precision: Precision, length: int = 0) -> int:
    """`length` of the sequence."""
    _, _, item_bytes, codes_an_item, scales_a_row = _STORED[precision]
    entry = 12 + 4 * (tasks + scales_a_row) + item_bytes * -(-dim // codes_an_item)
    return _HEADER.size + 4 * dim + count * entry + length * (4 + (dim + 1) // 2)
