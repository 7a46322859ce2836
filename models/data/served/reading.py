"""`served:PATH`: archived answers and the events that followed → a log.

Only impressions whose window was over when events and archive end are taken: of a later one nobody
knows yet what comes of it.
"""

from pathlib import Path

import polars as pl

from models.data.errors import SourceInvalid
from models.data.log import Log
from models.data.periods import by_share
from models.data.served.archive import Answers, Past
from models.data.served.attribution import labelled, shown_by_events, shown_by_slates
from models.data.served.events import read_events
from models.data.served.mapping import ServedMapping
from models.data.statistics import fitted
from models.data.tables import entities, schema_columns
from models.schema import LogSchema


def read_served(path: Path) -> Log:
    """`path` is a ServedMapping. Raises MappingInvalid, SourceInvalid, LogInvalid."""
    mapping, folder = ServedMapping.read(path), path.parent
    events = read_events(folder / mapping.events)
    past = Past(_newest_ms(events), mapping.days_ms + mapping.shown_within_ms)
    answers = Answers.read(folder / mapping.requests, mapping.model, past, mapping.context)
    impressions = impressions_of(answers, events, mapping)
    if not len(impressions):
        raise SourceInvalid(
            f"{path}: no impression has had its {mapping.attribution_s:g} s yet: wait, or give "
            "the events of the archived hours"
        )
    return _log(folder, mapping, impressions, answers)


def impressions_of(answers: Answers, events: pl.DataFrame, mapping: ServedMapping) -> pl.DataFrame:
    """As a log has them, in order of time."""
    until_ms = complete_until_ms(answers, events)
    by_slate = mapping.impressions == "slate"
    shown = (
        shown_by_slates(answers)
        if by_slate
        else shown_by_events(events, answers, mapping.shown_within_ms)
    )
    rows = labelled(shown, events, mapping.tasks, mapping.attribution_ms)
    if mapping.unanswered == "drop":  # not before: their outcomes are no one else's
        rows = rows.filter(pl.col("request_id").is_not_null())
    rows = rows.filter(
        pl.col("shown_ms") + mapping.attribution_ms <= until_ms,
        pl.col("shown_ms") > until_ms - mapping.days_ms,
    )
    return _as_logged(rows, answers, mapping)


def complete_until_ms(answers: Answers, events: pl.DataFrame) -> int:
    """Up to when both are there: the one that ends first decides."""
    return min(answers.newest_ms, _newest_ms(events))


def _newest_ms(events: pl.DataFrame) -> int:
    newest = events["timestamp_ms"].max()
    return newest if isinstance(newest, int) else 0


def _as_logged(rows: pl.DataFrame, answers: Answers, mapping: ServedMapping) -> pl.DataFrame:
    """An unanswered impression is a request of its user and time, without a context."""
    invented = pl.format("unanswered-{}-{}", "user_id", "shown_ms")
    context = answers.asked.select("request_id", *mapping.context)
    joined = rows.join(context, on="request_id", how="left", maintain_order="left")
    made = joined.with_columns(
        pl.col("request_id").fill_null(invented),
        pl.col("timestamp_ms").fill_null(pl.col("shown_ms")),
        pl.col("position").fill_null(0),
    )
    named = ("request_id", "timestamp_ms", "user_id", "item_id", "position")
    return made.select(*named, *mapping.context, *mapping.tasks).sort(
        "timestamp_ms", "request_id", "position", "item_id"
    )


def _log(folder: Path, mapping: ServedMapping, impressions: pl.DataFrame, answers: Answers) -> Log:
    requests = answers.asked.select("request_id", "candidates").join(
        impressions.select("request_id"), on="request_id", how="semi", maintain_order="left"
    )
    met = pl.concat([impressions["item_id"], requests["candidates"].explode()]).rename("item_id")
    items, item_columns = entities(folder, mapping.items, met)
    users, user_columns = entities(folder, mapping.users, impressions["user_id"])
    times = impressions["timestamp_ms"]
    schema = LogSchema(
        tasks=mapping.tasks,
        user=user_columns,
        item=item_columns,
        context=schema_columns(mapping.context),
    )
    return fitted(
        Log(
            schema=schema,
            periods=mapping.periods or by_share(times[0], times[-1]),
            provenance=mapping.provenance,
            impressions=impressions,
            items=items,
            users=users,
            requests=requests,
        )
    )
