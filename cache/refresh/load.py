"""A fresh cache begins with what was known when the model was exported."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from cache import record
from cache.items import FIELD, pack_value
from cache.keys import ITEMS_TABLE, record_key
from cache.record import MAX_HISTORY, UserRecord
from cache.store import Replacement, Store
from cache.table import Change, Table
from models.features.catalogue import Catalogue
from models.features.snapshot import UsersSnapshot

BATCH: Final = 500
Progress = Callable[[str, int, int], None]
"""(what, done, total)"""


async def load_users(
    snapshot: UsersSnapshot, store: Store, ttl_s: float | None, progress: Progress
) -> int:
    """Users who have a record keep it: it is newer. The number written."""
    written = 0
    total = len(snapshot.user_ids)
    for batch in _batches(total):
        replacements = [
            Replacement(record_key(snapshot.user_ids[user]), _encoded(snapshot, user), 0, 0)
            for user in batch
        ]
        written += sum(await store.replace_many(replacements, ttl_s))
        progress("users", batch.stop, total)
    return written


async def load_items(catalogue: Catalogue, table: Table, progress: Progress) -> int:
    """Counted items that the table does not know yet. The number written."""
    rows = np.flatnonzero(catalogue.counters_at[: len(catalogue)])
    written = 0
    for batch in _batches(len(rows)):
        changes = [_change(catalogue, int(row)) for row in rows[batch.start : batch.stop]]
        written += sum(await table.change(ITEMS_TABLE, changes))
        progress("items", batch.stop, len(rows))
    return written


def _batches(total: int) -> Iterator[range]:
    for start in range(0, total, BATCH):
        yield range(start, min(start + BATCH, total))


def _encoded(snapshot: UsersSnapshot, user: int) -> bytes:
    begin, end = (int(at) for at in snapshot.history_offsets[user : user + 2])
    events = slice(max(begin, end - MAX_HISTORY), end)
    return record.encode(
        UserRecord(
            columns=snapshot.columns[user],
            numbers=snapshot.numbers[user],
            counters=snapshot.counters[user],
            counters_at=int(snapshot.counters_at[user]),
            items=snapshot.history_items[events],
            times_ms=snapshot.history_times_ms[events],
            outcomes=snapshot.history_outcomes[events],
            event_ids=np.zeros(0, np.uint64),
            version=1,
            fingerprint=snapshot.schema.fingerprint(),
        )
    )


def _change(catalogue: Catalogue, row: int) -> Change:
    value = pack_value(int(catalogue.counters_at[row]), catalogue.counters[row])
    return Change(FIELD.pack(int(catalogue.keys[row])), None, value)
