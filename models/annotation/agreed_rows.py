"""Rows of several logs that speak of one thing, made one."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from models.annotation.errors import LogsUnlike
from models.schema import Column

LOG: Final = "__log"
FIRST: Final = "__first_"


def table_of(table: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """These columns alone, in types that logs share; a number that is missing is null."""
    return table.select(
        pl.col(column.name)
        if column.kind == "categorical"
        else pl.col(column.name).cast(pl.Float64).fill_nan(None)
        for column in columns
    )


def agreed(
    tables: Mapping[str, pl.DataFrame], key: Sequence[str], *, null_is_unknown: bool = False
) -> pl.DataFrame:
    """One row a key, in the order of first sight. Raises LogsUnlike where two logs differ.

    With `null_is_unknown` a value in one of them goes with a null in another, and is kept.
    """
    rows = pl.concat(
        [table.with_columns(pl.lit(name).alias(LOG)) for name, table in tables.items()]
    )
    columns = [name for name in rows.columns if name not in (*key, LOG)]
    for column in columns:
        _check(rows.drop_nulls(column) if null_is_unknown else rows, key, column)
    known = [pl.col(column).drop_nulls().first() for column in columns]
    return rows.group_by(key, maintain_order=True).agg(known)


def _check(rows: pl.DataFrame, key: Sequence[str], column: str) -> None:
    first = pl.col(column, LOG).first().over(key).name.prefix(FIRST)
    both = rows.select(*key, column, LOG).with_columns(first)
    wrong = both.filter(pl.col(column).ne_missing(pl.col(FIRST + column)))
    if not len(wrong):
        return
    row = wrong.row(0, named=True)
    thing = ", ".join(f"{name} {row[name]!r}" for name in key)
    raise LogsUnlike(
        f"{thing}: column {column!r} is {row[FIRST + column]!r} in log {row[FIRST + LOG]}, "
        f"{row[column]!r} in log {row[LOG]}: let both say the same of it"
    )
