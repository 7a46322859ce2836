"""Users' live state at one instant: what a fresh cache is loaded with. See docs/data.md."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from models.features.mapped_file import save_whole
from models.features.records import F32, F64, I64, U8, U64
from models.schema import LogSchema


class SnapshotError(Exception):
    """The snapshot file is unreadable."""


@dataclass(frozen=True, slots=True)
class UsersSnapshot:
    """U users; user i's events are `[history_offsets[i], history_offsets[i + 1])`, oldest first."""

    schema: LogSchema
    user_ids: tuple[str, ...]
    columns: U64  # [U, F]
    numbers: F32  # [U, G]
    counters: F64  # [U, 1 + T]
    counters_at: I64  # [U] ms
    history_offsets: I64  # [U + 1]
    history_items: U64  # [E]
    history_times_ms: I64  # [E]
    history_outcomes: U8  # [E]

    def save(self, path: Path) -> None:
        arrays: dict[str, NDArray[Any]] = {
            field.name: np.ascontiguousarray(getattr(self, field.name))
            for field in fields(self)
            if field.name not in ("schema", "user_ids")
        }
        arrays["user_ids"] = np.frombuffer("\n".join(self.user_ids).encode(), np.uint8)
        save_whole(path, arrays, {"schema": self.schema.model_dump_json()})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises SnapshotError."""
        try:
            with safe_open(path, framework="numpy") as file:
                schema = LogSchema.model_validate_json(file.metadata()["schema"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            text = arrays.pop("user_ids").tobytes().decode()
            return cls(schema, tuple(text.split("\n") if text else ()), **arrays)
        except Exception as error:
            raise SnapshotError(f"snapshot {path} is unreadable: {error}") from error
