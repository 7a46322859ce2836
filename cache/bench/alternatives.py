"""Ways to keep a user's pair entries in Redis: one page, a hash of fields, a key a pair.

The others hold what an entry of the page holds, packed in the same precision; they have no
checksum, version, aggregate or sequence, and the fields of a hash no expiry of their own. A hash
is one block that is searched from its start while it is small (a listpack: at most 512 fields of at
most 64 bytes by default), and a table of its own beyond: both are made here, by the server's
settings.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from cache import page
from cache.arrays import F32, U64, Mask
from cache.bench.sample import DIM, NOW_MS, SPACE, TASKS, Sample
from cache.entries import Entries
from cache.keys import page_key
from cache.nibbles import joined, split
from cache.quantise import Precision
from cache.tiers import PAIR, Lookup, TtlPolicy, resolve

Command = tuple[bytes, ...]
Values = Sequence[bytes | None]
TTL_MS: Final = b"86400000"
LISTPACK_FIELDS: Final = 512


class Hints(NamedTuple):
    """Of n candidates; zeros where none is held."""

    z: F32  # [n, d]
    logit: F32  # [n, T]
    age_s: F32  # [n]
    is_held: Mask  # [n]


class Layout(NamedTuple):
    name: str
    keys: list[bytes]
    writes: list[Command]
    question: Callable[[], Command]  # made of the candidates' pair keys
    hints: Callable[[Any], Hints]  # made of the answer


def layouts(sample: Sample, user: str) -> list[Layout]:
    return [
        _page(sample, user),
        _hash("hash, listpack", sample, user, LISTPACK_FIELDS),
        _hash("hash, table", sample, user, 0),
        _keys(sample, user),
    ]


def _page(sample: Sample, user: str) -> Layout:
    key, pairs, ttl = page_key(user, SPACE), sample.pairs, TtlPolicy()

    def hints(values: Values) -> Hints:
        [value] = values
        lookup = Lookup(page.decode(value or b""), pairs, NOW_MS)
        found = resolve([lookup], ttl, DIM, TASKS, reads_user=False)
        return Hints(found.z, found.logit, found.age_s, found.tier == PAIR)

    write = (b"SET", key, sample.bare_page, b"PX", TTL_MS)
    return Layout("page", [key], [write], lambda: (b"MGET", key), hints)


def _hash(name: str, sample: Sample, user: str, listpack_fields: int) -> Layout:
    key = f"us:h{listpack_fields}:{{{user}}}:{SPACE}".encode()
    fields, values = _fields(sample.entries.pair_keys), _packed(sample.entries)
    pairs = [part for pair in zip(fields, values, strict=True) for part in pair]
    writes = [
        _bounding(b"entries", listpack_fields),
        _bounding(b"value", len(values[0])),
        (b"HSET", key, *pairs),
        (b"PEXPIRE", key, TTL_MS),
    ]
    wanted = sample.pairs
    return Layout(
        name,
        [key],
        writes,
        lambda: (b"HMGET", key, *_fields(wanted)),
        _unpacker(sample.entries),
    )


def _bounding(what: bytes, limit: int) -> Command:
    return (b"CONFIG", b"SET", b"hash-max-listpack-" + what, str(limit).encode())


def _keys(sample: Sample, user: str) -> Layout:
    prefix = f"us:k:{{{user}}}:{SPACE}:".encode()
    keys = [prefix + field for field in _fields(sample.entries.pair_keys)]
    values = _packed(sample.entries)
    writes: list[Command] = [
        (b"SET", key, value, b"PX", TTL_MS) for key, value in zip(keys, values, strict=True)
    ]
    wanted = sample.pairs
    return Layout(
        "a key a pair",
        keys,
        writes,
        lambda: (b"MGET", *(prefix + field for field in _fields(wanted))),
        _unpacker(sample.entries),
    )


def _fields(pairs: U64) -> list[bytes]:
    column = pairs.tobytes()
    return [column[at : at + 8] for at in range(0, len(column), 8)]


def _dtype(entries: Entries) -> np.dtype[Any]:
    codes = _stored_codes(entries)
    scale = [] if entries.precision is Precision.FP16 else [("scale", "<f4")]
    columns = [("at_ms", "<i8"), ("logit", "<f4", (TASKS,)), *scale]
    return np.dtype([*columns, ("codes", codes.dtype, codes.shape[1:])])


def _stored_codes(entries: Entries) -> Any:
    return joined(entries.codes) if entries.precision is Precision.INT4 else entries.codes


def _packed(entries: Entries) -> list[bytes]:
    dtype = _dtype(entries)
    rows = np.zeros(len(entries.pair_keys), dtype)
    rows["at_ms"], rows["logit"] = entries.computed_at_ms, entries.logit
    rows["codes"] = _stored_codes(entries)
    if "scale" in (dtype.names or ()):
        rows["scale"] = entries.scale
    return [row.tobytes() for row in rows]


def _unpacker(entries: Entries) -> Callable[[Values], Hints]:
    dtype, precision = _dtype(entries), entries.precision
    blank = bytes(dtype.itemsize)

    def hints(values: Values) -> Hints:
        is_held = np.array([value is not None for value in values])
        rows = np.frombuffer(b"".join([value or blank for value in values]), dtype)
        codes = rows["codes"]
        z = (split(codes, DIM) if precision is Precision.INT4 else codes).astype(np.float32)
        if precision is not Precision.FP16:
            z *= rows["scale"][:, None]
        age_s = np.where(is_held, (NOW_MS - rows["at_ms"]) / 1000.0, 0.0).astype(np.float32)
        return Hints(z, rows["logit"], age_s, is_held)

    return hints
