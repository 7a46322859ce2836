import numpy as np
import polars as pl
import pytest

from models.data.statistics import MAX_BUCKETS, MIN_BUCKETS, bucket_count, fitted
from models.schema import Column
from tests.models.data.small_logs import random_log, with_impressions


@pytest.mark.parametrize(
    ("distinct", "buckets"),
    [(0, MIN_BUCKETS), (128, 1024), (129, 2048), (3_000, 32_768), (10**7, MAX_BUCKETS)],
)
def test_buckets_are_the_next_power_of_two_above_eight_a_value(distinct: int, buckets: int) -> None:
    assert bucket_count(distinct) == buckets


def column(columns: tuple[Column, ...], name: str) -> Column:
    return next(column for column in columns if column.name == name)


def test_numbers_are_standardised_over_the_impressions_before_validation() -> None:
    log = random_log(2, 60)
    before = log.impressions.filter(pl.col("timestamp_ms") < log.periods.validation_from_ms)
    prices = before.join(log.items, on="item_id", maintain_order="left")["price"].to_numpy()
    price = column(log.schema.item, "price")
    assert price.mean == pytest.approx(np.log1p(prices).mean())
    assert price.scale == pytest.approx(np.log1p(prices).std())


def test_negative_numbers_keep_their_sign() -> None:
    log = random_log(2, 60)
    negated = with_impressions(log, log.impressions.with_columns(depth=-pl.col("depth")))
    depth = column(log.schema.context, "depth")
    assert column(fitted(negated).schema.context, "depth").mean == pytest.approx(-depth.mean)


def test_validation_and_test_rows_change_no_statistic() -> None:
    log = random_log(2, 60)
    late = pl.col("timestamp_ms") >= log.periods.validation_from_ms
    wild = pl.when(late).then(1e9).otherwise(pl.col("depth"))
    strange = pl.when(late).then(pl.col("request_id")).otherwise(pl.col("tab"))
    changed = log.impressions.with_columns(depth=wild, tab=strange)
    assert not changed.equals(log.impressions)
    assert fitted(with_impressions(log, changed)).schema == log.schema


def test_a_column_without_values_keeps_a_scale_of_one() -> None:
    log = random_log(2, 60)
    nothing = pl.lit(None, pl.Float64)
    emptied = with_impressions(log, log.impressions.with_columns(depth=nothing))
    depth = column(fitted(emptied).schema.context, "depth")
    assert depth.scale != 0.0
