"""Archive and events → log: the log that they came from, and nothing that was not known yet."""

import re
from pathlib import Path

import polars as pl
import pytest

from models.data.adworld.world import make_log
from models.data.errors import MappingInvalid, SourceInvalid
from models.data.log import Log
from models.data.sources import open_source
from tests.models.data.served.served_files import (
    SHOWN_AFTER_MS,
    WINDOW_S,
    answers_of,
    events_of,
    write_archive,
    write_served,
)

ORDER = ("timestamp_ms", "request_id", "position", "item_id")


@pytest.fixture(scope="module")
def world() -> Log:
    return make_log(impressions=3_000, seed=3)


@pytest.fixture(scope="module")
def mapping(world: Log, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_served(world, tmp_path_factory.mktemp("served"))


def read(path: Path) -> Log:
    return open_source(f"served:{path}")


def newest_ms(table: pl.DataFrame) -> int:
    newest = table["timestamp_ms"].max()
    assert isinstance(newest, int)
    return newest


def complete(world: Log) -> pl.DataFrame:
    """What has had its window when events and archive end."""
    until_ms = min(newest_ms(world.impressions), newest_ms(events_of(world)))
    over = pl.col("timestamp_ms") + SHOWN_AFTER_MS + int(WINDOW_S * 1000) <= until_ms
    return world.impressions.filter(over)


def test_the_log_that_was_served_comes_back(world: Log, mapping: Path) -> None:
    log = read(mapping)
    expected = complete(world).select(log.impressions.columns).sort(ORDER)
    assert 0 < len(expected) < len(world.impressions)
    assert log.impressions.equals(expected)
    assert log.schema.fingerprint() == world.schema.fingerprint()
    assert world.requests is not None
    assert log.requests is not None
    found = log.requests.join(world.requests, on="request_id", suffix="_then")
    assert len(found) == expected["request_id"].n_unique()
    assert found["candidates"].equals(found["candidates_then"])


def test_no_impression_is_taken_before_its_window_is_over(mapping: Path) -> None:
    log = read(mapping)
    events = pl.read_parquet(mapping.parent / "events" / "day.parquet")
    assert newest_ms(log.impressions) + WINDOW_S * 1000 < newest_ms(events)


def test_where_the_slate_counts_all_that_was_returned_was_shown(world: Log, tmp_path: Path) -> None:
    path = write_served(world, tmp_path, impressions="slate")
    clicks = events_of(world).filter(pl.col("type") != "impression")
    clicks.write_csv(tmp_path / "events" / "clicks.csv")
    (tmp_path / "events" / "day.parquet").unlink()
    log = read(path)
    until_ms = min(newest_ms(world.impressions), newest_ms(clicks))
    over = pl.col("timestamp_ms") + int(WINDOW_S * 1000) <= until_ms
    expected = world.impressions.filter(over).select(log.impressions.columns)
    assert log.impressions.equals(expected.sort(ORDER))


def test_half_an_archive_leaves_the_past_whole_and_the_context_missing(
    world: Log, tmp_path: Path
) -> None:
    """Histories and counters are of all impressions, as they are live."""
    path = write_served(world, tmp_path)
    asked = world.impressions["request_id"].unique(maintain_order=True)
    kept = answers_of(world).filter(pl.col("request_id").is_in(asked[::2].implode()))
    for part in (tmp_path / "archive").rglob("*.parquet"):
        part.unlink()
    write_archive(tmp_path / "archive", kept)
    log = read(path)
    unanswered = log.impressions["request_id"].str.starts_with("unanswered-")
    assert 0.4 < unanswered.sum() / len(unanswered) < 0.6
    context = world.schema.context[0].name
    assert log.impressions.filter(unanswered)[context].null_count() == unanswered.sum()
    shown = complete(world).select("user_id", "item_id", "click")
    newest = answers_of(world).filter(pl.col("request_id") == asked[-2])["timestamp_ms"][0]
    assert asked[-1] not in kept["request_id"]
    over = complete(world)["timestamp_ms"] + WINDOW_S * 1000 + SHOWN_AFTER_MS <= newest
    by = ["user_id", "item_id", "click"]
    assert log.impressions.select(by).sort(by).equals(shown.filter(over).sort(by))
    path.write_text(path.read_text() + "unanswered: drop\n")
    dropped = read(path).impressions
    assert dropped.equals(log.impressions.filter(~unanswered))


def test_only_the_newest_days_are_read(world: Log, tmp_path: Path) -> None:
    log = read(write_served(world, tmp_path, days=2.0))
    span_ms = newest_ms(log.impressions) - int(log.impressions["timestamp_ms"][0])
    assert 86_400_000 < span_ms <= 2 * 86_400_000
    assert log.impressions["click"].sum() > 0


def test_where_events_end_first_all_their_days_have_their_answers(
    world: Log, tmp_path: Path
) -> None:
    path = write_served(world, tmp_path, days=2.0)
    events = events_of(world)
    until_ms = newest_ms(events) - 2 * 86_400_000
    ended = events.filter(pl.col("timestamp_ms") <= until_ms)
    ended.write_parquet(tmp_path / "events" / "day.parquet")
    impressions = read(path).impressions
    assert impressions["timestamp_ms"][0] < newest_ms(ended) - 86_400_000
    assert not impressions["request_id"].str.starts_with("unanswered-").any()


def test_what_archive_and_callers_tell_twice_counts_once(world: Log, tmp_path: Path) -> None:
    path = write_served(world, tmp_path)
    once = read(path)
    again = answers_of(world).with_columns(
        stream_id=pl.format("9{}", "stream_id"), position=pl.lit(-1, pl.Int32)
    )
    write_archive(tmp_path / "archive", again)
    events_of(world).write_ndjson(tmp_path / "events" / "again.jsonl")
    assert read(path).impressions.equals(once.impressions)


def test_events_that_name_their_request_need_no_time_to_be_told_by(
    world: Log, tmp_path: Path
) -> None:
    path = write_served(world, tmp_path, shown_within_s=0)
    assert read(path).impressions["request_id"].str.starts_with("unanswered-").all()
    events_of(world, "request_id").write_parquet(tmp_path / "events" / "day.parquet")
    whole = read(path).impressions
    assert not whole["request_id"].str.starts_with("unanswered-").any()
    (tmp_path / "events" / "day.parquet").unlink()
    is_odd = pl.int_range(pl.len()) % 2 == 1
    told = events_of(world, "request_id").with_columns(
        request_id=pl.when(is_odd).then(pl.lit("")).otherwise("request_id")
    )
    told.write_csv(tmp_path / "events" / "day.csv")  # which cannot tell nothing from an empty text
    named = read(path).impressions["request_id"].str.starts_with("unanswered-")
    assert named.any()
    assert not named.all()


REFUSED = [
    (("requests: archive", "requests: events"), SourceInvalid, "holds no date=…/hour=…"),
    (("events: events", "events: archive/nowhere.csv"), SourceInvalid, "holds no events"),
    (("events: events", "events: served.yaml"), SourceInvalid, "is no file of events"),
    (("tasks:", "model: other\ntasks:"), SourceInvalid, "no answer of that model is archived"),
    (("tasks:", "task:"), MappingInvalid, "says nothing of served requests"),
    (("3600.0", "36000000.0"), SourceInvalid, "no impression has had its 3.6e+07 s yet"),
    (("file: items.parquet", "file: no.parquet"), MappingInvalid, "not a readable CSV or Parquet"),
]


@pytest.mark.parametrize(("change", "kind", "fault"), REFUSED, ids=[each[2] for each in REFUSED])
def test_what_does_not_fit_is_refused(
    mapping: Path, change: tuple[str, str], kind: type[Exception], fault: str
) -> None:
    path = mapping.with_name("changed.yaml")
    path.write_text(mapping.read_text().replace(*change))
    with pytest.raises(kind, match=re.escape(fault)):
        read(path)


def test_an_event_without_an_item_is_named(world: Log, tmp_path: Path) -> None:
    path = write_served(world, tmp_path)
    broken = events_of(world).with_columns(item_id=pl.lit(None, pl.String))
    broken.write_parquet(tmp_path / "events" / "day.parquet")
    with pytest.raises(SourceInvalid, match=r"column 'item_id': \d+ are missing"):
        read(path)
