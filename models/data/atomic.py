"""RecBole's atomic files (NAME.inter, NAME.user, NAME.item) → a log.

Tab-separated, with a header of `field:type`; types are token, token_seq, float and float_seq.
Without the two feature files, users and items have no columns but their ids.
"""

from pathlib import Path
from typing import Final

import polars as pl

from models.data.errors import SourceInvalid
from models.data.log import Log
from models.data.periods import by_share
from models.data.statistics import fitted
from models.schema import Column, LogSchema

POSITIVE_RATING: Final = 4.0
TYPES: Final = ("token", "token_seq", "float", "float_seq")


def read_atomic(folder: Path) -> Log:
    """Ratings of four and more are positives; without ratings every row is one.

    Raises SourceInvalid.
    """
    rows, kinds = _read(_only(folder, "inter"))
    for needed in ("user_id", "item_id", "timestamp"):
        if needed not in kinds:
            raise SourceInvalid(f"{folder}: the .inter file has no field {needed!r}: {list(kinds)}")
    unreadable = rows["timestamp"].null_count()
    if unreadable or not len(rows):
        raise SourceInvalid(
            f"{folder}: field 'timestamp' is no number in {unreadable} of {len(rows)} rows"
        )
    impressions = _impressions(rows)
    items, item_columns = _entities(folder, "item", impressions["item_id"])
    users, user_columns = _entities(folder, "user", impressions["user_id"])
    times = impressions["timestamp_ms"]
    return fitted(
        Log(
            schema=LogSchema(tasks=("click",), user=user_columns, item=item_columns),
            periods=by_share(times[0], times[-1]),
            provenance=f"{folder.name}, read from RecBole's atomic format; label: rating ≥ 4",
            impressions=impressions,
            items=items,
            users=users,
        )
    )


def _impressions(rows: pl.DataFrame) -> pl.DataFrame:
    liked = pl.col("rating") >= POSITIVE_RATING if "rating" in rows.columns else pl.lit(True)
    named = rows.with_columns(timestamp_ms=(pl.col("timestamp") * 1000).cast(pl.Int64), liked=liked)
    ordered = named.sort("timestamp_ms", "user_id", "item_id")
    return ordered.select(
        request_id=pl.concat_str("user_id", "timestamp_ms", separator="-"),
        timestamp_ms="timestamp_ms",
        user_id="user_id",
        item_id="item_id",
        position=pl.lit(0, pl.Int16),
        click=pl.col("liked").cast(pl.Int8).fill_null(-1),
    )


def _entities(folder: Path, name: str, ids: pl.Series) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """The feature table, with a row for every id that was met, and its columns."""
    met = pl.DataFrame({ids.name: ids.unique().sort()})
    paths = sorted(folder.glob(f"*.{name}"))
    if not paths:
        return met, (Column(name=ids.name, kind="categorical"),)
    table, kinds = _read(_only(folder, name))
    if ids.name not in kinds:
        raise SourceInvalid(f"{paths[0]} has no field {ids.name!r}: {list(kinds)}")
    table = table.unique(ids.name, keep="first")
    table = met.join(table, on=ids.name, how="full", coalesce=True).sort(ids.name)
    columns = [
        Column(name=field, kind="number" if kind == "float" else "categorical")
        for field, kind in kinds.items()
    ]
    columns.sort(key=lambda column: column.name != ids.name)
    return table.select(column.name for column in columns), tuple(columns)


def _read(path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """The table with bare field names, and each field's type; float_seq fields are left out."""
    try:
        table = pl.read_csv(path, separator="\t", infer_schema=False, quote_char=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceInvalid(f"{path} is not a tab-separated table: {error}") from error
    kinds = {}
    for header in table.columns:
        field, _, kind = header.partition(":")
        if kind not in TYPES:
            raise SourceInvalid(f"{path}: header {header!r} is not field:type with one of {TYPES}")
        kinds[field] = kind
    table.columns = list(kinds)
    kept = {field: kind for field, kind in kinds.items() if kind != "float_seq"}
    numeric = [
        pl.col(f).cast(pl.Float64, strict=False) for f, kind in kept.items() if kind == "float"
    ]
    return table.select(list(kept)).with_columns(numeric), kept


def _only(folder: Path, suffix: str) -> Path:
    paths = sorted(folder.glob(f"*.{suffix}"))
    if len(paths) != 1:
        raise SourceInvalid(
            f"{folder} has {len(paths)} files *.{suffix}, wanted one: give one data set's folder"
        )
    return paths[0]
