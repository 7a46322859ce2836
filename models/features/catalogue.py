"""The items that can be ranked: columns by 64-bit key, with their live counters."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from models.features.counted import Counted, ItemCounts
from models.features.encoding import EncodedColumns, Encoding
from models.features.mapped_file import Mapped, mapped, save_whole
from models.features.records import F32, F64, I64, U8, U64
from models.schema import LogSchema, categorical, numbers

COUNTED: Final = ("counters", "counters_at")


class CatalogueError(Exception):
    """The catalogue file is unreadable or was made for another log schema."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """M items sorted by key, then one row of zeros (row M) for every unknown item.

    The counters are live: whoever owns the catalogue in a process may write them. All else is
    read-only once it comes from a file.
    """

    schema: LogSchema
    keys: U64  # [M] ascending
    columns: U64  # [M + 1, F] categorical value keys
    numbers: F32  # [M + 1, G]
    counters: F64  # [M + 1, 1 + T]
    counters_at: I64  # [M + 1] ms
    status: U8  # [M + 1] codes of item_status.STATUSES
    status_at: I64  # [M + 1] ms; 0 = never told
    columns_at: I64  # [M + 1] ms; 0 = as they were logged
    encoded: EncodedColumns | None = None  # by the schema's own encoding, when a file holds them

    @classmethod
    def of(cls, schema: LogSchema, keys: U64, columns: U64, numbers: F32) -> Self:
        """From one row an item in any order; raises CatalogueError when two items share a key."""
        order = np.argsort(keys)
        keys = keys[order]
        if len(keys) > 1 and bool((keys[1:] == keys[:-1]).any()):
            raise CatalogueError("two items have the same key: item ids must be unique")
        columns = np.concatenate([columns[order], np.zeros((1, columns.shape[1]), np.uint64)])
        numbers = np.concatenate(
            [numbers[order], np.full((1, numbers.shape[1]), np.nan, np.float32)]
        )
        return cls(schema, keys, columns, numbers, **_untold(schema, len(keys)))

    def __len__(self) -> int:
        return len(self.keys)

    def rows(self, keys: U64) -> I64:
        """Rows of any shape of keys; unknown ones read the row of zeros, `len(self)`."""
        if not len(self.keys):
            return np.zeros(keys.shape, np.int64)
        found = np.searchsorted(self.keys, keys)
        found[found == len(self.keys)] = 0
        return np.where(self.keys[found] == keys, found, len(self.keys))

    @property
    def counted_in_place(self) -> Counted:
        return Counted(self.counters, self.counters_at)

    def counted(self, rows: I64) -> Counted:
        return Counted(self.counters.take(rows, axis=0), self.counters_at.take(rows))

    def count(self, counts: ItemCounts) -> int:
        """In place; the number of items whose counters changed."""
        rows = self.rows(counts.keys)
        known = rows < len(self)
        counted = Counted(counts.counters, counts.counters_at)
        return self.counted_in_place.write(rows[known], counted.at(known))

    def save(self, path: Path) -> None:
        """With its columns encoded too, so that processes share those."""
        arrays: dict[str, NDArray[Any]] = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("schema", "encoded")
        }
        if all(column.buckets > 1 for column in categorical(self.schema.item)):
            encoded = Encoding.of(self.schema.item).encoded(self.columns, self.numbers)
            arrays |= {f"encoded_{name}": array for name, array in encoded._asdict().items()}
        save_whole(path, arrays, {"schema": self.schema.model_dump_json()})

    @classmethod
    def load(cls, path: Path, schema: LogSchema | None = None) -> Self:
        """Mapped from the file, which must be replaced and never written over; a counter that is
        written stays this process's own.

        Raises CatalogueError when unreadable, or when `schema` has another fingerprint.
        """
        try:
            found = mapped(path, COUNTED)
            held = LogSchema.model_validate_json(found.metadata["schema"])
            arrays = _checked(found, held)
        except Exception as error:
            raise CatalogueError(f"catalogue {path} is unreadable: {error}") from error
        if schema is not None and schema.fingerprint() != held.fingerprint():
            raise CatalogueError(
                f"catalogue {path} was written for another log schema than the bundle's: "
                "export both from one run"
            )
        encoded = _encoded(arrays)
        if schema is not None and schema.item != held.item:
            encoded = None  # the same columns, read in another way
        return cls(schema or held, **arrays, encoded=encoded)


def _untold(schema: LogSchema, items: int) -> dict[str, Any]:
    """What nobody has told of the items yet, nor counted."""
    return {
        "counters": np.zeros((items + 1, 1 + len(schema.tasks))),
        "counters_at": np.zeros(items + 1, np.int64),
        "status": np.zeros(items + 1, np.uint8),
        "status_at": np.zeros(items + 1, np.int64),
        "columns_at": np.zeros(items + 1, np.int64),
    }


def _checked(found: Mapped, schema: LogSchema) -> dict[str, NDArray[Any]]:
    """All arrays, each of the shape that the schema means. Raises ValueError."""
    items = len(found.arrays["keys"])
    arrays = _untold(schema, items) | found.arrays
    keyed, numeric = len(categorical(schema.item)), len(numbers(schema.item))
    widths = {
        "keys": (items,),
        "columns": (items + 1, keyed),
        "numbers": (items + 1, numeric),
        "encoded_categorical": (items + 1, keyed),
        "encoded_numbers": (items + 1, numeric),
        "counters": (items + 1, 1 + len(schema.tasks)),
    }
    for name, array in arrays.items():
        expected = widths.get(name, (items + 1,))
        if array.shape != expected:
            raise ValueError(f"{name} has the shape {array.shape}, not {expected}: export it again")
    return arrays


def _encoded(arrays: dict[str, NDArray[Any]]) -> EncodedColumns | None:
    """Taken out of the arrays."""
    names = [f"encoded_{name}" for name in EncodedColumns._fields]
    columns = [arrays.pop(name) for name in names if name in arrays]
    return EncodedColumns(*columns) if len(columns) == len(names) else None
