"""Served: an answered request with all that it was answered from, kept to train on.

Format: docs/cache.md.
"""

import math
import zlib
from struct import Struct
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32, F64, I64, U8
from cache.checksum import checksum
from cache.errors import MessageCorrupt

FORMAT_VERSION: Final = 1
MAX_CANDIDATES: Final = 4096
MAX_BYTES: Final = 2 << 20
"""Of a message before it is compressed."""

_HEADER: Final = Struct("<2sBBII")
_MAGIC: Final = b"US"
_DTYPES: Final = frozenset({"<f4", "<f8", "<i8", "|u1"})
_LEVEL: Final = 1
"""Level 6 takes two and a half times the time for 4 % less."""

NamedArrays = dict[str, NDArray[Any]]


class Served(msgspec.Struct, frozen=True, array_like=True, eq=False, kw_only=True):
    """N candidates, T tasks. The order of the fields is that of the message."""

    request_id: str
    user_id: str
    timestamp_ms: int  # the request's time
    model: str
    version: str
    lane: str
    task: str  # whose scores the answer gave
    context: dict[str, str]  # as the caller gave it; numbers as their text
    item_ids: list[str]
    position: I64  # [N] in the slate, 0 the best; −1 = not returned
    bids: F64 | None  # [N]
    values: F64 | None  # [N] what ordered, when that was not the score
    tier: U8  # [N] codes of models.schema.TIERS
    age_s: F32  # [N] of the hint; zero where the tier is none
    tasks: list[str]
    scores: F64  # [N, T] calibrated
    logit: F32 | None  # [N, T] as the model gave them; None when it gave none
    coverage: dict[str, float]  # share of the candidates by tier
    degraded: list[tuple[str, str]]  # stage, reason
    user_side: NamedArrays  # [1, …] inputs of the model, by name
    candidate_side: NamedArrays  # [N, …]


def encode(served: Served) -> bytes:
    """Raises ValueError past a bound."""
    packed = _ENCODER.encode(served)
    count = len(served.item_ids)
    if not 0 < count <= MAX_CANDIDATES or len(packed) > MAX_BYTES:
        raise ValueError(
            f"{count} candidates in {len(packed)} bytes: a served message has 1 to "
            f"{MAX_CANDIDATES} in at most {MAX_BYTES}"
        )
    body = zlib.compress(packed, _LEVEL)
    unsigned = _HEADER.pack(_MAGIC, FORMAT_VERSION, 0, 0, len(packed)) + body
    proof = checksum(unsigned)
    return _HEADER.pack(_MAGIC, FORMAT_VERSION, 0, proof, len(packed)) + body


def decode(data: bytes) -> Served:
    """Arrays are read-only. Raises MessageCorrupt."""
    if len(data) < _HEADER.size:
        raise MessageCorrupt(f"{len(data)} bytes are fewer than a served message's header")
    magic, form, _, proof, length = _HEADER.unpack_from(data)
    if magic != _MAGIC or form != FORMAT_VERSION or length > MAX_BYTES:
        raise MessageCorrupt(
            f"not a served message of format {FORMAT_VERSION}: begins with {data[:3].hex()}"
        )
    if checksum(data) != proof:
        raise MessageCorrupt("the checksum does not match: the message was damaged")
    try:
        served = _DECODER.decode(_inflated(data[_HEADER.size :], length))
    except (zlib.error, msgspec.DecodeError) as error:
        raise MessageCorrupt(f"not what a served message holds: {error}") from error
    _check_shapes(served)
    return served


def _inflated(body: bytes, length: int) -> bytes:
    """Never more than is said, whatever the body would grow to."""
    inflating = zlib.decompressobj()
    packed = inflating.decompress(body, length + 1)
    if len(packed) != length or not inflating.eof or inflating.unused_data:
        raise MessageCorrupt(f"the body is not {length} bytes, compressed")
    return packed


def _check_shapes(served: Served) -> None:
    count, tasks = len(served.item_ids), len(served.tasks)
    by_task = (count, tasks)
    fixed: list[tuple[NDArray[Any] | None, str, tuple[int, ...]]] = [
        (served.position, "<i8", (count,)),
        (served.bids, "<f8", (count,)),
        (served.values, "<f8", (count,)),
        (served.tier, "|u1", (count,)),
        (served.age_s, "<f4", (count,)),
        (served.scores, "<f8", by_task),
        (served.logit, "<f4", by_task),
    ]
    for array, dtype, shape in fixed:
        if array is not None and (array.dtype.str, array.shape) != (dtype, shape):
            raise MessageCorrupt(f"{array.dtype.str}{array.shape} where {dtype}{shape} belongs")
    for side, rows in ((served.user_side, 1), (served.candidate_side, count)):
        for name, array in side.items():
            if array.shape[:1] != (rows,):
                raise MessageCorrupt(f"input {name} has shape {array.shape}, not {rows} rows")


def _pack(array: NDArray[Any]) -> tuple[str, tuple[int, ...], memoryview | bytes]:
    """Raw little-endian with dtype and shape, to the bit."""
    whole = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return whole.dtype.str, array.shape, whole.data.cast("B") if whole.size else b""


def _unpack(kind: type, packed: Any) -> NDArray[Any]:
    dtype, shape, data = packed
    if dtype not in _DTYPES or math.prod(max(size, 1) for size in shape) > MAX_BYTES:
        raise ValueError(f"no array of {dtype} {shape} fits a message")
    if min(shape, default=0) < 0:
        raise ValueError(f"{shape} is no shape")
    return np.frombuffer(data, dtype).reshape(shape)


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_pack)
_DECODER: Final = msgspec.msgpack.Decoder(Served, dec_hook=_unpack)
