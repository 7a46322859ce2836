"""Archived answers: candidates, and what of them was returned."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, Self

import polars as pl

from models.data.errors import SourceInvalid
from models.data.tables import Columns, typed

COLUMNS: Final = (
    "stream_id", "request_id", "timestamp_ms", "user_id", "model", "context", "candidate",
    "item_id", "position",
)  # fmt: skip
_HOUR: Final = re.compile(r"date=(\d{4}-\d\d-\d\d)/hour=(\d\d)")
HOUR_MS: Final = 3_600_000


class Past(NamedTuple):
    """`for_ms` back from `until_ms`, or from the newest answer if that is older."""

    until_ms: int
    for_ms: int


class Answers(NamedTuple):
    """Each request once, however often its caller asked: as it was answered first."""

    asked: pl.DataFrame  # request_id, timestamp_ms, user_id, context columns, candidates
    returned: pl.DataFrame  # request_id, timestamp_ms, user_id, item_id, position from 1

    @property
    def newest_ms(self) -> int:
        """Raises SourceInvalid where there is none."""
        if self.asked.is_empty():
            raise SourceInvalid(
                "no answer of that model is archived: give the folder of `understudy archive`, "
                "and let gateways keep some (UNDERSTUDY_SERVED_SHARE)"
            )
        return _newest_ms(self.asked)

    @classmethod
    def read(cls, folder: Path, model: str, past: Past, context: Columns) -> Self:
        """By whole hours, up to the newest. Raises SourceInvalid."""
        hours = sorted(_hours(folder).items(), key=lambda each: each[1], reverse=True)
        tables: list[pl.DataFrame] = []
        until_ms: int | None = None
        for path, hour_ms in hours:
            if until_ms is not None and hour_ms + HOUR_MS <= until_ms - past.for_ms:
                break
            read = [_read(part, model) for part in _parts(path)]
            if until_ms is None and (times := [_newest_ms(each) for each in read if len(each)]):
                until_ms = min(past.until_ms, max(times))
            tables += read
        if not tables:
            raise SourceInvalid(f"{folder} holds no date=…/hour=…: give what `archive` wrote to")
        return cls.of(pl.concat(tables), context)

    @classmethod
    def of(cls, rows: pl.DataFrame, context: Columns) -> Self:
        """`rows` has COLUMNS, a row a candidate."""
        rows = rows.sort("timestamp_ms", "request_id", "stream_id", "candidate")
        first = pl.col("stream_id").first().over("request_id")
        rows = rows.filter(pl.col("stream_id") == first).unique(
            ["request_id", "item_id"], keep="first", maintain_order=True
        )
        by = ["request_id", "timestamp_ms", "user_id"]
        asked = rows.group_by(by, maintain_order=True).agg(
            pl.col("context").first(), pl.col("item_id").alias("candidates")
        )
        returned = rows.filter(pl.col("position") >= 0).select(
            *by, "item_id", (pl.col("position") + 1).cast(pl.Int16)
        )
        return cls(_with_context(asked, context), returned)


def _newest_ms(rows: pl.DataFrame) -> int:
    return int(rows["timestamp_ms"].to_numpy().max())


def _with_context(asked: pl.DataFrame, context: Columns) -> pl.DataFrame:
    """What the caller left out is missing."""
    values = [
        pl.col("context")
        .list.eval(
            pl.element().struct.field("value").filter(pl.element().struct.field("name") == name)
        )
        .list.first()
        .alias(name)
        for name in context
    ]
    found = asked.with_columns(values) if values else asked
    return found.drop("context").with_columns(**typed(found, context))


def _hours(folder: Path) -> dict[Path, int]:
    found = {}
    for path in folder.glob("date=*/hour=*"):
        named = _HOUR.fullmatch(path.relative_to(folder).as_posix())
        if named is not None:
            at = datetime.fromisoformat(f"{named[1]}T{named[2]}:00").replace(tzinfo=UTC)
            found[path] = int(at.timestamp()) * 1000
    return found


def _parts(hour: Path) -> list[Path]:
    return sorted(hour.glob("part-*.parquet"))


def _read(path: Path, model: str) -> pl.DataFrame:
    """Each file has the columns of its own model's version beside these."""
    try:
        rows = pl.read_parquet(path, columns=list(COLUMNS), hive_partitioning=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceInvalid(f"{path} holds no served requests: {error}") from error
    return rows.filter(pl.col("model") == model)
