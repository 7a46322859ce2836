"""Anybody's CSV or Parquet → a log, by a YAML file that says which column is what.

docs/data.md has an example of every key.
"""

from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import yaml
from pydantic import Field, ValidationError

from models.data.errors import MappingInvalid
from models.data.log import Log
from models.data.periods import Periods, by_share
from models.data.statistics import fitted
from models.data.tables import (
    Columns,
    EntityMapping,
    entities,
    need,
    read_table,
    schema_columns,
    typed,
)
from models.schema import Frozen, LogSchema

MAX_MAPPING_BYTES = 1 << 20


class ImpressionMapping(Frozen):
    """File columns by role. Without `request_id`, rows of one user and time are one request."""

    file: str
    timestamp: str
    unit: Literal["ms", "s", "iso"] = "ms"
    user_id: str
    item_id: str
    request_id: str | None = None
    position: str | None = None
    labels: Annotated[dict[str, str], Field(min_length=1)]
    context: Columns = Field(default_factory=dict)

    def named(self) -> list[str]:
        """Every column that the file must have."""
        optional = [name for name in (self.request_id, self.position) if name is not None]
        fixed = [self.timestamp, self.user_id, self.item_id]
        return [*fixed, *optional, *self.labels.values(), *self.context]


class Mapping(Frozen):
    impressions: ImpressionMapping
    items: EntityMapping | None = None
    users: EntityMapping | None = None
    periods: Periods | None = None
    provenance: str = "imported by a column mapping"


def read_mapping(path: Path) -> Log:
    """Files are relative to the mapping's folder. Raises MappingInvalid."""
    mapping = _mapping(path)
    impressions = _impressions(path.parent, mapping.impressions)
    items, item_columns = entities(path.parent, mapping.items, impressions["item_id"])
    users, user_columns = entities(path.parent, mapping.users, impressions["user_id"])
    times = impressions["timestamp_ms"]
    return fitted(
        Log(
            schema=LogSchema(
                tasks=tuple(mapping.impressions.labels),
                user=user_columns,
                item=item_columns,
                context=schema_columns(mapping.impressions.context),
            ),
            periods=mapping.periods or by_share(times[0], times[-1]),
            provenance=mapping.provenance,
            impressions=impressions,
            items=items,
            users=users,
        )
    )


def _mapping(path: Path) -> Mapping:
    try:
        if path.stat().st_size > MAX_MAPPING_BYTES:
            raise MappingInvalid(f"{path} is larger than {MAX_MAPPING_BYTES} bytes")
        return Mapping.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise MappingInvalid(f"{path} is not a column mapping: {error}") from error


def _impressions(folder: Path, mapping: ImpressionMapping) -> pl.DataFrame:
    path = folder / mapping.file
    table = read_table(path)
    need(path, table, mapping.named())
    if not len(table):
        raise MappingInvalid(f"{path} has no rows")
    timestamp_ms = _timestamp_ms(path, table[mapping.timestamp], mapping.unit)
    user_id = table[mapping.user_id].cast(pl.String)
    labels = {task: _label(path, table[name]) for task, name in mapping.labels.items()}
    made = pl.DataFrame(
        {
            "request_id": table[mapping.request_id].cast(pl.String)
            if mapping.request_id
            else user_id + "-" + timestamp_ms.cast(pl.String),
            "timestamp_ms": timestamp_ms,
            "user_id": user_id,
            "item_id": table[mapping.item_id].cast(pl.String),
            **typed(table, mapping.context),
            **labels,
        }
    )
    shown = table[mapping.position] if mapping.position else pl.lit(0)
    position = shown.cast(pl.Int16, strict=False).fill_null(0).alias("position")
    made = made.with_columns(position)
    return made.sort("timestamp_ms", "request_id", "position", maintain_order=True)


def _timestamp_ms(path: Path, values: pl.Series, unit: str) -> pl.Series:
    if unit == "iso":
        if values.dtype == pl.String:
            values = values.str.to_datetime(time_unit="ms", time_zone="UTC", strict=False)
        times = values.cast(pl.Datetime("ms"), strict=False).dt.epoch("ms")
    else:
        numeric = values.cast(pl.Float64 if unit == "s" else pl.Int64, strict=False)
        times = (numeric * (1000 if unit == "s" else 1)).cast(pl.Int64)
    if times.null_count():
        wrong = values.filter(times.is_null())[0]
        raise MappingInvalid(f"{path}: column {values.name!r}: {wrong!r} is no time in {unit!r}")
    return times


def _label(path: Path, values: pl.Series) -> pl.Series:
    """Missing → −1."""
    text = values.cast(pl.String).str.to_lowercase().replace({"true": "1", "false": "0"})
    numeric = text.cast(pl.Float64, strict=False)
    unreadable = values.is_not_null() & (numeric.is_null() | ~numeric.is_in([-1.0, 0.0, 1.0]))
    if unreadable.any():
        wrong = values.filter(unreadable)[0]
        raise MappingInvalid(
            f"{path}: column {values.name!r}: label {wrong!r} is not 0, 1, −1 or missing"
        )
    return numeric.fill_null(-1).cast(pl.Int8)
