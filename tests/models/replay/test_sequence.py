"""The replayed sequence against a slow one, against a page's own codec, and without its future."""

import dataclasses

import numpy as np
import pytest

from cache.quantise_int4 import pack, unpack
from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.data.log import Log
from models.features.records import I64
from models.replay.cache import CacheRules, held_at
from models.replay.sequence import SequenceNotes, Spans, levels, sequence_at, spans

LENGTH = 5
RULES = CacheRules(soft_ttl_s=90.0, refresh_delay_s=2.0, pairs_per_s=500.0)


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log(impressions=6_000, seed=5)


@pytest.fixture(scope="module")
def replay(log: Log) -> Replay:
    return Replay.of(log)


def found(replay: Replay) -> tuple[Spans, I64, int]:
    since_ms = replay.log.periods.student_from_ms
    requests = np.flatnonzero(replay.time_ms >= since_ms)
    done_ms = held_at(replay, requests, RULES, seed=3).done_ms
    return spans(replay, done_ms, since_ms), done_ms, since_ms


def slow(replay: Replay, done_ms: I64, since_ms: int, request: int) -> list[tuple[int, int]]:
    """(time, request of the refresh that spoke of it) of all that the request could read."""
    user, now_ms = replay.user[request], replay.time_ms[request]
    asked = np.flatnonzero((replay.user == user) & (done_ms > 0) & (done_ms < now_ms))
    refreshes = sorted((int(done_ms[q]), int(q)) for q in asked)
    entries = []
    for earlier in np.flatnonzero(replay.user == user).tolist():
        time_ms = int(replay.time_ms[earlier])
        after = [q for done, q in refreshes if done > time_ms]
        if time_ms >= since_ms and after:
            entries += [(time_ms, after[0])] * int(np.diff(replay.offsets)[earlier])
    return sorted(entries)


def test_a_request_reads_what_a_slow_cache_has(replay: Replay) -> None:
    told, done_ms, since_ms = found(replay)
    later = np.flatnonzero(replay.time_ms >= since_ms)
    sample = np.random.default_rng(0).choice(later, 150, replace=False)
    lengths = []
    for request in sample.tolist():
        window = slice(int(told.start[request]), int(told.end[request]))
        impressions = replay.users.order[window]
        read = list(
            zip(replay.event_time_ms[window].tolist(), told.by[impressions].tolist(), strict=True)
        )
        assert read == slow(replay, done_ms, since_ms, request)
        lengths.append(len(read))
    assert max(lengths) > 2 * LENGTH
    assert min(lengths) == 0


def test_what_is_read_does_not_change_when_the_future_is_deleted(log: Log) -> None:
    cut_ms = int(np.quantile(log.impressions["timestamp_ms"].to_numpy(), 0.9))
    kept = log.impressions.filter(log.impressions["timestamp_ms"] < cut_ms)
    whole, cut = Replay.of(log), Replay.of(dataclasses.replace(log, impressions=kept))
    before = np.arange(len(cut.time_ms))
    (a, *_), (b, *_) = found(whole), found(cut)
    lengths = b.end - b.start
    assert lengths.max() > 0
    np.testing.assert_array_equal((a.end - a.start)[before], lengths)
    for request in before[lengths > 0][::7].tolist():
        in_a = whole.users.order[a.start[request] : a.end[request]]
        in_b = cut.users.order[b.start[request] : b.end[request]]
        np.testing.assert_array_equal(in_a, in_b)
        np.testing.assert_array_equal(a.by[in_a], b.by[in_b])


def test_a_word_stands_on_the_event_that_it_was_said_of(replay: Replay) -> None:
    told, *_ = found(replay)
    z = np.arange(1, 1 + len(replay.item), dtype=np.float32)[:, None].astype(np.float16)
    notes = SequenceNotes(z, told.start, told.end)
    requests = np.flatnonzero(replay.time_ms >= replay.log.periods.student_from_ms)
    read = sequence_at(replay, notes, requests, LENGTH)
    span = replay.users.before(replay.user[requests], replay.time_ms[requests])
    for row in np.flatnonzero(read.said.any(axis=1))[::50].tolist():
        for slot in range(LENGTH):
            position = int(span.end[row]) + slot - LENGTH
            inside = told.start[requests[row]] <= position < told.end[requests[row]]
            assert read.said[row, slot] == inside
            assert read.z[row, slot, 0] == (z[replay.users.order[position], 0] if inside else 0)
    assert 0.0 < read.said.mean() < 1.0


def test_levels_are_those_of_a_page() -> None:
    z = np.tanh(np.random.default_rng(0).normal(0, 2, (500, 7))).astype(np.float32)
    z[0] = [-1, 1, 0.0625, -0.0625, 0.1875, 0.9375, 0]
    np.testing.assert_array_equal(levels(z).astype(np.float32), unpack(pack(z), 7))
