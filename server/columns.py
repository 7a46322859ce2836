"""Named values of a request → the columns of a log schema."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from models.features.hashing import key64
from models.features.records import F32, U64
from models.schema import Column, categorical, numbers
from server.errors import InvalidRequest
from server.wire import Value, Values

MAX_NUMBER: Final = 1e30
"""Well inside float32."""


class Cells(NamedTuple):
    """Values by position among the table's categorical, and numeric, columns."""

    keys: dict[int, int]
    numbers: dict[int, float]
    unknown: bool  # a name was given that the schema does not have


class Row(NamedTuple):
    keys: U64  # [1, F]
    numbers: F32  # [1, G]
    unknown: bool


class Table:
    """The columns of one table by name. A name that it does not have is ignored and reported:
    callers may send what the next model reads before it is rolled out, or after it is withdrawn."""

    def __init__(self, columns: Sequence[Column]) -> None:
        keyed, numeric = categorical(tuple(columns)), numbers(tuple(columns))
        self._keyed = {column.name: position for position, column in enumerate(keyed)}
        self._numeric = {column.name: position for position, column in enumerate(numeric)}

    def cells(self, values: Values, field: str) -> Cells:
        """None counts as not given. Raises InvalidRequest naming `field`."""
        cells = Cells({}, {}, any(not self._has(name) for name in values))
        for name, value in values.items():
            if value is None:
                continue
            if name in self._keyed:
                cells.keys[self._keyed[name]] = key64(str(value))
            elif name in self._numeric:
                cells.numbers[self._numeric[name]] = _number(value, f"{field}.{name}")
        return cells

    def row(self, values: Values, field: str) -> Row:
        cells = self.cells(values, field)
        keys = np.zeros((1, len(self._keyed)), np.uint64)
        numeric = np.full((1, len(self._numeric)), np.nan, np.float32)
        for position, key in cells.keys.items():
            keys[0, position] = key
        for position, number in cells.numbers.items():
            numeric[0, position] = number
        return Row(keys, numeric, cells.unknown)

    def _has(self, name: str) -> bool:
        return name in self._keyed or name in self._numeric


def _number(value: Value, field: str) -> float:
    if isinstance(value, int | float) and abs(value) <= MAX_NUMBER and math.isfinite(value):
        return float(value)
    raise InvalidRequest(
        f"expected a finite number within ±{MAX_NUMBER:g}",
        field=field,
        value=value,
        remedy="send a number, or leave the field out when it is missing",
    )
