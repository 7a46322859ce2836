"""The items that can be ranked: columns by 64-bit key, with their live counters."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from models.features.records import F32, F64, I64, U64
from models.schema import LogSchema


class CatalogueError(Exception):
    """The catalogue file is unreadable or was made for another log schema."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """M items sorted by key, then one row of zeros (row M) for every unknown item.

    The counters are live: whoever owns the catalogue in a process may write them.
    """

    schema: LogSchema
    keys: U64  # [M] ascending
    columns: U64  # [M + 1, F] categorical value keys
    numbers: F32  # [M + 1, G]
    counters: F64  # [M + 1, 1 + T]
    counters_at: I64  # [M + 1] ms

    @classmethod
    def of(cls, schema: LogSchema, keys: U64, columns: U64, numbers: F32) -> Self:
        """From one row an item in any order; raises CatalogueError when two items share a key."""
        order = np.argsort(keys)
        keys = keys[order]
        if len(keys) > 1 and bool((keys[1:] == keys[:-1]).any()):
            raise CatalogueError("two items have the same key: item ids must be unique")
        rows = len(keys) + 1
        return cls(
            schema,
            keys,
            np.concatenate([columns[order], np.zeros((1, columns.shape[1]), np.uint64)]),
            np.concatenate([numbers[order], np.full((1, numbers.shape[1]), np.nan, np.float32)]),
            np.zeros((rows, 1 + len(schema.tasks))),
            np.zeros(rows, np.int64),
        )

    def __len__(self) -> int:
        return len(self.keys)

    def rows(self, keys: U64) -> I64:
        """Rows of any shape of keys; unknown ones read the row of zeros, `len(self)`."""
        if not len(self.keys):
            return np.zeros(keys.shape, np.int64)
        found = np.searchsorted(self.keys, keys)
        found[found == len(self.keys)] = 0
        return np.where(self.keys[found] == keys, found, len(self.keys))

    def save(self, path: Path) -> None:
        arrays: dict[str, NDArray[Any]] = {
            "keys": self.keys,
            "columns": self.columns,
            "numbers": self.numbers,
            "counters": self.counters,
            "counters_at": self.counters_at,
        }
        save_file(arrays, path, {"schema": self.schema.model_dump_json()})

    @classmethod
    def load(cls, path: Path, schema: LogSchema | None = None) -> Self:
        """Raises CatalogueError when unreadable, or when `schema` has another fingerprint."""
        try:
            with safe_open(path, framework="numpy") as file:
                held = LogSchema.model_validate(json.loads(file.metadata()["schema"]))
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except Exception as error:
            raise CatalogueError(f"catalogue {path} is unreadable: {error}") from error
        if schema is not None and schema.fingerprint() != held.fingerprint():
            raise CatalogueError(
                f"catalogue {path} was written for another log schema than the bundle's: "
                "export both from one run"
            )
        return cls(schema or held, **arrays)
