"""The cache as it would have been at each request of a log: cold at first, filled by demand alone.

The rules are those of serving (cache.tiers, docs/cache.md): a request asks for the pairs that it
missed or found stale; the teacher says its word a delay later, in the order of asking, as fast as
it can; a page keeps the newest entries; an entry counts while it is younger than the hard TTL, in
the context that it was computed under, and only when it was there strictly before the request.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.data.batches import Pairs, offered, shown
from models.data.causal import Replay
from models.features.records import I64
from models.schema import Frozen

LISTS = 1024
"""Requests whose lists are read together."""


class CacheRules(Frozen):
    soft_ttl_s: float = Field(default=600.0, gt=0)
    hard_ttl_s: float = Field(default=86_400.0, gt=0)
    refresh_delay_s: float = Field(default=1.0, ge=0)
    pairs_per_s: float | None = Field(default=None, gt=0)  # None: whatever is asked for
    page_entries: int = Field(default=512, gt=0)
    sampled: int = Field(default=8, gt=0)  # entries that stand for a page's mean


class Held(NamedTuple):
    """What the cache held for each request, by the request that had asked for it (`by`)."""

    done_ms: I64  # [Q] when what request q asked for was there; 0 where it asked for nothing
    pair_by: I64  # [I] of the entry that the impression read; −1 without one
    sampled: Pairs  # some live entries of the user's page, by request of the log
    sampled_by: I64  # of each


class _Page(NamedTuple):
    keys: I64  # [M] ascending
    by: I64  # [M] the request that asked
    at_ms: I64  # [M]


class _Asked(NamedTuple):
    request: int
    keys: I64  # of the list, ascending
    shown: I64  # keys of the impressions


_EMPTY = _Page(*(np.zeros(0, np.int64) for _ in range(3)))


def held_at(replay: Replay, requests: I64, rules: CacheRules, seed: int) -> Held:
    """Of `requests`, ascending; nothing was asked for before the first of them.

    What is said of a request does not change with what comes after it.
    """
    contexts = context_codes(replay)
    cache = _Cache(rules, np.zeros(len(replay.time_ms), np.int64))
    pair_by = np.full(len(replay.item), -1)
    samples: list[tuple[I64, I64, I64]] = []
    for asked in _in_turn(replay, requests, contexts):
        now_ms, user = int(replay.time_ms[asked.request]), int(replay.user[asked.request])
        page = cache.alive(user, now_ms)
        first = int(replay.offsets[asked.request])
        pair_by[first : first + len(asked.shown)] = _found(page, asked.shown, now_ms)
        samples.append(_sampled(page, asked.request, now_ms, rules.sampled, seed))
        cache.ask(user, asked, now_ms, page)
    index, keys, by = (np.concatenate(column) for column in zip(*samples, strict=True))
    return Held(cache.done_ms, pair_by, Pairs(index, keys // (contexts.max() + 1)), by)


class _Cache:
    def __init__(self, rules: CacheRules, done_ms: I64) -> None:
        self.done_ms = done_ms
        self._rules = rules
        self._pages: dict[int, _Page] = {}
        self._free_ms = 0.0

    def alive(self, user: int, now_ms: int) -> _Page:
        """With what is on its way: it is asked for already, though nobody can read it yet."""
        page = self._pages.get(user, _EMPTY)
        return _taken(page, now_ms - page.at_ms <= self._rules.hard_ttl_s * 1000.0)

    def ask(self, user: int, asked: _Asked, now_ms: int, page: _Page) -> None:
        at_ms = _looked_up(page, asked.keys, page.at_ms, missing=0)
        wanted = asked.keys[now_ms - at_ms > self._rules.soft_ttl_s * 1000.0]
        if not len(wanted):
            return
        self.done_ms[asked.request] = done_ms = self._done_ms(now_ms, len(wanted))
        kept = _taken(page, ~np.isin(page.keys, wanted))
        new = _Page(wanted, np.full(len(wanted), asked.request), np.full(len(wanted), done_ms))
        self._pages[user] = _newest(kept, new, self._rules.page_entries)

    def _done_ms(self, now_ms: int, pairs: int) -> int:
        due = now_ms + self._rules.refresh_delay_s * 1000.0
        if self._rules.pairs_per_s is None:
            return int(due)
        self._free_ms = max(due, self._free_ms) + 1000.0 * pairs / self._rules.pairs_per_s
        return int(self._free_ms)


def _in_turn(replay: Replay, requests: I64, contexts: I64) -> Iterator[_Asked]:
    base = int(contexts.max()) + 1
    for start in range(0, len(requests), LISTS):
        rows = requests[start : start + LISTS]
        lists, seen = offered(replay, rows), shown(replay, rows).pairs
        places = np.arange(len(rows) + 1)
        list_ends, seen_ends = (
            np.searchsorted(pairs.request_index, places) for pairs in (lists, seen)
        )
        for place, request in enumerate(rows.tolist()):
            listed = lists.item[list_ends[place] : list_ends[place + 1]]
            here = seen.item[seen_ends[place] : seen_ends[place + 1]]
            context = contexts[request]
            yield _Asked(request, np.unique(listed) * base + context, here * base + context)


def context_codes(replay: Replay) -> I64:
    """`[Q]` equal where the context is, as the fold in a pair's key."""
    if not replay.context.shape[1]:
        return np.zeros(len(replay.time_ms), np.int64)
    return np.asarray(np.unique(replay.context, axis=0, return_inverse=True)[1]).reshape(-1)


def _found(page: _Page, keys: I64, now_ms: int) -> I64:
    return _looked_up(_taken(page, page.at_ms < now_ms), keys, None, missing=-1)


def _looked_up(page: _Page, keys: I64, values: I64 | None, missing: int) -> I64:
    values = page.by if values is None else values
    if not len(page.keys):
        return np.full(len(keys), missing)
    row = np.minimum(np.searchsorted(page.keys, keys), len(page.keys) - 1)
    return np.where(page.keys[row] == keys, values[row], missing)


def _sampled(page: _Page, request: int, now_ms: int, count: int, seed: int) -> tuple[I64, I64, I64]:
    """At most `count` entries that can be read, chosen by the request alone."""
    page = _taken(page, page.at_ms < now_ms)
    if len(page.keys) > count:
        rng = np.random.default_rng((seed, request))
        page = _taken(page, np.sort(rng.choice(len(page.keys), count, replace=False)))
    return np.full(len(page.keys), request), page.keys, page.by


def _newest(old: _Page, new: _Page, limit: int) -> _Page:
    both = _Page(*map(np.concatenate, zip(old, new, strict=True)))
    if len(both.keys) > limit:
        both = _taken(both, np.argsort(both.at_ms, kind="stable")[-limit:])
    return _taken(both, np.argsort(both.keys))


def _taken(page: _Page, rows: NDArray[np.bool_] | I64) -> _Page:
    return _Page(page.keys[rows], page.by[rows], page.at_ms[rows])
