"""Batches of requests and pairs out of a causal replay, as `models.features.build` takes them."""

from typing import NamedTuple

import numpy as np
import polars as pl

from models.data.causal import Replay
from models.data.encoding import keys_of
from models.features.records import I64, Candidates, History, Requests


class Pairs(NamedTuple):
    """Items asked about, by request of the batch."""

    request_index: I64  # [N] into the batch
    item: I64  # [N] catalogue rows


class Shown(NamedTuple):
    """The impressions of a batch of requests."""

    pairs: Pairs
    impression: I64  # [N] rows of the log: `replay.labels[impression]` are their labels


def records(
    replay: Replay,
    rows: I64,
    history_length: int,
    pairs: Pairs | None = None,
    *,
    as_of_ms: I64 | None = None,
    now_ms: I64 | None = None,
) -> tuple[Requests, Candidates]:
    """R requests with their N pairs (default: the items shown), as of their own time.

    `as_of_ms` [R] takes the state of users and items strictly before other instants, as a cache
    filled at that time would have; `now_ms` [R] is what the request's clock says (default: as_of).
    """
    as_of_ms = replay.time_ms[rows] if as_of_ms is None else as_of_ms
    pairs = shown(replay, rows).pairs if pairs is None else pairs
    requests = requests_as_of(replay, rows, history_length, as_of_ms)
    if now_ms is not None:
        requests = requests._replace(now_ms=now_ms)
    return requests, candidates_as_of(replay, pairs, as_of_ms)


def requests_as_of(replay: Replay, rows: I64, history_length: int, as_of_ms: I64) -> Requests:
    user = replay.user[rows]
    span = replay.users.before(user, as_of_ms)
    counted = replay.users.counters(span)
    return Requests(
        now_ms=as_of_ms,
        user=replay.user_columns[user],
        user_number=replay.user_numbers[user],
        counters=counted.counters,
        counters_at=counted.at_ms,
        context=replay.context[rows],
        context_number=replay.context_number[rows],
        history=_window(replay, span.start, span.end, history_length),
    )


def candidates_as_of(replay: Replay, pairs: Pairs, as_of_ms: I64) -> Candidates:
    """`as_of_ms` [R] by request of the batch."""
    span = replay.items.before(pairs.item, as_of_ms[pairs.request_index])
    counted = replay.items.counters(span)
    return Candidates(pairs.request_index, pairs.item, counted.counters, counted.at_ms)


def shown(replay: Replay, rows: I64) -> Shown:
    start, count = replay.offsets[rows], np.diff(replay.offsets)[rows]
    request_index = np.repeat(np.arange(len(rows)), count)
    within = np.arange(len(request_index)) - np.repeat(np.cumsum(count) - count, count)
    impression = start[request_index] + within
    return Shown(Pairs(request_index, replay.item[impression]), impression)


def offered(replay: Replay, rows: I64) -> Pairs:
    """The whole lists that the requests offered; the items shown where the log holds no list."""
    lists = replay.log.requests
    if lists is None:
        return shown(replay, rows).pairs
    starts = replay.log.impressions[replay.offsets[rows]]
    asked = starts.select("request_id").with_columns(request=pl.int_range(pl.len()))
    found = asked.join(lists, on="request_id").sort("request")
    pairs = found.select("request", "candidates").explode("candidates")
    listed = Pairs(
        pairs["request"].to_numpy().astype(np.int64),
        replay.catalogue.rows(keys_of(pairs["candidates"])),
    )
    return _with_unlisted(replay, rows, listed)


def _with_unlisted(replay: Replay, rows: I64, listed: Pairs) -> Pairs:
    seen = shown(replay, rows).pairs
    missing = ~np.isin(seen.request_index, listed.request_index)
    request_index = np.append(listed.request_index, seen.request_index[missing])
    order = np.argsort(request_index, kind="stable")
    item = np.append(listed.item, seen.item[missing])
    return Pairs(request_index[order], item[order])


def _window(replay: Replay, start: I64, end: I64, length: int) -> History:
    """The last `length` events before `end`, newest last, padded in front."""
    event = end[:, None] + np.arange(-length, 0)
    happened = event >= start[:, None]
    event = np.where(happened, event, 0)
    if not len(replay.event_item):
        empty = np.zeros(event.shape, np.int64)
        return History(empty, empty, empty.astype(np.uint8))
    return History(
        replay.event_item[event] * happened,
        replay.event_time_ms[event] * happened,
        replay.event_outcome[event] * happened,
    )
