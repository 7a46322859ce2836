"""Columns of a log's tables → the arrays that features read."""

import numpy as np
import polars as pl

from models.data.log import Log
from models.features.catalogue import Catalogue
from models.features.hashing import keys64
from models.features.records import F32, I64, U64
from models.schema import Column, categorical, numbers


def keys_of(values: pl.Series) -> U64:
    """Value keys, each distinct text hashed once; missing → 0."""
    distinct = values.unique().drop_nulls()
    table = pl.DataFrame({"text": distinct, "key": keys64(distinct.to_list())})
    joined = (
        values.rename("text").to_frame().join(table, on="text", how="left", maintain_order="left")
    )
    return joined["key"].fill_null(0).to_numpy()


def categories(table: pl.DataFrame, columns: tuple[Column, ...]) -> U64:
    """`[rows, F]` value keys of the categorical columns."""
    names = [column.name for column in categorical(columns)]
    keys = np.zeros((len(table), len(names)), np.uint64)
    for position, name in enumerate(names):
        keys[:, position] = keys_of(table[name])
    return keys


def quantities(table: pl.DataFrame, columns: tuple[Column, ...]) -> F32:
    """`[rows, G]` values of the numeric columns; missing → NaN."""
    names = [column.name for column in numbers(columns)]
    values = np.zeros((len(table), len(names)), np.float32)
    for position, name in enumerate(names):
        values[:, position] = table[name].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return values


def catalogue_of(log: Log) -> Catalogue:
    """All items of the log, with counters at zero."""
    columns = categories(log.items, log.schema.item)
    return Catalogue.of(log.schema, columns[:, 0], columns, quantities(log.items, log.schema.item))


def positions_in(values: pl.Series, known: pl.Series) -> I64:
    """The row of each value in `known`, which holds each of them once."""
    table = pl.DataFrame({"id": known, "row": np.arange(len(known))})
    joined = values.rename("id").to_frame().join(table, on="id", how="left", maintain_order="left")
    return joined["row"].to_numpy()
