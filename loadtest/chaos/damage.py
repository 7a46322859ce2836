"""Pages that no refresher of this space wrote. Format: docs/cache.md."""

from collections.abc import Callable, Mapping
from random import Random
from struct import Struct
from typing import Final

import numpy as np
import xxhash

HEADER: Final = Struct("<2sBBIQQqqIIHBHq3x")
VERSION_AT: Final = 2
FOREIGN: Final = 9
"""A format version that nobody writes."""
WIDER: Final = 8
"""A multiple of what packs two into a byte."""
ITEM_BYTES: Final = (2.0, 1.0, 0.5)
"""Of one number of z, by the code of the precision."""

_random: Final = Random(5)


def garbage(page: bytes) -> bytes:
    return _random.randbytes(len(page))


def cut(page: bytes) -> bytes:
    return page[: len(page) // 2]


def of_foreign_version(page: bytes) -> bytes:
    return page[:VERSION_AT] + bytes([FOREIGN]) + page[VERSION_AT + 1 :]


def of_foreign_space(page: bytes) -> bytes:
    """Whole, with its checksum, as a teacher of wider embeddings had written it: each row of z,
    the mean and the sequence are WIDER numbers wider."""
    magic, form, precision, _, *fields = HEADER.unpack_from(page)
    count, dim, tasks, length = fields[5:9]
    keep = count * (12 + 4 * tasks + (4 if precision else 0))
    row, past = int(-(-dim * ITEM_BYTES[precision] // 1)), (dim + 1) // 2
    added = int(WIDER * ITEM_BYTES[precision])
    parts = np.split(
        np.frombuffer(page, np.uint8, offset=HEADER.size),
        np.cumsum([keep, 4 * dim, 4 * length, count * row]),
    )
    columns = [
        parts[0].tobytes(),
        parts[1].tobytes() + bytes(4 * WIDER),
        parts[2].tobytes(),
        np.pad(parts[3].reshape(count, row), ((0, 0), (0, added))).tobytes(),
        np.pad(parts[4].reshape(length, past), ((0, 0), (0, WIDER // 2))).tobytes(),
    ]
    fields[6] = dim + WIDER
    return _proved((magic, form, precision), fields, b"".join(columns))


def _proved(head: tuple[bytes, int, int], fields: list[int], body: bytes) -> bytes:
    unproved = HEADER.pack(*head, 0, *fields) + body
    seed = int.from_bytes(unproved[:4], "little")
    proof = xxhash.xxh3_64_intdigest(unproved[8:], seed) & 0xFFFFFFFF
    return unproved[:4] + proof.to_bytes(4, "little") + unproved[8:]


DAMAGE: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "garbage": garbage,
    "cut": cut,
    "foreign-version": of_foreign_version,
    "foreign-space": of_foreign_space,
}
