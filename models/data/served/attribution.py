"""What was shown, and what came of it within the window."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from models.data.served.archive import Answers
from models.data.served.events import REQUEST

IMPRESSION: Final = "impression"
PAIR: Final = ["user_id", "item_id"]
OF_ANSWER: Final = ("request_id", "timestamp_ms", "position")


def shown_by_events(events: pl.DataFrame, answers: Answers, within_ms: int) -> pl.DataFrame:
    """A row for all impression events of a user, an item and an instant: `shown_ms`, and of the
    archived answer `request_id`, `timestamp_ms` and `position`, or nulls. It is the one that the
    event names, though it may not be archived; of an event that names none, the newest that
    returned the item to this user so long before at most. An answer shows an item once: when it is
    shown again, that is of one not archived."""
    told = (
        events.filter(pl.col("type") == IMPRESSION)
        .select(*PAIR, pl.col("timestamp_ms").alias("shown_ms"), pl.col(REQUEST))
        .sort("shown_ms", *PAIR, REQUEST, nulls_last=True)
        .unique([*PAIR, "shown_ms"], keep="first", maintain_order=True)
    )
    named = _named(told.filter(pl.col(REQUEST).is_not_null()), answers)
    others = _newest(told.filter(pl.col(REQUEST).is_null()).drop(REQUEST), answers, within_ms)
    found = pl.concat([named, others]).sort("shown_ms", *PAIR, maintain_order=True)
    is_first = pl.struct("request_id", "item_id").is_first_distinct()
    return found.with_columns(
        pl.when(is_first).then(pl.col(name)).alias(name) for name in OF_ANSWER
    )


def _named(told: pl.DataFrame, answers: Answers) -> pl.DataFrame:
    """An answer cannot have been shown before it was given."""
    by = [*PAIR, REQUEST]
    found = told.join(answers.returned, on=by, how="left", maintain_order="left")
    is_there = pl.col("timestamp_ms") <= pl.col("shown_ms")
    return found.select(
        *PAIR,
        "shown_ms",
        *(pl.when(is_there).then(pl.col(name)).alias(name) for name in OF_ANSWER),
    )


def _newest(told: pl.DataFrame, answers: Answers, within_ms: int) -> pl.DataFrame:
    found = told.join_asof(
        answers.returned.sort("timestamp_ms"),
        left_on="shown_ms",
        right_on="timestamp_ms",
        by=PAIR,
        strategy="backward",
        tolerance=within_ms,
        coalesce=False,
        check_sortedness=False,
    )
    return found.select(*PAIR, "shown_ms", *OF_ANSWER)


def shown_by_slates(answers: Answers) -> pl.DataFrame:
    """All that was returned, as of the request."""
    shown_ms = pl.col("timestamp_ms").alias("shown_ms")
    return answers.returned.with_columns(shown_ms).sort("shown_ms", maintain_order=True)


def labelled(
    shown: pl.DataFrame, events: pl.DataFrame, tasks: Sequence[str], window_ms: int
) -> pl.DataFrame:
    """With a label a task. What followed is of the user's newest impression of the item, as
    ingest has it, and counts within the window."""
    rows = shown.with_row_index("row").sort("shown_ms", maintain_order=True)
    labels = []
    for task in tasks:
        followed = events.filter(pl.col("type") == task).select(*PAIR, "timestamp_ms")
        found = followed.sort("timestamp_ms").join_asof(
            rows.select("row", "shown_ms", *PAIR),
            left_on="timestamp_ms",
            right_on="shown_ms",
            by=PAIR,
            strategy="backward",
            tolerance=window_ms,
            check_sortedness=False,
        )
        is_followed = rows["row"].is_in(found["row"].drop_nulls().unique().implode())
        labels.append(is_followed.cast(pl.Int8).alias(task))
    return rows.with_columns(labels).drop("row")
