"""What was told of items, as rows of bytes. Format: docs/cache.md."""

from collections.abc import Mapping, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from cache.arrays import F32, I64, U8, U64, Mask
from cache.errors import MessageCorrupt

FORMAT_VERSION: Final = 1
MAX_ROWS: Final = 1000
MAX_COLUMNS: Final = 1024
MAX_STATUS: Final = 2
ROW_MAGIC: Final = b"UC"
MESSAGE_MAGIC: Final = b"UM"

_HEADER: Final = Struct("<2sBxIQQ")


class CatalogueRows(NamedTuple):
    """Satisfies models.features.item_changes.ItemChanges; its statuses are those of
    models.features.item_status."""

    keys: U64  # [n]
    status: U8  # [n]
    status_at: I64  # [n] ms
    columns_at: I64  # [n] ms; 0 = nothing is told of the columns
    columns: U64  # [n, F]
    numbers: F32  # [n, G]

    def last_of_each(self) -> Self:
        """Of each item the row that came last; keys ascending."""
        _, from_end = np.unique(self.keys[::-1], return_index=True)
        return self.part(len(self.keys) - 1 - from_end)

    def part(self, of: I64 | Mask) -> Self:
        columns: list[Any] = [column[of] for column in self]
        return type(self)(*columns)


class Message(NamedTuple):
    rows: CatalogueRows
    after: bytes  # id of the message before it
    foreign: int  # rows of another log schema or format, left out


class Layout:
    """The rows of one log schema: F categorical and G numeric item columns."""

    def __init__(self, fingerprint: int, columns: int, numbers: int) -> None:
        if max(columns, numbers) > MAX_COLUMNS:
            raise ValueError(f"{columns} columns and {numbers} numbers, at most {MAX_COLUMNS} each")
        self._constants = {
            "magic": ROW_MAGIC, "form": FORMAT_VERSION, "fingerprint": fingerprint,
            "widths": (columns, numbers),
        }  # fmt: skip
        fields: list[Any] = [
            ("magic", "S2"), ("form", "u1"), ("status", "u1"), ("widths", "<u2", 2),
            ("status_at", "<i8"), ("columns_at", "<i8"), ("fingerprint", "<u8"),
            ("columns", "<u8", columns), ("numbers", "<f4", numbers),
        ]  # fmt: skip
        self._row = np.dtype(fields)
        self._keyed = np.dtype([("key", "<u8"), ("row", self._row)])

    def encode(self, rows: CatalogueRows) -> list[tuple[bytes, bytes]]:
        """Field and value of each row, as the table holds them."""
        packed = np.zeros(len(rows.keys), self._row)
        for name, value in (*self._constants.items(), *rows._asdict().items()):
            if name != "keys":
                packed[name] = value
        size, data = self._row.itemsize, packed.tobytes()
        values = (data[at : at + size] for at in range(0, len(data), size))
        return list(zip(map(_field, rows.keys.tolist()), values, strict=True))

    def decode_fields(self, fields: Mapping[bytes, bytes]) -> tuple[CatalogueRows, int]:
        """Of a part of the table; and how many are of another log schema or format."""
        size = self._row.itemsize
        fitting = [
            field + value
            for field, value in fields.items()
            if len(field) == 8 and len(value) == size
        ]
        return self._rows(b"".join(fitting), len(fields))

    def decode_message(self, body: bytes) -> Message:
        """Raises MessageCorrupt. A message is of one log schema."""
        if len(body) < _HEADER.size:
            raise MessageCorrupt(f"{len(body)} bytes are fewer than a catalogue message's header")
        magic, form, count, after_ms, after_number = _HEADER.unpack_from(body)
        if magic != MESSAGE_MAGIC or form != FORMAT_VERSION or count > MAX_ROWS:
            raise MessageCorrupt(
                f"not a catalogue message of format {FORMAT_VERSION}: begins with {body[:4].hex()}"
            )
        fits = len(body) - _HEADER.size == count * self._keyed.itemsize
        rows, foreign = self._rows(body[_HEADER.size :] if fits else b"", count)
        return Message(rows, b"%d-%d" % (after_ms, after_number), foreign)

    def none(self) -> CatalogueRows:
        return self._rows(b"", 0)[0]

    def joined(self, parts: Sequence[CatalogueRows]) -> CatalogueRows:
        columns: Any = zip(*parts, self.none(), strict=True)
        return CatalogueRows(*map(np.concatenate, columns))

    def _rows(self, data: bytes, count: int) -> tuple[CatalogueRows, int]:
        keyed = np.frombuffer(data, self._keyed)
        row: NDArray[Any] = keyed["row"]
        is_ours = row["status"] <= MAX_STATUS
        for name, value in self._constants.items():
            is_same = row[name] == value
            is_ours &= is_same.all(axis=1) if is_same.ndim > 1 else is_same
        keyed, row = keyed[is_ours], row[is_ours]
        names = CatalogueRows._fields[1:]
        columns: list[Any] = [np.ascontiguousarray(row[name]) for name in names]
        return CatalogueRows(np.ascontiguousarray(keyed["key"]), *columns), count - len(keyed)


def _field(key: int) -> bytes:
    return key.to_bytes(8, "little")
