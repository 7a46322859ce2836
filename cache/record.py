"""The user record: profile, counters and recent events, as bytes. Format: docs/cache.md."""

from struct import Struct
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import (
    BYTE,
    F32,
    F64,
    I64,
    LE_F32,
    LE_F64,
    LE_I64,
    LE_U64,
    U8,
    U64,
)
from cache.checksum import checksum
from cache.errors import RecordCorrupt

FORMAT_VERSION: Final = 2
MAX_COLUMNS: Final = 1024
MAX_TASKS: Final = 4
MAX_HISTORY: Final = 256
MAX_EVENT_IDS: Final = 64

_HEADER: Final = Struct("<2sBBIQQQqHHHBB16x")
_MAGIC: Final = b"UR"


class UserRecord(NamedTuple):
    """What is known of a user when a request arrives; arrays may be read-only views.

    Satisfies models.features.records.UserState. Outcome bits and counters are as defined there.
    """

    columns: U64  # [F] categorical value keys
    numbers: F32  # [G] NaN = missing
    counters: F64  # [1 + T]
    counters_at: int  # ms; 0 = never counted
    items: U64  # [M] item keys, oldest first
    times_ms: I64  # [M]
    outcomes: U8  # [M]
    event_ids: U64  # [≤ 64] of the newest events counted, oldest first
    version: int
    fingerprint: int  # of the log schema that the columns follow
    fence: int = 0


def empty_record(columns: int, numbers: int, tasks: int, fingerprint: int) -> UserRecord:
    """A user never seen."""
    return UserRecord(
        columns=np.zeros(columns, np.uint64),
        numbers=np.full(numbers, np.nan, np.float32),
        counters=np.zeros(1 + tasks),
        counters_at=0,
        items=np.zeros(0, np.uint64),
        times_ms=np.zeros(0, np.int64),
        outcomes=np.zeros(0, np.uint8),
        event_ids=np.zeros(0, np.uint64),
        version=0,
        fingerprint=fingerprint,
    )


def encode(record: UserRecord) -> bytes:
    """The newest MAX_HISTORY events and MAX_EVENT_IDS ids stay. Raises ValueError past a bound."""
    items, times_ms, outcomes = (
        column[-MAX_HISTORY:] for column in (record.items, record.times_ms, record.outcomes)
    )
    event_ids = record.event_ids[-MAX_EVENT_IDS:]
    columns, numbers, tasks = len(record.columns), len(record.numbers), len(record.counters) - 1
    if max(columns, numbers) > MAX_COLUMNS or not 0 < tasks <= MAX_TASKS:
        raise ValueError(f"{columns} columns, {numbers} numbers, {tasks} tasks exceed a record")
    fields = (
        record.version, record.fence, record.fingerprint, record.counters_at,
        columns, numbers, len(items), tasks, len(event_ids),
    )  # fmt: skip
    body = b"".join(
        (
            record.columns.astype(LE_U64).tobytes(),
            record.counters.astype(LE_F64).tobytes(),
            items.astype(LE_U64).tobytes(),
            times_ms.astype(LE_I64).tobytes(),
            event_ids.astype(LE_U64).tobytes(),
            record.numbers.astype(LE_F32).tobytes(),
            outcomes.astype(BYTE).tobytes(),
        )
    )
    unsigned = _HEADER.pack(_MAGIC, FORMAT_VERSION, 0, 0, *fields) + body
    return _HEADER.pack(_MAGIC, FORMAT_VERSION, 0, checksum(unsigned), *fields) + body


def decode(data: bytes) -> UserRecord:
    """Raises RecordCorrupt; every size is bounded before anything is sliced by it."""
    if len(data) < _HEADER.size:
        raise RecordCorrupt(f"{len(data)} bytes are fewer than a record's header")
    (magic, form, _, proof, version, fence, fingerprint, counters_at, columns, numbers, history,
     tasks, event_ids) = _HEADER.unpack_from(data)  # fmt: skip
    if magic != _MAGIC or form != FORMAT_VERSION:
        raise RecordCorrupt(f"not a record of format {FORMAT_VERSION}: {data[:4].hex()}")
    _check_bounds(columns, numbers, history, tasks, event_ids)
    counted = 1 + tasks
    expected = _HEADER.size + 8 * (columns + counted + event_ids) + 4 * numbers + 17 * history
    if len(data) != expected:
        raise RecordCorrupt(f"{len(data)} bytes where the header means {expected}")
    if checksum(data) != proof:
        raise RecordCorrupt("the checksum does not match: the value was damaged")
    at = _HEADER.size
    return UserRecord(
        columns=np.frombuffer(data, LE_U64, columns, at),
        counters=np.frombuffer(data, LE_F64, counted, at := at + 8 * columns),
        counters_at=counters_at,
        items=np.frombuffer(data, LE_U64, history, at := at + 8 * counted),
        times_ms=np.frombuffer(data, LE_I64, history, at := at + 8 * history),
        event_ids=np.frombuffer(data, LE_U64, event_ids, at := at + 8 * history),
        numbers=np.frombuffer(data, LE_F32, numbers, at := at + 8 * event_ids),
        outcomes=np.frombuffer(data, BYTE, history, at + 4 * numbers),
        version=version,
        fence=fence,
        fingerprint=fingerprint,
    )


def _check_bounds(columns: int, numbers: int, history: int, tasks: int, event_ids: int) -> None:
    if (
        max(columns, numbers) > MAX_COLUMNS
        or history > MAX_HISTORY
        or event_ids > MAX_EVENT_IDS
        or not 0 < tasks <= MAX_TASKS
    ):
        raise RecordCorrupt(
            f"{columns} columns, {numbers} numbers, {history} events, {tasks} tasks, "
            f"{event_ids} ids are beyond a record's bounds"
        )
