"""A batch of items as callers tell them → rows of the catalogue, checked."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from cache.catalogue_rows import CatalogueRows
from models.features.hashing import key64
from models.features.item_status import STATUSES
from models.schema import Column, categorical, numbers
from server.columns import Cells, Table
from server.errors import InvalidRequest
from server.wire import ItemEntry, Values

ID_COLUMN: Final = "item_id"
"""In a log, the column of this name holds the item's own id."""


class ItemRow(NamedTuple):
    key: int
    status: int
    at_ms: int
    columns_at_ms: int  # 0 when nothing is told of the columns
    columns: list[int]  # [F]
    numbers: list[float]  # [G]


class ItemReader:
    """Of one log schema. Names that it does not have are ignored, as in requests, and remembered
    in `unknown`."""

    def __init__(self, columns: tuple[Column, ...], now_ms: int, latest_ms: int | None) -> None:
        self._table = Table(columns)
        self._names = frozenset(column.name for column in columns)
        keyed = [column.name for column in categorical(columns)]
        self._id_position = keyed.index(ID_COLUMN) if ID_COLUMN in keyed else None
        self._keyed, self._numeric = range(len(keyed)), range(len(numbers(columns)))
        self._now_ms = now_ms
        self._latest_ms = latest_ms
        self.unknown: set[str] = set()

    def read(self, entry: ItemEntry, field: str) -> ItemRow:
        """Raises InvalidRequest."""
        at_ms = entry.timestamp_ms or self._now_ms
        if self._latest_ms is not None and at_ms > self._latest_ms:
            raise InvalidRequest(
                "the change is in the future",
                field=f"{field}.timestamp_ms",
                value=at_ms,
                remedy="check the sender's clock, or leave timestamp_ms out",
            )
        features = entry.features or {}
        cells = self._cells(entry, features, f"{field}.features")
        return ItemRow(
            key64(entry.item_id),
            STATUSES.index(entry.status),
            at_ms,
            at_ms if features else 0,
            [cells.keys.get(position, 0) for position in self._keyed],
            [cells.numbers.get(position, math.nan) for position in self._numeric],
        )

    def _cells(self, entry: ItemEntry, features: Values, field: str) -> Cells:
        cells = self._table.cells(features, field)
        if cells.unknown:
            self.unknown |= features.keys() - self._names
        if features and self._id_position is not None:
            key = key64(entry.item_id)
            if cells.keys.setdefault(self._id_position, key) != key:
                raise InvalidRequest(
                    f"an item's {ID_COLUMN} is its own id",
                    field=f"{field}.{ID_COLUMN}",
                    value=features[ID_COLUMN],
                    remedy=f"leave it out, or send {entry.item_id!r}",
                )
        return cells

    def rows(self, items: Sequence[ItemRow]) -> CatalogueRows:
        keys, status, at_ms, columns_at_ms, columns, given = zip(*items, strict=True)
        return CatalogueRows(
            keys=np.array(keys, np.uint64),
            status=np.array(status, np.uint8),
            status_at=np.array(at_ms, np.int64),
            columns_at=np.array(columns_at_ms, np.int64),
            columns=np.array(columns, np.uint64),
            numbers=np.array(given, np.float32),
        )
