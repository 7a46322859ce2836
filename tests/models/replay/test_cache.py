"""The replayed cache against a slow one that keeps every entry, and against a deleted future."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

from cache.tiers import HARD_TTL_S, SOFT_TTL_S
from models.data.adworld.world import make_log
from models.data.batches import offered, shown
from models.data.causal import Replay
from models.data.log import Log
from models.features.records import I64
from models.replay.cache import CacheRules, Held, held_at

SEED = 3
TIGHT = CacheRules(
    soft_ttl_s=90.0, hard_ttl_s=1800.0, refresh_delay_s=2.0, pairs_per_s=40.0, page_entries=100
)


@pytest.fixture(scope="module")
def log() -> Log:
    return make_log(impressions=6_000, seed=5)


@pytest.fixture(scope="module")
def replay(log: Log) -> Replay:
    return Replay.of(log)


@pytest.fixture(scope="module")
def requests(replay: Replay) -> I64:
    periods = replay.log.periods
    return np.flatnonzero(replay.time_ms >= periods.student_from_ms)


class Entry(NamedTuple):
    by: int
    at_ms: float


def slow(replay: Replay, requests: I64, rules: CacheRules) -> list[int]:
    """By impression: the request that asked for the entry it reads, −1 without one."""
    pages: dict[int, dict[tuple[int, tuple[int, ...]], Entry]] = {}
    free_ms, found = 0.0, []
    for request in requests.tolist():
        now_ms, one = int(replay.time_ms[request]), np.array([request])
        context = tuple(replay.context[request].tolist())
        page = pages.setdefault(int(replay.user[request]), {})
        for key in [
            key for key, entry in page.items() if now_ms - entry.at_ms > 1e3 * rules.hard_ttl_s
        ]:
            del page[key]
        for item in shown(replay, one).pairs.item.tolist():
            entry = page.get((item, context))
            found.append(entry.by if entry and entry.at_ms < now_ms else -1)
        wanted = []
        for item in sorted(set(offered(replay, one).item.tolist())):
            entry = page.get((item, context))
            if entry is None or now_ms - entry.at_ms > 1e3 * rules.soft_ttl_s:
                wanted.append((item, context))
        if not wanted:
            continue
        done_ms = now_ms + 1e3 * rules.refresh_delay_s
        if rules.pairs_per_s:
            free_ms = max(done_ms, free_ms) + 1e3 * len(wanted) / rules.pairs_per_s
            done_ms = int(free_ms)
        for key in wanted:
            page.pop(key, None)
            page[key] = Entry(request, done_ms)
        newest = sorted(page.items(), key=lambda held: held[1].at_ms)[-rules.page_entries :]
        pages[int(replay.user[request])] = dict(newest)
    return found


@pytest.mark.parametrize("rules", [CacheRules(), CacheRules(pairs_per_s=500.0), TIGHT])
def test_every_impression_reads_what_a_slow_cache_has(
    replay: Replay, requests: I64, rules: CacheRules
) -> None:
    held = held_at(replay, requests, rules, SEED)
    impressions = shown(replay, requests).impression
    expected = np.array(slow(replay, requests, rules))
    # Of equally old entries beyond the page's bound either may go.
    agreed = (held.pair_by[impressions] == expected).mean()
    assert agreed == 1.0 if rules.page_entries >= 512 else agreed > 0.97
    assert (expected >= 0).any()


def test_an_entry_was_there_before_it_is_read(replay: Replay, requests: I64) -> None:
    held = held_at(replay, requests, TIGHT, SEED)
    seen = shown(replay, requests)
    now_ms = replay.time_ms[requests][seen.pairs.request_index]
    by = held.pair_by[seen.impression]
    done_ms = held.done_ms[by[by >= 0]]
    assert (done_ms < now_ms[by >= 0]).all()
    assert (now_ms[by >= 0] - done_ms <= 1000 * TIGHT.hard_ttl_s).all()
    assert (
        replay.user[by[by >= 0]] == replay.user[requests][seen.pairs.request_index][by >= 0]
    ).all()
    sampled_now = replay.time_ms[held.sampled.request_index]
    assert (held.done_ms[held.sampled_by] < sampled_now).all()


def test_a_slower_teacher_covers_less(replay: Replay, requests: I64) -> None:
    impressions = shown(replay, requests).impression
    covered = [
        (
            held_at(replay, requests, CacheRules(pairs_per_s=rate), SEED).pair_by[impressions] >= 0
        ).mean()
        for rate in (None, 2.0, 0.05)
    ]
    assert covered == sorted(covered, reverse=True)
    assert covered[0] > covered[-1]


def test_no_more_than_so_many_entries_stand_for_a_page(replay: Replay, requests: I64) -> None:
    held = held_at(replay, requests, CacheRules(sampled=3), SEED)
    assert np.bincount(held.sampled.request_index).max() == 3


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_nothing_held_changes_when_the_future_is_deleted(
    log: Log, replay: Replay, requests: I64, share: float
) -> None:
    whole = held_at(replay, requests, TIGHT, SEED)
    cut = int(requests[int(share * len(requests))])
    impressions = int(replay.offsets[cut])
    shorter = Replay.of(dataclasses.replace(log, impressions=log.impressions[:impressions]))
    part = held_at(shorter, requests[requests < cut], TIGHT, SEED)
    _assert_same(whole, part, cut, impressions)


def _assert_same(whole: Held, part: Held, requests: int, impressions: int) -> None:
    np.testing.assert_array_equal(part.pair_by, whole.pair_by[:impressions])
    np.testing.assert_array_equal(part.done_ms, whole.done_ms[:requests])
    before = whole.sampled.request_index < requests
    np.testing.assert_array_equal(part.sampled.item, whole.sampled.item[before])
    np.testing.assert_array_equal(part.sampled_by, whole.sampled_by[before])


def test_ttls_are_those_of_serving() -> None:
    rules = CacheRules()
    assert (rules.soft_ttl_s, rules.hard_ttl_s) == (SOFT_TTL_S, HARD_TTL_S)
