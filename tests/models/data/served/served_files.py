"""A log as gateways and callers would have left it: archived answers, events, tables."""

from pathlib import Path

import polars as pl
import yaml

from cache.refresh.archive_folder import ArchiveFolder, hour_of
from models.data.log import Log

SHOWN_AFTER_MS = 1
FOLLOWED_AFTER_MS = 2
WINDOW_S = 3600.0


def answers_of(log: Log) -> pl.DataFrame:
    """A row a candidate, as archived; the items shown are the slate."""
    context = [column.name for column in log.schema.context]
    asked = log.impressions.group_by("request_id", maintain_order=True).agg(
        pl.col("timestamp_ms", "user_id", *context).first(),
        pl.col("item_id").alias("shown"),
    )
    if log.requests is None:
        asked = asked.with_columns(candidates="shown")
    else:
        asked = asked.join(log.requests, on="request_id", maintain_order="left")
    told = pl.concat_list(
        pl.struct(pl.lit(name).alias("name"), pl.col(name).cast(pl.String).alias("value"))
        for name in context
    )
    number = pl.int_range(pl.len())
    asked = asked.with_columns(
        pl.format("{}-{}", "timestamp_ms", number).alias("stream_id"),
        told.list.filter(pl.element().struct.field("value").is_not_null()).alias("context"),
        pl.lit("student").alias("model"),
        pl.int_ranges(pl.col("candidates").list.len()).cast(pl.List(pl.Int32)).alias("candidate"),
    ).explode("candidates", "candidate", empty_as_null=True, keep_nulls=True)
    place = log.impressions.select(
        "request_id",
        pl.col("item_id").alias("candidates"),
        (pl.col("position").cast(pl.Int32) - 1).alias("position"),
    )
    rows = asked.join(place, on=["request_id", "candidates"], how="left", maintain_order="left")
    return rows.select(
        "stream_id", "request_id", "timestamp_ms", "user_id", "model", "context", "candidate",
        pl.col("candidates").alias("item_id"), pl.col("position").fill_null(-1),
    )  # fmt: skip


def events_of(log: Log, *also: str) -> pl.DataFrame:
    """`also`: columns of impressions."""
    number = pl.int_range(pl.len())
    rows = log.impressions.with_columns(number.alias("number"))
    kinds = [
        rows.with_columns(pl.lit("impression").alias("type"), pl.lit(SHOWN_AFTER_MS).alias("after"))
    ]
    kinds += [
        rows.filter(pl.col(task) == 1).with_columns(
            pl.lit(task).alias("type"), pl.lit(FOLLOWED_AFTER_MS).alias("after")
        )
        for task in log.schema.tasks
    ]
    return pl.concat(kinds).select(
        pl.format("{}-{}", "type", "number").alias("event_id"), "type", "user_id", "item_id",
        (pl.col("timestamp_ms") + pl.col("after")).alias("timestamp_ms"), *also,
    )  # fmt: skip


def write_archive(folder: Path, rows: pl.DataFrame) -> None:
    archive = ArchiveFolder.open(str(folder))
    hour = pl.col("timestamp_ms").map_elements(hour_of, pl.String)
    for (name,), part in rows.with_columns(hour.alias("hour")).group_by(
        "hour", maintain_order=True
    ):
        ids = [str(id_).encode() for id_ in part["stream_id"].unique(maintain_order=True)]
        archive.write(str(name), ids, part.drop("hour").with_columns(score_click=pl.lit(0.5)))


def write_served(log: Log, folder: Path, **changed: object) -> Path:
    """The mapping, with all that it names beside it."""
    write_archive(folder / "archive", answers_of(log))
    (folder / "events").mkdir(parents=True, exist_ok=True)
    events_of(log).write_parquet(folder / "events" / "day.parquet")
    log.items.write_parquet(folder / "items.parquet")
    log.users.write_parquet(folder / "users.parquet")
    schema = log.schema
    mapping = {
        "requests": "archive",
        "events": "events",
        "tasks": list(schema.tasks),
        "attribution_s": WINDOW_S,
        "days": 365.0,
        "context": {column.name: column.kind for column in schema.context},
        "items": {
            "file": "items.parquet",
            "id": "item_id",
            "columns": {column.name: column.kind for column in schema.item[1:]},
        },
        "users": {
            "file": "users.parquet",
            "id": "user_id",
            "columns": {column.name: column.kind for column in schema.user[1:]},
        },
    }
    path = folder / "served.yaml"
    path.write_text(yaml.safe_dump(mapping | changed, sort_keys=False))
    return path
