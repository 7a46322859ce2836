"""Demand: which pairs a gateway would have liked the teacher's word on."""

from struct import Struct
from typing import Final, NamedTuple, Self

import numpy as np

from cache.arrays import F32, I64, U64
from cache.errors import MessageCorrupt

MAX_PAIRS: Final = 4096
MAX_USER_BYTES: Final = 1024
MAX_CONTEXT: Final = 255

_HEADER: Final = Struct("<2sBxqqHHBB6x")
_COUNT: Final = Struct("<H")
_COUNT_AT: Final = 20
_MAGIC: Final = b"UD"


class Demand(NamedTuple):
    """Candidates of one request that missed or were stale; scores are the student's."""

    user_id: str
    as_of_ms: int  # the request's time
    context: U64  # [Fc] category keys
    context_numbers: F32  # [Gc]
    item_keys: U64  # [K]
    scores: F32  # [K]

    def only(self, rows: I64) -> Self:
        return self._replace(item_keys=self.item_keys[rows], scores=self.scores[rows])


class Received(NamedTuple):
    demand: Demand
    enqueued_ms: int  # wall clock


def encode(demand: Demand, enqueued_ms: int) -> bytes:
    """Raises ValueError past a bound."""
    user = demand.user_id.encode()
    count, context, numbers = (
        len(demand.item_keys), len(demand.context), len(demand.context_numbers)
    )  # fmt: skip
    if count > MAX_PAIRS or len(user) > MAX_USER_BYTES or max(context, numbers) > MAX_CONTEXT:
        raise ValueError(f"{count} pairs, {context} context columns, user of {len(user)} bytes")
    header = _HEADER.pack(
        _MAGIC, 1, demand.as_of_ms, enqueued_ms, count, len(user), context, numbers
    )
    columns = (
        demand.context.astype("<u8"), demand.item_keys.astype("<u8"),
        demand.context_numbers.astype("<f4"), demand.scores.astype("<f4"),
    )  # fmt: skip
    return header + b"".join(column.tobytes() for column in columns) + user


def decode(data: bytes) -> Received:
    """Raises MessageCorrupt."""
    if len(data) < _HEADER.size:
        raise MessageCorrupt(f"{len(data)} bytes are fewer than a demand's header")
    magic, form, as_of_ms, enqueued_ms, count, user, context, numbers = _HEADER.unpack_from(data)
    if magic != _MAGIC or form != 1 or count > MAX_PAIRS or user > MAX_USER_BYTES:
        raise MessageCorrupt(f"not a demand message of format 1: begins with {data[:3].hex()}")
    if len(data) != _HEADER.size + 8 * (context + count) + 4 * (numbers + count) + user:
        raise MessageCorrupt(f"{len(data)} bytes are not what the demand's header means")
    at = _HEADER.size
    try:
        user_id = data[len(data) - user :].decode()
    except UnicodeDecodeError as error:
        raise MessageCorrupt(f"the user id is not UTF-8: {error}") from error
    return Received(
        Demand(
            user_id,
            as_of_ms,
            np.frombuffer(data, "<u8", context, at),
            item_keys=np.frombuffer(data, "<u8", count, at := at + 8 * context),
            context_numbers=np.frombuffer(data, "<f4", numbers, at := at + 8 * count),
            scores=np.frombuffer(data, "<f4", count, at + 4 * numbers),
        ),
        enqueued_ms,
    )


def pairs_of(body: bytes) -> int:
    """As the header says, of any bytes: what the message weighs in the account of its shard."""
    if len(body) < _COUNT_AT + _COUNT.size:
        return 0
    count: int = _COUNT.unpack_from(body, _COUNT_AT)[0]
    return count
