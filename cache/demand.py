"""Demand: which pairs a gateway would have liked the teacher's word on."""

from struct import Struct
from typing import Any, Final, NamedTuple, Self

import numpy as np

from cache.arrays import F32, I64, U8, U64, Mask
from cache.errors import MessageCorrupt

MAX_PAIRS: Final = 4096
MAX_USER_BYTES: Final = 1024
MAX_CONTEXT: Final = 255

MISS: Final = 0
STALE: Final = 1
HIT: Final = 2
"""How a candidate was found, as models.speculation.policy has it."""

_HEADER: Final = Struct("<2sBxqqHHBBH4x")
_COUNT: Final = Struct("<H")
_COUNT_AT: Final = 20
_MAGIC: Final = b"UD"
_ALONE: Final = 1
_WITH_OTHERS: Final = 2


class Others(NamedTuple):
    """Candidates of the request that are not demanded, for a policy to hear of."""

    item_keys: U64  # [H]
    scores: F32  # [H]
    standing: U8  # [K + H] MISS, STALE, HIT: of what is demanded, then of these


class Demand(NamedTuple):
    """Candidates of one request that missed or were stale; scores are the student's."""

    user_id: str
    as_of_ms: int  # the request's time
    context: U64  # [Fc] category keys
    context_numbers: F32  # [Gc]
    item_keys: U64  # [K]
    scores: F32  # [K]
    others: Others | None = None  # None where the gateway does not tell

    def only(self, rows: I64) -> Self:
        """Of a demand without others."""
        return self._replace(item_keys=self.item_keys[rows], scores=self.scores[rows])

    def asking(self, wanted: Mask) -> Self:
        """Demands only what is `wanted` `[K]`; the rest joins the others, where they are told."""
        items, scores = self.item_keys, self.scores
        asked = self._replace(item_keys=items[wanted], scores=scores[wanted])
        if self.others is None:
            return asked
        more, more_scores, standing = self.others
        head, tail = standing[: len(items)], standing[len(items) :]
        others = Others(
            np.concatenate([items[~wanted], more]),
            np.concatenate([scores[~wanted], more_scores]),
            np.concatenate([head[wanted], head[~wanted], tail]),
        )
        return asked._replace(others=others)


class Received(NamedTuple):
    demand: Demand
    enqueued_ms: int  # wall clock


class _Sizes(NamedTuple):
    demanded: int
    user: int
    context: int
    numbers: int
    others: int

    @property
    def is_bounded(self) -> bool:
        has_room = self.demanded + self.others <= MAX_PAIRS and self.user <= MAX_USER_BYTES
        return has_room and max(self.context, self.numbers) <= MAX_CONTEXT

    def length(self, form: int) -> int:
        pairs = self.demanded + self.others
        standing = pairs if form == _WITH_OTHERS else 0
        wide, narrow = self.context + pairs, self.numbers + pairs
        return _HEADER.size + 8 * wide + 4 * narrow + standing + self.user


def encode(demand: Demand, enqueued_ms: int) -> bytes:
    """Raises ValueError past a bound."""
    user, others = demand.user_id.encode(), demand.others
    sizes = _Sizes(
        len(demand.item_keys), len(user), len(demand.context), len(demand.context_numbers),
        0 if others is None else len(others.item_keys),
    )  # fmt: skip
    if not sizes.is_bounded:
        raise ValueError(
            f"{sizes.demanded + sizes.others} pairs, {sizes.context} context columns, "
            f"user of {sizes.user} bytes"
        )
    form = _ALONE if others is None else _WITH_OTHERS
    header = _HEADER.pack(_MAGIC, form, demand.as_of_ms, enqueued_ms, *sizes)
    return header + b"".join(column.tobytes() for column in _columns(demand)) + user


def _columns(demand: Demand) -> list[Any]:
    wide, narrow = [demand.context, demand.item_keys], [demand.context_numbers, demand.scores]
    if demand.others is None:
        return _typed(wide, "<u8") + _typed(narrow, "<f4")
    items, scores, standing = demand.others
    return [*_typed([*wide, items], "<u8"), *_typed([*narrow, scores], "<f4"), standing]


def _typed(columns: list[Any], dtype: str) -> list[Any]:
    return [column.astype(dtype) for column in columns]


def decode(data: bytes) -> Received:
    """Raises MessageCorrupt."""
    if len(data) < _HEADER.size:
        raise MessageCorrupt(f"{len(data)} bytes are fewer than a demand's header")
    magic, form, as_of_ms, enqueued_ms, *lengths = _HEADER.unpack_from(data)
    sizes = _Sizes(*lengths)
    if magic != _MAGIC or form not in (_ALONE, _WITH_OTHERS) or not sizes.is_bounded:
        raise MessageCorrupt(f"not a demand message of format 1 or 2: begins with {data[:3].hex()}")
    if len(data) != sizes.length(form) or (form == _ALONE and sizes.others):
        raise MessageCorrupt(f"{len(data)} bytes are not what the demand's header means")
    try:
        user_id = data[len(data) - sizes.user :].decode()
    except UnicodeDecodeError as error:
        raise MessageCorrupt(f"the user id is not UTF-8: {error}") from error
    return Received(_read(data, form, user_id, as_of_ms, sizes), enqueued_ms)


def _read(data: bytes, form: int, user_id: str, as_of_ms: int, sizes: _Sizes) -> Demand:
    """Views into `data`."""
    count, _, context, numbers, more = sizes
    words = np.frombuffer(data, "<u8", context + count + more, _HEADER.size)
    at = _HEADER.size + words.nbytes
    values = np.frombuffer(data, "<f4", numbers + count + more, at)
    keys, item_keys, other_keys = np.split(words, [context, context + count])
    context_numbers, scores, other_scores = np.split(values, [numbers, numbers + count])
    others = None
    if form == _WITH_OTHERS:
        standing = np.frombuffer(data, np.uint8, count + more, at + values.nbytes)
        others = Others(other_keys, other_scores, standing)
    return Demand(user_id, as_of_ms, keys, context_numbers, item_keys, scores, others)


def alone(body: bytes) -> bytes:
    """The message without others: what is left to do once a policy has heard of them."""
    demand, enqueued_ms = decode(body)
    return encode(demand._replace(others=None), enqueued_ms)


def pairs_of(body: bytes) -> int:
    """As the header says, of any bytes: what the message weighs in the account of its shard."""
    if len(body) < _COUNT_AT + _COUNT.size:
        return 0
    count: int = _COUNT.unpack_from(body, _COUNT_AT)[0]
    return count
