"""The rules of the log format. A broken one names file, column, value and remedy."""

from collections.abc import Iterable
from typing import Final, NamedTuple, NoReturn

import polars as pl

from models.data.errors import LogInvalid
from models.data.periods import Periods
from models.schema import Column, LogSchema

IMPRESSIONS: Final = "impressions.parquet"
ITEMS: Final = "items.parquet"
USERS: Final = "users.parquet"
REQUESTS: Final = "requests.parquet"


class Tables(NamedTuple):
    impressions: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    requests: pl.DataFrame | None


def check(schema: LogSchema, periods: Periods, tables: Tables) -> None:
    """Raises LogInvalid."""
    _check_schema(schema)
    _check_entities(ITEMS, tables.items, schema.item)
    _check_entities(USERS, tables.users, schema.user)
    _check_live(tables.items)
    _check_impression_columns(tables.impressions, schema)
    _check_times(tables.impressions, periods)
    _check_labels(tables.impressions, schema.tasks)
    _check_references(tables)
    _check_requests_whole(tables.impressions, schema)
    if tables.requests is not None:
        _check_offered(tables.requests, tables)


def refuse(file: str, column: str, fault: str, remedy: str) -> NoReturn:
    raise LogInvalid(f"{file}: column {column!r}: {fault}; {remedy}")


def _check_schema(schema: LogSchema) -> None:
    for file, columns, identity in (
        (ITEMS, schema.item, "item_id"),
        (USERS, schema.user, "user_id"),
    ):
        if not columns or columns[0].name != identity or columns[0].kind != "categorical":
            refuse(file, identity, "is not the schema's first column", "declare it categorical")
        for column in columns:
            _check_fitted(file, column)
    for column in schema.context:
        _check_fitted(IMPRESSIONS, column)


def _check_fitted(file: str, column: Column) -> None:
    if column.kind == "categorical" and column.buckets < 2:
        remedy = "leave statistics to `understudy import --data log:FOLDER`"
        refuse(file, column.name, f"has {column.buckets} buckets in log.json", remedy)


def _check_entities(file: str, table: pl.DataFrame, columns: tuple[Column, ...]) -> None:
    _check_columns(file, table, columns)
    ids = table[columns[0].name]
    if ids.null_count():
        refuse(file, ids.name, f"{ids.null_count()} ids are missing", "drop these rows")
    repeated = ids.filter(ids.is_duplicated())
    if len(repeated):
        refuse(file, ids.name, f"{repeated[0]!r} is there twice", "keep one row an id")


def _check_columns(file: str, table: pl.DataFrame, columns: Iterable[Column]) -> None:
    for column in columns:
        dtype = _dtype(file, table, column.name)
        if column.kind == "categorical" and dtype != pl.String:
            refuse(file, column.name, f"is {dtype}", "store categorical values as strings")
        if column.kind == "number" and not dtype.is_numeric():
            refuse(file, column.name, f"is {dtype}", "store numbers as floats or integers")


def _dtype(file: str, table: pl.DataFrame, name: str) -> pl.DataType:
    if name not in table.columns:
        refuse(file, name, "is missing", f"add it; the file has {table.columns}")
    return table.schema[name]


def _check_live(items: pl.DataFrame) -> None:
    if "live_from_ms" in items.columns and "live_until_ms" in items.columns:
        wrong = items.filter(pl.col("live_until_ms") <= pl.col("live_from_ms"))
        if len(wrong):
            fault = f"item {wrong['item_id'][0]!r} ends before it starts"
            refuse(ITEMS, "live_until_ms", fault, "an item is live in [from, until)")


def _check_impression_columns(impressions: pl.DataFrame, schema: LogSchema) -> None:
    wanted: dict[str, type[pl.DataType]] = {
        "request_id": pl.String,
        "user_id": pl.String,
        "item_id": pl.String,
    }
    wanted |= {"timestamp_ms": pl.Int64, "position": pl.Int16}
    wanted.update(dict.fromkeys(schema.tasks, pl.Int8))
    wanted |= {name: pl.Float64 for name in impressions.columns if name.startswith("truth_")}
    for name, dtype in wanted.items():
        found = _dtype(IMPRESSIONS, impressions, name)
        if found != dtype:
            refuse(IMPRESSIONS, name, f"is {found}", f"store it as {dtype}")
        if nulls := impressions[name].null_count():
            refuse(IMPRESSIONS, name, f"{nulls} values are missing", "fill or drop these rows")
    _check_columns(IMPRESSIONS, impressions, schema.context)


def _check_times(impressions: pl.DataFrame, periods: Periods) -> None:
    times = impressions["timestamp_ms"]
    if not times.is_sorted():
        row = int((times.diff() < 0).arg_max() or 0)
        fault = f"row {row} is at {times[row]}, the row before it at {times[row - 1]}"
        refuse(IMPRESSIONS, "timestamp_ms", fault, "sort the rows by time")
    for value in (times.first(), times.last()):
        if isinstance(value, int) and not periods.history_from_ms <= value < periods.until_ms:
            fault = f"{value} is outside [{periods.history_from_ms}, {periods.until_ms})"
            refuse(IMPRESSIONS, "timestamp_ms", fault, "widen the periods or drop the row")


def _check_labels(impressions: pl.DataFrame, tasks: tuple[str, ...]) -> None:
    for task in tasks:
        wrong = impressions[task].filter(~impressions[task].is_between(-1, 1))
        if len(wrong):
            refuse(IMPRESSIONS, task, f"{wrong[0]} is no label", "use 0, 1, or -1 for unknown")
    positions = impressions["position"]
    if len(positions) and (positions < 0).any():
        refuse(IMPRESSIONS, "position", f"{positions.min()!r} < 0", "count from 1; 0 is unknown")


def _check_references(tables: Tables) -> None:
    _check_known(IMPRESSIONS, tables.impressions["item_id"], tables.items["item_id"], ITEMS)
    _check_known(IMPRESSIONS, tables.impressions["user_id"], tables.users["user_id"], USERS)


def _check_known(file: str, values: pl.Series, known: pl.Series, home: str) -> None:
    distinct = values.unique()
    strange = distinct.filter(~distinct.is_in(known.implode()))
    if len(strange):
        fault = f"{strange.sort()[0]!r} and {len(strange) - 1} more are not in {home}"
        refuse(file, values.name, fault, f"add a row an id to {home} or drop these rows")


def _check_requests_whole(impressions: pl.DataFrame, schema: LogSchema) -> None:
    """One user, time and context a request, and its rows next to one another."""
    starts = impressions["request_id"].rle_id().max()
    distinct = impressions["request_id"].n_unique()
    if isinstance(starts, int) and starts + 1 != distinct:
        remedy = "sort by (timestamp_ms, request_id, position); use an id for one request only"
        refuse(IMPRESSIONS, "request_id", "rows of one request lie apart", remedy)
    shared = ["user_id", "timestamp_ms", *(column.name for column in schema.context)]
    remedy = "a request has one user, one time and one context: name the column of request_id"
    same_request = pl.col("request_id") == pl.col("request_id").shift(1)
    for name in shared:
        changed = pl.col(name).ne_missing(pl.col(name).shift(1))
        wrong = impressions.filter(same_request & changed)
        if len(wrong):
            fault = f"differs within request {wrong['request_id'][0]!r}"
            refuse(IMPRESSIONS, name, fault, remedy)


def _check_offered(requests: pl.DataFrame, tables: Tables) -> None:
    dtype = _dtype(REQUESTS, requests, "candidates")
    if dtype != pl.List(pl.String):
        refuse(REQUESTS, "candidates", f"is {dtype}", "store a list of strings a request")
    ids = requests["request_id"]
    if ids.is_duplicated().any():
        refuse(REQUESTS, "request_id", "an id is there twice", "keep one list a request")
    _check_known(REQUESTS, ids, tables.impressions["request_id"].unique(), IMPRESSIONS)
    offered = requests.explode("candidates", empty_as_null=True, keep_nulls=True)
    _check_known(
        REQUESTS, offered["candidates"].rename("candidates"), tables.items["item_id"], ITEMS
    )
    _check_shown_offered(requests, tables.impressions)


def _check_shown_offered(requests: pl.DataFrame, impressions: pl.DataFrame) -> None:
    shown = impressions.group_by("request_id").agg("item_id")
    left_out = pl.col("item_id").list.set_difference("candidates")
    joined = shown.join(requests, on="request_id").with_columns(left_out=left_out)
    wrong = joined.filter(pl.col("left_out").list.len() > 0)
    if len(wrong):
        item, request = wrong["left_out"][0][0], wrong["request_id"][0]
        fault = f"{item!r} was shown to request {request!r}, not offered"
        refuse(REQUESTS, "candidates", fault, "list every candidate, the ones shown included")
