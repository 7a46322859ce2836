"""What was told of items, as any store holds it."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from models.features.records import F32, I64, U8, U64


class ItemChanges(Protocol):
    """See cache.catalogue_rows. Status and columns each have their own time: either may be told
    without the other having changed."""

    @property
    def keys(self) -> U64: ...  # [n] ascending, unique
    @property
    def status(self) -> U8: ...  # [n] codes of item_status.STATUSES
    @property
    def status_at(self) -> I64: ...  # [n] ms
    @property
    def columns_at(self) -> I64: ...  # [n] ms; 0 = nothing is told of the columns
    @property
    def columns(self) -> U64: ...  # [n, F] categorical value keys
    @property
    def numbers(self) -> F32: ...  # [n, G]


def parts(changes: ItemChanges, size: int) -> Iterator[ItemChanges]:
    for start in range(0, len(changes.keys), size):
        of = slice(start, start + size)
        yield _Part(
            changes.keys[of],
            changes.status[of],
            changes.status_at[of],
            changes.columns_at[of],
            changes.columns[of],
            changes.numbers[of],
        )


class _Part(NamedTuple):
    keys: U64
    status: U8
    status_at: I64
    columns_at: I64
    columns: U64
    numbers: F32
