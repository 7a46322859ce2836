"""The logs of several students as one: what each of them showed, in the order of time, once."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import polars as pl

from models.annotation.agreed_rows import agreed, table_of
from models.annotation.errors import LogsUnlike
from models.data.log import Log
from models.features.records import I64
from models.schema import Column, LogSchema
from models.training.terms import difference

REQUEST: Final = ("timestamp_ms", "request_id", "user_id")
NTH: Final = "__nth"
"""Of the impressions of one item in one request, which: a slate may show an item twice."""
IMPRESSION: Final = (*REQUEST, "item_id", NTH)
NUMBER: Final = "__request"
UNKNOWN_LABEL: Final = -1


class Joined(NamedTuple):
    log: Log  # its request ids are numbers: ids may be one student's own
    rows: dict[str, I64]  # by log: the joined row of each of its impressions


def join(logs: Mapping[str, Log], schema: LogSchema) -> Joined:
    """As a teacher reads them that reads `schema`. Raises LogsUnlike.

    The same request and item at the same time is one impression, whoever logged it. Requests of one
    time are in the order of their ids, and the logs in that of their names.
    """
    logs = dict(sorted(logs.items()))
    _check_alike(logs, schema)
    shown = {name: _shown(log, schema) for name, log in logs.items()}
    impressions = _impressions(shown, schema)
    log = Log(
        schema=schema,
        periods=next(iter(logs.values())).periods,
        provenance=f"joined of {', '.join(logs)}",
        impressions=impressions.with_columns(request_id=NUMBER).drop(NTH, NUMBER),
        items=_entities({name: log.items for name, log in logs.items()}, schema.item),
        users=_entities({name: log.users for name, log in logs.items()}, schema.user),
        requests=_lists(logs, impressions),
    )
    return Joined(
        log.validate(), {name: _rows(table, impressions) for name, table in shown.items()}
    )


def _check_alike(logs: Mapping[str, Log], schema: LogSchema) -> None:
    first, *others = logs
    for name, log in logs.items():
        unlike = difference(_layout(log.schema), _layout(schema))
        if unlike:
            raise LogsUnlike(
                f"log {name} has {unlike} as in the teacher's log: "
                "import it with the same tasks and columns, in the same order"
            )
    for name in others:
        unlike = difference(logs[name].periods.model_dump(), logs[first].periods.model_dump())
        if unlike:
            raise LogsUnlike(
                f"log {name} has {unlike} as log {first} has: "
                "give both the same periods in log.json"
            )


def _layout(schema: LogSchema) -> dict[str, Any]:
    """Buckets and scales are each model's own: they may differ."""
    tables = {"user": schema.user, "item": schema.item, "context": schema.context}
    named = {name: [f"{c.kind} {c.name}" for c in table] for name, table in tables.items()}
    listed = {"tasks": list(schema.tasks), **named}
    numbered = {name: _numbered(values) for name, values in listed.items()}
    return {**numbered, "counter_half_life_hours": schema.counter_half_life_hours}


def _numbered(values: Iterable[str]) -> dict[str, str]:
    return {str(number): value for number, value in enumerate(values, 1)}


def _shown(log: Log, schema: LogSchema) -> pl.DataFrame:
    """What is unknown of an impression is null."""
    known = [pl.col(task).replace(UNKNOWN_LABEL, None) for task in schema.tasks]
    nth = pl.int_range(pl.len()).over(*REQUEST, "item_id").alias(NTH)
    return log.impressions.select(
        *REQUEST, "item_id", nth, pl.col("position").replace(0, None), *known
    ).hstack(table_of(log.impressions, schema.context))


def _impressions(shown: Mapping[str, pl.DataFrame], schema: LogSchema) -> pl.DataFrame:
    context = [column.name for column in schema.context]
    asked = {
        name: table.select(*REQUEST, *context).unique(maintain_order=True)
        for name, table in shown.items()
    }
    seen = {name: table.drop(context) for name, table in shown.items()}
    labels = [pl.col(task).fill_null(UNKNOWN_LABEL) for task in schema.tasks]
    return (
        agreed(seen, IMPRESSION, null_is_unknown=True)
        .sort(REQUEST, maintain_order=True)
        .join(agreed(asked, REQUEST), on=REQUEST, how="left", maintain_order="left")
        .with_columns(pl.col("position").fill_null(0), *labels)
        .with_columns(pl.struct(REQUEST).rle_id().cast(pl.String).alias(NUMBER))
    )


def _rows(shown: pl.DataFrame, impressions: pl.DataFrame) -> I64:
    places = impressions.select(*IMPRESSION).with_row_index("place")
    found = shown.join(places, on=IMPRESSION, how="left", maintain_order="left")
    return found["place"].cast(pl.Int64).to_numpy()


def _entities(tables: Mapping[str, pl.DataFrame], columns: tuple[Column, ...]) -> pl.DataFrame:
    known = {name: table_of(table, columns) for name, table in tables.items()}
    return agreed(known, (columns[0].name,))


def _lists(logs: Mapping[str, Log], impressions: pl.DataFrame) -> pl.DataFrame | None:
    """All that any student offered to a request that one of them has the list of."""
    offered = [_offered(log, impressions) for log in logs.values() if log.requests is not None]
    if not offered:
        return None
    shown = impressions.select(request_id=NUMBER, candidates="item_id")
    listed = pl.concat(offered)
    beside = shown.join(listed, on="request_id", how="semi", maintain_order="left")
    every = pl.concat([listed, beside]).group_by("request_id", maintain_order=True)
    return every.agg(pl.col("candidates").unique(maintain_order=True))


def _offered(log: Log, impressions: pl.DataFrame) -> pl.DataFrame:
    assert log.requests is not None
    asked = log.impressions.select(REQUEST).unique()
    numbers = asked.join(impressions.select(*REQUEST, NUMBER).unique(), on=REQUEST)
    return (
        log.requests.join(numbers, on="request_id", maintain_order="left")
        .select(request_id=NUMBER, candidates="candidates")
        .explode("candidates", empty_as_null=True, keep_nulls=True)
        .drop_nulls()
    )
