"""Several logs as one: what is one thing to all of them, and what they must not disagree on."""

from dataclasses import replace

import polars as pl
import pytest

from models.annotation.errors import LogsUnlike
from models.annotation.joined_log import join
from models.data.log import Log
from models.schema import Column
from tests.models.data.small_logs import random_log, with_candidates, with_impressions

LOG = random_log(seed=3, requests=60)
SCHEMA = LOG.schema
FEED = pl.col("tab").eq_missing("feed")


def parts(log: Log = LOG) -> dict[str, Log]:
    feed, others = log.impressions.filter(FEED), log.impressions.filter(~FEED)
    return {"a": with_impressions(log, feed), "b": with_impressions(log, others)}


def columns(impressions: pl.DataFrame) -> pl.DataFrame:
    return impressions.select(
        "timestamp_ms", "user_id", "item_id", "position", *SCHEMA.tasks, "tab"
    )


def changed(log: Log, column: str, value: object) -> Log:
    """In the first row."""
    first = pl.int_range(pl.len()) == 0
    kept = pl.col(column)
    new = pl.when(first).then(pl.lit(value, log.impressions.schema[column])).otherwise(kept)
    return with_impressions(log, log.impressions.with_columns(new.alias(column)))


def test_parts_of_a_log_join_to_all_of_it() -> None:
    joined = join(parts(), SCHEMA)
    ordered = LOG.impressions.sort("timestamp_ms", "request_id", maintain_order=True)
    assert columns(joined.log.impressions).equals(columns(ordered))
    for name, log in parts().items():
        rows = joined.log.impressions[joined.rows[name]]
        assert columns(rows).equals(columns(log.impressions))


def test_what_two_students_logged_counts_once_though_an_item_is_shown_twice() -> None:
    doubled = LOG.impressions.select("request_id", "item_id").is_duplicated()
    assert doubled.any()
    joined = join({"a": LOG, "b": parts()["a"]}, SCHEMA)
    assert len(joined.log.impressions) == len(LOG.impressions)
    assert len(set(joined.rows["a"].tolist())) == len(LOG.impressions)
    assert set(joined.rows["b"].tolist()) < set(joined.rows["a"].tolist())


def test_neither_names_nor_order_of_logs_change_what_was_shown_when() -> None:
    one = parts()
    other = {"x": one["b"], "y": one["a"]}
    assert join(one, SCHEMA).log.impressions.equals(join(other, SCHEMA).log.impressions)


def test_a_request_id_at_another_time_is_another_request() -> None:
    later = LOG.impressions.with_columns(pl.col("timestamp_ms") + 1)
    joined = join({"a": LOG, "b": with_impressions(LOG, later)}, SCHEMA)
    assert len(joined.log.impressions) == 2 * len(LOG.impressions)
    assert joined.log.impressions["request_id"].n_unique() == 120


def test_what_one_student_knows_fills_what_another_does_not() -> None:
    known, unknown = changed(LOG, "click", 1), changed(LOG, "click", -1)
    for logs in ({"a": known, "b": unknown}, {"a": unknown, "b": known}):
        joined = join(logs, SCHEMA)
        assert joined.log.impressions["click"][int(joined.rows["a"][0])] == 1


def test_a_request_offers_what_any_student_offered() -> None:
    request, shown = (
        LOG.impressions["request_id"][0],
        LOG.impressions.filter(pl.col("request_id") == LOG.impressions["request_id"][0]),
    )
    listed = with_candidates(LOG, [(request, sorted({*shown["item_id"], "i0"}))])
    joined = join({"a": listed, "b": with_impressions(LOG, shown)}, SCHEMA)
    assert joined.log.requests is not None
    assert joined.log.requests["candidates"].to_list() == [sorted({*shown["item_id"], "i0"})]
    number = joined.log.impressions["request_id"][int(joined.rows["b"][0])]
    assert joined.log.requests["request_id"].to_list() == [number]


def test_first_difference_of_schemas_is_named() -> None:
    narrow = SCHEMA.model_copy(update={"user": SCHEMA.user[:2]})
    with pytest.raises(LogsUnlike, match=r"log b has user\.3 None, not 'number age'"):
        join({"a": LOG, "b": replace(LOG, schema=narrow)}, SCHEMA)
    other = (Column(name="tab", kind="categorical"), Column(name="hour", kind="number"))
    schema = SCHEMA.model_copy(update={"context": other})
    with pytest.raises(LogsUnlike, match=r"context\.2 'number depth', not 'number hour'"):
        join({"a": LOG}, schema)


def test_buckets_and_scales_are_each_students_own() -> None:
    columns = tuple(column.model_copy(update={"buckets": 77}) for column in LOG.schema.user)
    other = replace(LOG, schema=LOG.schema.model_copy(update={"user": columns}))
    assert join({"a": LOG, "b": other}, LOG.schema).log.schema == LOG.schema


def test_other_periods_are_refused() -> None:
    test_from_ms = LOG.periods.test_from_ms + 1
    moved = LOG.periods.model_copy(update={"test_from_ms": test_from_ms})
    with pytest.raises(LogsUnlike, match=f"log b has test_from_ms {test_from_ms}, not"):
        join({"a": LOG, "b": replace(LOG, periods=moved)}, SCHEMA)


def test_users_that_differ_are_named_with_the_column() -> None:
    users = LOG.users.with_columns(
        city=pl.when(pl.col("user_id") == "u2").then(pl.lit("c9")).otherwise("city")
    )
    found = r"user_id 'u2': column 'city' is 'c0' in log a, 'c9' in log b"
    with pytest.raises(LogsUnlike, match=found):
        join({"a": LOG, "b": replace(LOG, users=users)}, SCHEMA)
    items = LOG.items.with_columns(price=pl.col("price") + (pl.col("item_id") == "i4"))
    with pytest.raises(LogsUnlike, match=r"item_id 'i4': column 'price' is 4\.0 in log a, 5\.0 in"):
        join({"a": LOG, "b": replace(LOG, items=items)}, SCHEMA)


def test_users_and_items_of_one_log_alone_are_in_the_joined_one() -> None:
    few = LOG.impressions.filter(pl.col("user_id") == "u1")
    known = replace(LOG, impressions=few, users=LOG.users.filter(pl.col("user_id") == "u1"))
    joined = join({"a": known, "b": LOG}, SCHEMA)
    assert joined.log.users["user_id"].to_list() == ["u1", "u0", "u2", "u3"]


@pytest.mark.parametrize(("column", "value"), [("conversion", 0), ("position", 7)])
def test_outcomes_that_contradict_one_another_are_refused(column: str, value: int) -> None:
    one, other = changed(LOG, column, 1), changed(LOG, column, value)
    with pytest.raises(LogsUnlike, match=rf"column '{column}' is 1 in log a, {value} in log b"):
        join({"a": one, "b": other}, SCHEMA)


def test_a_request_of_two_contexts_is_refused() -> None:
    deeper = with_impressions(LOG, LOG.impressions.with_columns(pl.col("depth") + 1.0))
    with pytest.raises(LogsUnlike, match=r"request_id 'r0'.* column 'depth' is"):
        join({"a": LOG, "b": deeper}, SCHEMA)
