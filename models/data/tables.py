"""Somebody's CSV and Parquet files as the columns of a log."""

from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import Field

from models.data.errors import MappingInvalid
from models.schema import Column, Frozen

Columns = dict[str, Literal["categorical", "number"]]


class EntityMapping(Frozen):
    file: str
    id: str
    columns: Columns = Field(default_factory=dict)


def entities(
    folder: Path, mapping: EntityMapping | None, ids: pl.Series
) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    met = pl.DataFrame({ids.name: ids.unique().sort()})
    identity = (Column(name=ids.name, kind="categorical"),)
    if mapping is None:
        return met, identity
    table = read_table(folder / mapping.file)
    need(folder / mapping.file, table, [mapping.id, *mapping.columns])
    made = pl.DataFrame(
        {ids.name: table[mapping.id].cast(pl.String), **typed(table, mapping.columns)}
    )
    repeated = made.filter(pl.col(ids.name).is_duplicated())
    if len(repeated):
        raise MappingInvalid(
            f"{folder / mapping.file}: column {mapping.id!r}: {repeated[0, 0]!r} is there twice: "
            "keep one row an id"
        )
    made = met.join(made, on=ids.name, how="full", coalesce=True).sort(ids.name)
    return made, identity + schema_columns(mapping.columns)


def typed(table: pl.DataFrame, columns: Columns) -> dict[str, Any]:
    kinds = {"categorical": pl.String, "number": pl.Float64}
    return {name: table[name].cast(kinds[kind], strict=False) for name, kind in columns.items()}


def schema_columns(columns: Columns) -> tuple[Column, ...]:
    return tuple(Column(name=name, kind=kind) for name, kind in columns.items())


def need(path: Path, table: pl.DataFrame, names: list[str]) -> None:
    for name in names:
        if name not in table.columns:
            raise MappingInvalid(f"{path} has no column {name!r}; it has {table.columns}")


def read_table(path: Path) -> pl.DataFrame:
    """A CSV file's values as text, so that an id 007 stays one."""
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise MappingInvalid(f"{path} is not a readable CSV or Parquet table: {error}") from error
