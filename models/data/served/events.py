"""Events as they were reported to gateways, kept by whoever reported them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from models.data.errors import SourceInvalid

COLUMNS: Final[dict[str, type[pl.DataType]]] = {
    "event_id": pl.String,
    "type": pl.String,
    "user_id": pl.String,
    "item_id": pl.String,
    "timestamp_ms": pl.Int64,
}
REQUEST: Final = "request_id"
"""A column that a file may have, and of which values may be missing."""
READERS: Final[dict[str, Callable[[Path], pl.DataFrame]]] = {
    ".parquet": pl.read_parquet,
    ".csv": lambda path: pl.read_csv(path, infer_schema=False),
    # Of all lines: a column that the first hundred do not have would be left out.
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}


def read_events(path: Path) -> pl.DataFrame:
    """COLUMNS and REQUEST in order of time, each event once. Raises SourceInvalid."""
    paths = sorted(each for each in path.rglob("*") if each.suffix in READERS)
    paths = paths if path.is_dir() else [path]
    if not paths:
        raise SourceInvalid(f"{path} holds no events: give files {', '.join(READERS)}")
    return in_order(pl.concat([_read(each) for each in paths]))


def in_order(events: pl.DataFrame) -> pl.DataFrame:
    """One that was reported again counts as it was first told."""
    known = events.sort("timestamp_ms", "event_id", REQUEST, nulls_last=True)
    return known.unique("event_id", keep="first", maintain_order=True)


def _read(path: Path) -> pl.DataFrame:
    if path.suffix not in READERS:
        raise SourceInvalid(f"{path} is no file of events: give one of {', '.join(READERS)}")
    try:
        table = READERS[path.suffix](path)
        told = pl.col(REQUEST) if REQUEST in table.columns else pl.lit(None)
        found = table.select(
            *(pl.col(name).cast(kind) for name, kind in COLUMNS.items()),
            told.cast(pl.String).replace("", None).alias(REQUEST),
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceInvalid(
            f"{path} holds no events: {error}: give the columns {', '.join(COLUMNS)}"
        ) from error
    for name in COLUMNS:
        if nulls := found[name].null_count():
            raise SourceInvalid(f"{path}: column {name!r}: {nulls} are missing: drop these rows")
    return found
