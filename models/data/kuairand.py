"""KuaiRand's published CSV files (plain or gzipped) → a log.

Gao et al., KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos,
CIKM 2022; CC BY-SA 4.0. Outcomes of a row (clicks, play time, stays) never become its features.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from models.data.errors import SourceInvalid
from models.data.invented import offer_lists
from models.data.kuairand_history import EXPOSURES, earlier_exposures
from models.data.log import Log
from models.data.periods import Periods, by_share
from models.data.statistics import fitted
from models.schema import Column, LogSchema

HOUR_MS: Final = 3_600_000
BEIJING: Final = timedelta(hours=8)
TASKS: Final = ("click", "long_view")
USER_CATEGORIES: Final = (
    "user_active_degree",
    "is_live_streamer",
    "is_video_author",
    *(f"onehot_feat{number}" for number in range(18)),
)
USER_NUMBERS: Final = ("follow_user_num", "fans_user_num", "friend_user_num", "register_days")
ITEM_CATEGORIES: Final = ("author_id", "video_type", "upload_type", "music_id", "music_type", "tag")
ITEM_NUMBERS: Final = ("video_duration", "server_width", "server_height")
PROVENANCE: Final = (
    "KuaiRand (Gao et al., CIKM 2022, CC BY-SA 4.0): real impressions, users and videos. "
    "Candidate lists are invented: the item shown and others drawn from the items uploaded by "
    "then, the same pool for a user all day, the day's items shown to that user among it. "
    "Exposures before the log's first day carry approximate times and no click."
)


def read_kuairand(folder: Path, seed: int = 0) -> Log:
    """Raises SourceInvalid when a file or column is missing."""
    rows = _rows(folder)
    first_ms = _midnight_ms(4, 25)
    if int(rows["timestamp_ms"][0]) >= first_ms - HOUR_MS:
        earlier = earlier_exposures(folder / EXPOSURES, _midnight_ms(4, 9), first_ms)
        rows = pl.concat([earlier, rows], how="diagonal")
    impressions = rows.sort("timestamp_ms", "request_id", maintain_order=True)
    periods = _periods(impressions["timestamp_ms"])
    log = Log(
        schema=_schema(),
        periods=periods,
        provenance=PROVENANCE,
        impressions=impressions,
        items=_items(folder, impressions),
        users=_users(folder, impressions),
    )
    return fitted(
        replace(log, requests=offer_lists(log, periods.validation_from_ms, BEIJING, seed))
    )


def _schema() -> LogSchema:
    def columns(
        identity: str, names: tuple[str, ...], numeric: tuple[str, ...]
    ) -> tuple[Column, ...]:
        texts = tuple(Column(name=name, kind="categorical") for name in (identity, *names))
        return texts + tuple(Column(name=name, kind="number") for name in numeric)

    return LogSchema(
        tasks=TASKS,
        user=columns("user_id", USER_CATEGORIES, USER_NUMBERS),
        item=columns("item_id", ITEM_CATEGORIES, ITEM_NUMBERS),
        context=(Column(name="tab", kind="categorical"),),
    )


def _rows(folder: Path) -> pl.DataFrame:
    """Standard-policy exposures in time order, repeats of (user, video, time) dropped."""
    needed = ("user_id", "video_id", "time_ms", "tab", "is_click", "long_view")
    tables = [_csv(path, needed) for path in _found(folder, "log_standard_*")]
    table = pl.concat(tables).unique(["user_id", "video_id", "time_ms"], keep="first")
    if not len(table):
        raise SourceInvalid(f"{folder}: the log_standard files have no rows")
    asked = pl.concat_str("user_id", "time_ms", "tab", separator="-")
    rows = table.sort("time_ms", "user_id", "tab", "video_id").select(
        request_id=asked,
        timestamp_ms=pl.col("time_ms").cast(pl.Int64, strict=False),
        user_id=pl.col("user_id"),
        item_id=pl.col("video_id"),
        position=pl.lit(0, pl.Int16),
        tab=pl.col("tab"),
        click=pl.col("is_click").cast(pl.Int8, strict=False),
        long_view=pl.col("long_view").cast(pl.Int8, strict=False),
    )
    for name in ("timestamp_ms", "user_id", "item_id", "click", "long_view"):
        if unreadable := rows[name].null_count():
            raise SourceInvalid(f"{folder}: {name} is missing or no number in {unreadable} rows")
    return rows


def _users(folder: Path, impressions: pl.DataFrame) -> pl.DataFrame:
    table = _features(folder, "user_features_*", "user_id", USER_CATEGORIES, USER_NUMBERS)
    return _covering(table, impressions["user_id"])


def _items(folder: Path, impressions: pl.DataFrame) -> pl.DataFrame:
    extra = ("upload_dt",)
    table = _features(
        folder, "video_features_basic_*", "video_id", ITEM_CATEGORIES + extra, ITEM_NUMBERS
    )
    table = _covering(table.rename({"video_id": "item_id"}), impressions["item_id"])
    first = impressions.group_by("item_id").agg(first_ms=pl.col("timestamp_ms").min())
    uploaded = pl.col("upload_dt").str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("ms"))
    uploaded_ms = (uploaded - BEIJING).dt.epoch("ms")
    table = table.join(first, on="item_id", how="left", maintain_order="left")
    live = pl.min_horizontal(uploaded_ms, "first_ms").fill_null(0)
    return table.with_columns(live_from_ms=live).drop("upload_dt", "first_ms")


def _features(
    folder: Path, pattern: str, identity: str, texts: tuple[str, ...], numeric: tuple[str, ...]
) -> pl.DataFrame:
    tables = [_csv(path, (identity, *texts, *numeric)) for path in _found(folder, pattern)]
    floats = [pl.col(name).cast(pl.Float64, strict=False) for name in numeric]
    return (
        pl.concat(tables)
        .unique(identity, keep="first")
        .sort(identity)
        .select(identity, *texts, *floats)
    )


def _covering(table: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """A row of missing values for each id that the feature table does not know."""
    known = pl.DataFrame({ids.name: ids.unique().sort()})
    return known.join(table, on=ids.name, how="full", coalesce=True).sort(ids.name)


def _found(folder: Path, pattern: str) -> list[Path]:
    paths = sorted([*folder.glob(f"{pattern}.csv"), *folder.glob(f"{pattern}.csv.gz")])
    if not paths:
        held = sorted(path.name for path in folder.glob("*"))[:20]
        raise SourceInvalid(
            f"{folder} has no {pattern}.csv or .csv.gz (it holds {held}): give the folder with "
            "KuaiRand's data files"
        )
    return paths


def _csv(path: Path, needed: tuple[str, ...]) -> pl.DataFrame:
    """The columns needed, every value as text: an id or a code is a name, not a quantity."""
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceInvalid(f"{path} is not a readable CSV file: {error}") from error
    if missing := set(needed) - set(table.columns):
        raise SourceInvalid(f"{path} has no column {sorted(missing)}; it has {table.columns}")
    return table.select(needed)


def _periods(times: pl.Series) -> Periods:
    """Teacher 04-20 … 04-28, student … 05-01, validation … 05-03, test from 05-04 (Beijing).

    Before 04-25 the teacher's rows are the earlier exposures, if they are there: no click, but
    whether the video was watched.
    """
    first_ms, last_ms = int(times.min()), int(times.max())  # type: ignore[arg-type]
    days = ((4, 20), (4, 29), (5, 2), (5, 4))
    teacher, student, validation, test = (_midnight_ms(*day) for day in days)
    if last_ms < test or first_ms >= student:
        return by_share(first_ms, last_ms)
    return Periods(
        history_from_ms=min(first_ms, teacher),
        teacher_from_ms=teacher,
        student_from_ms=student,
        validation_from_ms=validation,
        test_from_ms=test,
        until_ms=last_ms + 1,
    )


def _midnight_ms(month: int, day: int) -> int:
    """In Beijing, in 2022."""
    return round((datetime(2022, month, day, tzinfo=UTC) - BEIJING).timestamp() * 1000)
