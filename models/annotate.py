"""A fixed teacher's word on a later log, as a cache would have held it at each request's time.

Only what was computed strictly before the request counts: the teacher reads the state of an
earlier instant, and the student is told how old the answer is. The checkpoint was trained on an
earlier period, so it never saw the label of a row that it annotates.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from rich.progress import Progress

from models.cache_replay import CacheRules, Held, held_at
from models.data.batches import Pairs, shown
from models.data.causal import Replay
from models.examples import Examples
from models.features.build import no_hints
from models.features.records import F32, I64, Hints
from models.inputs import Inputs
from models.schema import TIERS
from models.teacher import Teacher

STATES: Final = 256
"""States of users that the teacher reads together."""


class Annotations(NamedTuple):
    """Hints by impression of the log; zeros and tier `none` outside the annotated requests.

    `pair` has the word on every impression, so that any coverage can be served of it; `held` says
    which tier the replayed cache had.
    """

    pair: Hints
    aggregate: Hints
    held: I64  # [I] codes of models.schema.TIERS


class _Entries(NamedTuple):
    """Pairs with the states that they are computed under: `state` counts 2 a request, first what
    its demand led to, then what speculation computed for it."""

    state: I64  # [E]
    item: I64  # [E]


def annotate(
    teacher: Teacher,
    examples: Examples,
    requests: I64,
    rules: CacheRules,
    seed: int,
    progress: Progress,
) -> Annotations:
    replay = examples.replay
    held = held_at(replay, requests, rules, seed)
    at_ms = np.stack([held.done_ms, speculated_ms(replay, rules, seed)], axis=1).reshape(-1)
    seen = shown(replay, requests)
    asked = _asked(requests, seen.pairs, held, seen.impression)
    said = _said(teacher, examples, asked, at_ms, progress)
    notes = _empty(replay, teacher.bottleneck.encode.out_features)
    count, now_ms = len(seen.impression), replay.time_ms[requests][seen.pairs.request_index]
    _write(notes.pair, seen.impression, "pair", said.z[:count], now_ms - at_ms[asked.state[:count]])
    notes.pair.logit[seen.impression] = said.logit[:count]
    _aggregate(notes, replay, held, said.z[count:], at_ms)
    notes.held[:] = np.where(held.pair_by >= 0, TIERS.index("pair"), notes.aggregate.tier)
    return notes


def speculated_ms(replay: Replay, rules: CacheRules, seed: int) -> I64:
    """`[Q]` when an entry that nobody had asked for was computed: log-uniform up to the hard TTL.

    Drawn in the order of the log, so that what comes after a request changes nothing.
    """
    chance = np.random.default_rng(seed).random(len(replay.time_ms))
    age_ms = np.exp(chance * np.log(rules.hard_ttl_s * 1000.0)).astype(np.int64)
    at_ms: I64 = replay.time_ms - np.maximum(age_ms, 1)
    return at_ms


def _asked(requests: I64, seen: Pairs, held: Held, impression: I64) -> _Entries:
    """The impressions, then what stands for the pages' means."""
    by = held.pair_by[impression]
    own = requests[seen.request_index]
    state = np.where(by >= 0, 2 * by, 2 * own + 1)
    return _Entries(np.append(state, 2 * held.sampled_by), np.append(seen.item, held.sampled.item))


class _Said(NamedTuple):
    logit: F32  # [E, T]
    z: F32  # [E, d]


def _said(
    teacher: Teacher, examples: Examples, asked: _Entries, at_ms: I64, progress: Progress
) -> _Said:
    """The teacher runs once for each different pair of a state and an item."""
    items = int(asked.item.max(initial=0)) + 1
    unique, inverse = np.unique(asked.state * items + asked.item, return_inverse=True)
    state, item = unique // items, unique % items
    states, state_of = np.unique(state, return_inverse=True)
    bar = progress.add_task("annotate", total=len(states))
    parts = []
    for start in range(0, len(states), STATES):
        rows = slice(*np.searchsorted(state_of, [start, start + STATES]))
        pairs = Pairs(state_of[rows] - start, item[rows])
        parts.append(_answered(teacher, examples, states[start : start + STATES], pairs, at_ms))
        progress.advance(bar, STATES)
    logit, z = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Said(logit[inverse], z[inverse])


def _answered(teacher: Teacher, examples: Examples, states: I64, pairs: Pairs, at_ms: I64) -> _Said:
    arrays = examples.arrays(states // 2, pairs, as_of_ms=at_ms[states])
    with torch.inference_mode():
        answered = teacher(Inputs.of(arrays))
    return _Said(answered.logit.numpy(), answered.z.numpy())


def _empty(replay: Replay, dim: int) -> Annotations:
    count, tasks = replay.labels.shape
    none = np.full(count, TIERS.index("none"))
    return Annotations(no_hints(count, dim, tasks), no_hints(count, dim, tasks), none)


def _write(into: Hints, impressions: I64, tier: str, z: F32, age_ms: I64) -> None:
    into.z[impressions] = z
    into.tier[impressions] = TIERS.index(tier)
    into.age_s[impressions] = (age_ms / 1000.0).astype(np.float32)


def _aggregate(notes: Annotations, replay: Replay, held: Held, z: F32, at_ms: I64) -> None:
    """The mean over a user's entries, as old as the newest of them, on all that a request shows."""
    requests, index = np.unique(held.sampled.request_index, return_inverse=True)
    mean = _mean_by(index, z, len(requests))
    newest = np.zeros(len(requests), np.int64)
    np.maximum.at(newest, index, at_ms[2 * held.sampled_by])
    seen = shown(replay, requests)
    rows = seen.pairs.request_index
    age_ms = replay.time_ms[requests] - newest
    _write(notes.aggregate, seen.impression, "user", mean[rows], age_ms[rows])


def _mean_by(index: I64, values: F32, groups: int) -> F32:
    total = np.zeros((groups, values.shape[1]), np.float32)
    np.add.at(total, index, values)
    counts = np.maximum(np.bincount(index, minlength=groups), 1).astype(np.float32)
    mean: F32 = total / counts[:, None]
    return mean
