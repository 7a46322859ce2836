"""What a schema says of its columns, learnt from the rows before validation alone."""

from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from models.data.log import Log
from models.schema import Column, LogSchema

MIN_BUCKETS: Final = 1024
"""Sixteen values in 128 buckets would share a row two times in three; here, one in nine."""
MAX_BUCKETS: Final = 1 << 20
BUCKETS_A_VALUE: Final = 8
"""Of many values, one in eight or nine shares its row with another."""


def fitted(log: Log) -> Log:
    """The same log, its columns' buckets, means and scales set from rows before validation."""
    before = log.impressions.filter(pl.col("timestamp_ms") < log.periods.validation_from_ms)
    users = before.select("user_id").join(log.users, on="user_id", maintain_order="left")
    items = before.select("item_id").join(log.items, on="item_id", maintain_order="left")
    schema = LogSchema(
        tasks=log.schema.tasks,
        user=tuple(_fit(column, users) for column in log.schema.user),
        item=tuple(_fit(column, items) for column in log.schema.item),
        context=tuple(_fit(column, before) for column in log.schema.context),
        counter_half_life_hours=log.schema.counter_half_life_hours,
    )
    return replace(log, schema=schema)


def bucket_count(distinct: int) -> int:
    """The next power of two, within bounds."""
    wanted = max(MIN_BUCKETS, min(MAX_BUCKETS, distinct * BUCKETS_A_VALUE))
    return 1 << (wanted - 1).bit_length()


def _fit(column: Column, rows: pl.DataFrame) -> Column:
    values = rows[column.name].drop_nulls()
    if column.kind == "categorical":
        return column.model_copy(update={"buckets": bucket_count(values.n_unique())})
    raw = values.cast(pl.Float64).to_numpy()
    squeezed = np.sign(raw) * np.log1p(np.abs(raw))
    squeezed = squeezed[np.isfinite(squeezed)]
    if not len(squeezed):
        return column
    scale = float(squeezed.std()) or 1.0
    return column.model_copy(update={"mean": float(squeezed.mean()), "scale": scale})
