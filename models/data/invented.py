"""Candidate lists for logs that kept none: real requests, invented lists.

A user's lists of one day share a pool, as the lists of a retrieval stage would: items drawn from
those live by then, and whatever that user was shown that day. Each request offers about five in
six of the pool, and what it showed.
"""

from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from models.data.encoding import positions_in
from models.data.log import Log
from models.features.records import I64

POOL: Final = 120
OFFERED_SHARE: Final = 5 / 6
DAY_MS: Final = 86_400_000


class Shown(NamedTuple):
    """Impressions: their request, the (user, day) it belongs to, and the item."""

    request: I64
    group: I64
    item: I64
    time_ms: I64


def offer_lists(log: Log, from_ms: int, timezone: timedelta, seed: int) -> pl.DataFrame:
    """`requests` of a log for the requests from that instant on."""
    rng = np.random.default_rng(seed)
    rows = log.impressions.filter(pl.col("timestamp_ms") >= from_ms)
    shown = _shown(rows, log.items, timezone)
    first = np.flatnonzero(np.diff(shown.request, prepend=-1))
    # Items are renumbered at random, so that the order of a list says nothing.
    order = rng.permutation(len(log.items))
    numbered = shown._replace(item=np.argsort(order)[shown.item])
    pairs = _with_pools(rng, numbered, first, len(log.items))
    request, item = pairs >> 32, order[pairs & 0xFFFFFFFF]
    if "live_from_ms" in log.items.columns:
        live_from_ms = log.items["live_from_ms"].fill_null(0).to_numpy()
        live = live_from_ms[item] <= shown.time_ms[first][request]
        request, item = request[live], item[live]
    named = log.items["item_id"].gather(item)
    pairs_named = pl.DataFrame({"request": request, "candidates": named})
    lists = pairs_named.group_by("request", maintain_order=True)
    ids = rows["request_id"].gather(first)
    return lists.agg("candidates").select(request_id=ids, candidates="candidates")


def _shown(rows: pl.DataFrame, items: pl.DataFrame, timezone: timedelta) -> Shown:
    shift_ms = timezone // timedelta(milliseconds=1)
    day = pl.struct("user_id", (pl.col("timestamp_ms") + shift_ms) // DAY_MS)
    return Shown(
        request=rows["request_id"].rle_id().to_numpy().astype(np.int64),
        group=rows.select(day.rank("dense")).to_series().to_numpy().astype(np.int64) - 1,
        item=positions_in(rows["item_id"], items["item_id"]),
        time_ms=rows["timestamp_ms"].to_numpy(),
    )


def _with_pools(rng: np.random.Generator, shown: Shown, first: I64, items: int) -> I64:
    """Distinct pairs in ascending order, each `request << 32 | item`."""
    groups = int(shown.group.max(initial=-1)) + 1
    drawn = rng.integers(0, items, (groups, POOL))[shown.group[first]]
    request = np.repeat(np.arange(len(first)), POOL)
    offered = rng.random(len(request)) < OFFERED_SHARE
    pairs = (request << 32 | drawn.reshape(-1))[offered]
    same_day = _shown_that_day(shown, first)
    same_day = same_day[rng.random(len(same_day)) < OFFERED_SHARE]
    pairs = np.sort(np.concatenate([pairs, same_day, shown.request << 32 | shown.item]))
    return np.asarray(pairs[np.diff(pairs, prepend=-1) > 0])


def _shown_that_day(shown: Shown, first: I64) -> I64:
    asked = pl.DataFrame({"group": shown.group[first], "request": np.arange(len(first))})
    met = pl.DataFrame({"group": shown.group, "item": shown.item})
    joined = asked.join(met, on="group", maintain_order="left_right")
    return np.asarray(joined["request"].to_numpy() << 32 | joined["item"].to_numpy())
