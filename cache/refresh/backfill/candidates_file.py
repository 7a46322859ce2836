"""A table of pairs to compute: user_id, item_id and context columns, as Parquet or CSV."""

from pathlib import Path
from typing import Final

import polars as pl

from cache.refresh.backfill.errors import CandidatesInvalid
from cache.refresh.backfill.users import USER
from models.schema import LogSchema

ITEM: Final = "item_id"


def scan(path: Path) -> pl.LazyFrame:
    """Of a CSV every value is text. Raises CandidatesInvalid."""
    if path.suffix not in (".parquet", ".csv"):
        raise CandidatesInvalid(f"--candidates {path}: give a .parquet or a .csv file")
    try:
        table = (
            pl.scan_parquet(path)
            if path.suffix == ".parquet"
            else pl.scan_csv(path, infer_schema=False)
        )
        table.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CandidatesInvalid(
            f"--candidates {path} cannot be read ({error}): give a Parquet or CSV file of "
            f"{USER}, {ITEM} and context columns"
        ) from error
    return table


def context_columns(table: pl.LazyFrame, schema: LogSchema) -> list[str]:
    """Those of the teacher's that the candidates bring."""
    held = table.collect_schema().names()
    return [column.name for column in schema.context if column.name in held]


def wanted(path: Path, table: pl.LazyFrame, schema: LogSchema) -> pl.LazyFrame:
    """Ids as text and the context columns, numbers as float32; rows in the file's order.

    Raises CandidatesInvalid for columns; values are found out when it is collected.
    """
    held = table.collect_schema().names()
    for needed in (USER, ITEM):
        if needed not in held:
            raise CandidatesInvalid(
                f"--candidates {path} has no column {needed}, only {', '.join(held)}: name it so"
            )
    kinds = {column.name: column.kind for column in schema.context}
    context = [
        pl.col(name).cast(pl.Float32) if kinds[name] == "number" else pl.col(name)
        for name in context_columns(table, schema)
    ]
    return table.select(pl.col(USER).cast(pl.String), pl.col(ITEM).cast(pl.String), *context)


def check_ids(path: Path, plan: pl.LazyFrame) -> None:
    """Raises CandidatesInvalid for a table without rows, or with rows that lack an id."""
    rows, lacking = (
        plan.select(
            pl.len(), (pl.col(USER).is_null() | pl.col(ITEM).is_null()).sum().alias("lacking")
        )
        .collect(engine="streaming")
        .row(0)
    )
    if not rows:
        raise CandidatesInvalid(f"--candidates {path} has no row: nothing is to be done")
    if lacking:
        raise CandidatesInvalid(
            f"--candidates {path}: {lacking} of {rows} rows have no {USER} or no {ITEM}: "
            "leave them out"
        )
