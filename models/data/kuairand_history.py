"""Exposures of KuaiRand's users before the log's first day, as far as they can be told."""

from pathlib import Path
from typing import Final

import polars as pl

from models.data.errors import SourceInvalid

EXPOSURES: Final = "exposures_before_4_25.parquet"


def earlier_exposures(path: Path, from_ms: int, until_ms: int) -> pl.DataFrame:
    """No rows without the file. Order is known, time is not: a user's rows are spread evenly."""
    if not path.exists():
        return pl.DataFrame()
    try:
        table = pl.read_parquet(path, columns=["user_id", "position", "video_id", "long_view"])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceInvalid(f"{path} is not a readable table of exposures: {error}") from error
    rank = pl.col("position").rank("ordinal").over("user_id") - 0.5
    share = rank / pl.len().over("user_id")
    return table.select(
        request_id=pl.concat_str("user_id", pl.lit("before"), "position", separator="-"),
        timestamp_ms=(from_ms + share * (until_ms - from_ms)).cast(pl.Int64),
        user_id=pl.col("user_id").cast(pl.String),
        item_id=pl.col("video_id").cast(pl.String),
        position=pl.lit(0, pl.Int16),
        click=pl.lit(-1, pl.Int8),
        long_view=pl.col("long_view").cast(pl.Int8),
    )
