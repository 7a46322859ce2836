"""Every rule of the format: one log that breaks it, and what the error says."""

import re
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from models.data.errors import LogInvalid
from models.data.log import Log
from models.schema import LogSchema
from tests.models.data.small_logs import START_MS, random_log, with_candidates

Break = Callable[[Log], Log]


def impressions(**columns: pl.Expr) -> Break:
    return lambda log: replace(log, impressions=log.impressions.with_columns(**columns))


def items(**columns: pl.Expr) -> Break:
    return lambda log: replace(log, items=log.items.with_columns(**columns))


def users(**columns: pl.Expr) -> Break:
    return lambda log: replace(log, users=log.users.with_columns(**columns))


def at_row(row: int, column: str, value: object) -> pl.Expr:
    here = pl.int_range(pl.len()) == row
    return pl.when(here).then(pl.lit(value)).otherwise(pl.col(column))


def without(table: str, column: str) -> Break:
    return lambda log: replace(log, **{table: getattr(log, table).drop(column)})


def schema(**changes: object) -> Break:
    return lambda log: replace(log, schema=LogSchema(**{**dict(log.schema), **changes}))


def offering(request_id: str, listed: list[str]) -> Break:
    return lambda log: with_candidates(log, [(request_id, listed)])


def repeated_request(log: Log) -> Log:
    """The last request takes the first one's id."""
    last, first = log.impressions["request_id"][-1], log.impressions["request_id"][0]
    renamed = pl.col("request_id").replace(last, first)
    return replace(log, impressions=log.impressions.with_columns(request_id=renamed))


ALL = [f"i{number}" for number in range(6)]
BROKEN: list[tuple[Break, str, str]] = [
    (without("impressions", "user_id"), "impressions.parquet: column 'user_id': is missing", "add"),
    (without("impressions", "click"), "column 'click': is missing", "add it"),
    (without("impressions", "tab"), "column 'tab': is missing", "add it"),
    (without("items", "brand"), "items.parquet: column 'brand': is missing", "add it"),
    (without("users", "age"), "users.parquet: column 'age': is missing", "add it"),
    (
        impressions(timestamp_ms=pl.col("timestamp_ms").cast(pl.Float64)),
        "column 'timestamp_ms': is Float64",
        "store it as Int64",
    ),
    (
        impressions(click=pl.col("click").cast(pl.Int64)),
        "column 'click': is Int64",
        "store it as Int8",
    ),
    (impressions(truth_click=pl.lit("0.5")), "column 'truth_click': is String", "Float64"),
    (impressions(tab=pl.lit(3)), "column 'tab': is Int32", "store categorical values as strings"),
    (users(age=pl.lit("old")), "column 'age': is String", "store numbers as floats"),
    (
        impressions(item_id=at_row(2, "item_id", None)),
        "column 'item_id': 1 values are missing",
        "fill or drop",
    ),
    (
        impressions(timestamp_ms=pl.col("timestamp_ms").reverse()),
        "column 'timestamp_ms': row",
        "sort the rows by time",
    ),
    (
        impressions(timestamp_ms=at_row(0, "timestamp_ms", START_MS - 1)),
        f"{START_MS - 1} is outside",
        "widen the periods",
    ),
    (
        impressions(click=at_row(3, "click", 2).cast(pl.Int8)),
        "column 'click': 2 is no label",
        "use 0, 1, or -1 for unknown",
    ),
    (
        impressions(position=at_row(3, "position", -4).cast(pl.Int16)),
        "column 'position': -4 < 0",
        "count from 1",
    ),
    (
        impressions(item_id=at_row(1, "item_id", "ghost")),
        "'ghost' and 0 more are not in items.parquet",
        "add a row an id",
    ),
    (
        impressions(user_id=pl.lit("nobody")),
        "'nobody' and 0 more are not in users.parquet",
        "add a row an id",
    ),
    (repeated_request, "column 'request_id': rows of one request lie apart", "sort by"),
    (
        impressions(user_id=pl.lit("u0"), timestamp_ms=START_MS + pl.int_range(pl.len())),
        "column 'timestamp_ms': differs within request",
        "one user, one time and one context",
    ),
    (
        impressions(tab=pl.int_range(pl.len()).cast(pl.String)),
        "column 'tab': differs within request",
        "one context",
    ),
    (items(item_id=pl.lit("i0")), "column 'item_id': 'i0' is there twice", "keep one row an id"),
    (items(item_id=at_row(0, "item_id", None)), "1 ids are missing", "drop these rows"),
    (users(user_id=pl.lit("u1")), "column 'user_id': 'u1' is there twice", "keep one row an id"),
    (
        items(live_from_ms=pl.lit(5), live_until_ms=pl.lit(5)),
        "item 'i0' ends before it starts",
        "[from, until)",
    ),
    (schema(item=()), "column 'item_id': is not the schema's first column", "declare it"),
    (
        lambda log: schema(
            user=tuple(column.model_copy(update={"buckets": 0}) for column in log.schema.user)
        )(log),
        "column 'user_id': has 0 buckets",
        "understudy import",
    ),
    (offering("r0", [*ALL, "ghost"]), "requests.parquet: column 'candidates': 'ghost'", "add"),
    (offering("unasked", ALL), "column 'request_id': 'unasked'", "impressions.parquet"),
    (offering("r0", []), "was shown to request 'r0', not offered", "the ones shown included"),
]


@pytest.mark.parametrize(("broken", "fault", "remedy"), BROKEN, ids=[case[1] for case in BROKEN])
def test_a_broken_rule_names_file_column_value_and_remedy(
    broken: Break, fault: str, remedy: str
) -> None:
    log = broken(random_log(7, 12))
    with pytest.raises(LogInvalid, match=re.escape(fault)) as refused:
        log.validate()
    assert remedy in str(refused.value)


def test_two_lists_of_one_request_are_refused() -> None:
    log = with_candidates(random_log(7, 12), [("r0", ALL), ("r0", ALL)])
    with pytest.raises(LogInvalid, match="keep one list a request"):
        log.validate()


def test_lists_for_some_requests_are_enough() -> None:
    assert offering("r3", ALL)(random_log(7, 12)).validate().requests is not None


def test_unknown_labels_and_missing_values_are_allowed() -> None:
    log = random_log(7, 40)
    assert (log.impressions["click"] == -1).any()
    assert log.impressions["tab"].null_count()
    assert log.validate() is log
