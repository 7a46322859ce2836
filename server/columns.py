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
        self._no_keys = np.zeros((1, len(keyed)), np.uint64)
        self._no_numbers = np.full((1, len(numeric)), np.nan, np.float32)

    def cells(self, values: Values, field: str) -> Cells:
        """None counts as not given. Raises InvalidRequest naming `field`."""
        keys, given, unknown = {}, {}, False
        for name, value in values.items():
            if (position := self._keyed.get(name)) is not None:
                if value is not None:
                    keys[position] = key64(str(value))
            elif (position := self._numeric.get(name)) is not None:
                if value is not None:
                    given[position] = _number(value, f"{field}.{name}")
            else:
                unknown = True
        return Cells(keys, given, unknown)

    def row(self, values: Values, field: str) -> Row:
        cells = self.cells(values, field)
        keys, numeric = self._no_keys.copy(), self._no_numbers.copy()
        for position, key in cells.keys.items():
            keys[0, position] = key
        for position, number in cells.numbers.items():
            numeric[0, position] = number
        return Row(keys, numeric, cells.unknown)


def _number(value: Value, field: str) -> float:
    if isinstance(value, int | float) and abs(value) <= MAX_NUMBER and math.isfinite(value):
        return float(value)
    raise InvalidRequest(
        f"expected a finite number within ±{MAX_NUMBER:g}",
        field=field,
        value=value,
        remedy="send a number, or leave the field out when it is missing",
    )
