"""Candidate lists for logs that kept none: real requests, invented lists.

A user's lists of one day share a pool, as the lists of a retrieval stage would: items drawn from
those live by then, and whatever that user was shown that day. Each request offers about five in
six of the pool, and what it showed.
"""

from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from models.data.log import Log

POOL: Final = 120
OFFERED_SHARE: Final = 5 / 6
DAY_MS: Final = 86_400_000


def offer_lists(log: Log, from_ms: int, timezone: timedelta, seed: int) -> pl.DataFrame:
    """`requests` of a log for the requests from that instant on."""
    rng = np.random.default_rng(seed)
    shown = _shown(log, from_ms, timezone)
    asked = shown.unique("request_id", keep="first", maintain_order=True).drop("item")
    pools = _pools(rng, shown, len(log.items))
    pairs = asked.join(pools, on=["user_id", "day"], maintain_order="left_right")
    pairs = pairs.filter(pl.Series(rng.random(len(pairs)) < OFFERED_SHARE))
    pairs = pl.concat([shown.select(pairs.columns), pairs])
    pairs = pairs.unique(["request_id", "item"], keep="first", maintain_order=True)
    return _lists(rng, _live(pairs, log.items), log.items["item_id"])


def _shown(log: Log, from_ms: int, timezone: timedelta) -> pl.DataFrame:
    shift_ms = timezone // timedelta(milliseconds=1)
    rows = log.impressions.filter(pl.col("timestamp_ms") >= from_ms)
    items = log.items.select("item_id").with_row_index("item")
    return rows.join(items, on="item_id", maintain_order="left").select(
        "request_id",
        "user_id",
        "timestamp_ms",
        "item",
        day=(pl.col("timestamp_ms") + shift_ms) // DAY_MS,
    )


def _pools(rng: np.random.Generator, shown: pl.DataFrame, items: int) -> pl.DataFrame:
    """Distinct (user_id, day, item)."""
    groups = shown.unique(["user_id", "day"], keep="first", maintain_order=True)
    drawn = rng.integers(0, items, (len(groups), POOL), dtype=np.uint32)
    row = np.repeat(np.arange(len(groups)), POOL)
    others = groups.select("user_id", "day")[row].with_columns(item=pl.Series(drawn.reshape(-1)))
    pools = pl.concat([shown.select("user_id", "day", "item"), others])
    return pools.unique(maintain_order=True)


def _live(pairs: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    if "live_from_ms" not in items.columns:
        return pairs
    live_from = items["live_from_ms"].gather(pairs["item"])
    return pairs.filter(live_from.fill_null(0) <= pairs["timestamp_ms"])


def _lists(rng: np.random.Generator, pairs: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """One shuffled list a request, requests in order of time."""
    pairs = pairs.with_columns(chance=pl.Series(rng.random(len(pairs))))
    pairs = pairs.sort("timestamp_ms", "request_id", "chance")
    pairs = pairs.with_columns(candidates=ids.gather(pairs["item"]))
    return pairs.group_by("request_id", maintain_order=True).agg("candidates")
