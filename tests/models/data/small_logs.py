"""Logs small enough to read, and random ones for property tests."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from models.data.log import Log
from models.data.periods import Periods
from models.data.statistics import fitted
from models.schema import Column, LogSchema

DAY_MS = 86_400_000
START_MS = 1_700_000_000_000
SCHEMA = LogSchema(
    tasks=("click", "conversion"),
    user=(
        Column(name="user_id", kind="categorical"),
        Column(name="city", kind="categorical"),
        Column(name="age", kind="number"),
    ),
    item=(
        Column(name="item_id", kind="categorical"),
        Column(name="brand", kind="categorical"),
        Column(name="price", kind="number"),
    ),
    context=(Column(name="tab", kind="categorical"), Column(name="depth", kind="number")),
)


def periods(until_ms: int = START_MS + 10 * DAY_MS) -> Periods:
    return Periods(
        history_from_ms=START_MS,
        teacher_from_ms=START_MS,
        student_from_ms=START_MS + 5 * DAY_MS,
        validation_from_ms=START_MS + 7 * DAY_MS,
        test_from_ms=START_MS + 8 * DAY_MS,
        until_ms=until_ms,
    )


def random_log(seed: int, requests: int, users: int = 4, items: int = 6, ties: int = 3) -> Log:
    """Few users, few items and times drawn so coarsely that many are equal."""
    rng = np.random.default_rng(seed)
    instants = max(2, requests // ties)
    time_ms = np.sort(START_MS + rng.integers(0, instants, requests) * (10 * DAY_MS // instants))
    shown = rng.integers(1, 4, requests)
    request = np.repeat(np.arange(requests), shown)
    count = len(request)
    click = rng.integers(-1, 2, count)
    impressions = pl.DataFrame(
        {
            "request_id": [f"r{number}" for number in request],
            "timestamp_ms": time_ms[request],
            "user_id": [f"u{number}" for number in rng.integers(0, users, requests)[request]],
            "item_id": [f"i{number}" for number in rng.integers(0, items, count)],
            "position": pl.Series(rng.integers(0, 4, count), dtype=pl.Int16),
            "tab": pl.Series(["feed", "story", None]).gather(rng.integers(0, 3, requests)[request]),
            "depth": rng.normal(size=requests)[request],
            "click": pl.Series(click, dtype=pl.Int8),
            "conversion": pl.Series(rng.integers(-1, 2, count), dtype=pl.Int8),
        }
    )
    return log_of(impressions, users, items)


def log_of(impressions: pl.DataFrame, users: int = 4, items: int = 6) -> Log:
    return fitted(
        Log(
            schema=SCHEMA,
            periods=periods(),
            provenance="made for a test",
            impressions=impressions,
            items=pl.DataFrame(
                {
                    "item_id": [f"i{number}" for number in range(items)],
                    "brand": [None, *(f"b{number % 3}" for number in range(1, items))],
                    "price": [float(number) for number in range(items)],
                },
                schema_overrides={"brand": pl.String},
            ),
            users=pl.DataFrame(
                {
                    "user_id": [f"u{number}" for number in range(users)],
                    "city": [f"c{number % 2}" for number in range(users)],
                    "age": [None, *(20.0 + number for number in range(1, users))],
                },
                schema_overrides={"age": pl.Float64},
            ),
        )
    ).validate()


def with_impressions(log: Log, impressions: pl.DataFrame) -> Log:
    return replace(log, impressions=impressions)


def with_candidates(log: Log, lists: Sequence[tuple[str, list[str]]]) -> Log:
    table = pl.DataFrame(
        {"request_id": [one for one, _ in lists], "candidates": [items for _, items in lists]},
        schema={"request_id": pl.String, "candidates": pl.List(pl.String)},
    )
    return replace(log, requests=table)
