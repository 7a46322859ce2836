"""A fixed teacher's word on a later log, as a cache would have held it at each request's time.

Only what was computed strictly before the request counts: the teacher reads the state of an
earlier instant, and the student is told how old the answer is. The checkpoint was trained on an
earlier period, so it never saw the label of a row that it annotates.
"""

from typing import NamedTuple

import numpy as np
from rich.progress import Progress

from models.annotation.annotations import Annotations, nothing_said
from models.annotation.verdicts import Blocks, Judged, Wanted, judged
from models.data.batches import Shown, shown
from models.data.causal import Replay
from models.examples import Examples
from models.features.records import F32, I64, Hints
from models.replay.cache import CacheRules, Held, context_codes, held_at
from models.replay.items import ItemRules, item_lent
from models.replay.lending import Asked, Entries, Lent
from models.replay.neighbours import NeighbourRules, neighbour_lent
from models.replay.sequence import levels, spans
from models.schema import TIERS, Tier
from models.teacher import Teacher

IN_MEMORY = Blocks()


def annotate(
    teacher: Teacher,
    examples: Examples,
    requests: I64,
    rules: CacheRules,
    seed: int,
    progress: Progress,
    blocks: Blocks = IN_MEMORY,
) -> Annotations:
    """`blocks` keeps what the teacher said, so that a run that was stopped goes on from there."""
    replay = examples.replay
    plan = _Plan.of(replay, requests, rules, seed)
    said = judged(teacher, examples, plan.wanted(replay), plan.at_ms, progress, blocks)
    notes = nothing_said(replay, teacher.bottleneck.encode.out_features)
    notes = notes._replace(sequence=notes.sequence._replace(start=plan.start, end=plan.end))
    _pairs(notes.pair, plan, said.taken(plan.of_shown))
    _users(notes.user, replay, plan, said.taken(plan.of_sampled))
    past = said.taken(plan.of_past)
    notes.sequence.z[plan.past] = levels(past.z)
    _lend(notes, replay, plan, past, rules)
    notes.held[:] = _held(notes, plan)
    return notes


def speculated_ms(replay: Replay, rules: CacheRules, seed: int) -> I64:
    """`[Q]` when an entry that nobody had asked for was computed: log-uniform up to the hard TTL.

    Drawn in the order of the log, so that what comes after a request changes nothing.
    """
    chance = np.random.default_rng(seed).random(len(replay.time_ms))
    age_ms = np.exp(chance * np.log(rules.hard_ttl_s * 1000.0)).astype(np.int64)
    at_ms: I64 = replay.time_ms - np.maximum(age_ms, 1)
    return at_ms


class _Plan(NamedTuple):
    """What the teacher is to say, and of which instants.

    State 2 q is what the demand of request q led to, 2 q + 1 what speculation computed for it.
    """

    requests: I64
    seen: Shown
    held: Held
    past: I64  # impressions that a refresh spoke of afterwards
    past_by: I64  # the request of that refresh
    start: I64  # [Q] of each request's sequence, as in models.replay.sequence.Spans
    end: I64  # [Q]
    at_ms: I64  # by state
    now_ms: I64  # of each shown impression

    @classmethod
    def of(cls, replay: Replay, requests: I64, rules: CacheRules, seed: int) -> "_Plan":
        held, seen = held_at(replay, requests, rules, seed), shown(replay, requests)
        found = spans(replay, held.done_ms, int(replay.time_ms[requests].min()))
        past = np.flatnonzero(found.by >= 0)
        at_ms = np.stack([held.done_ms, speculated_ms(replay, rules, seed)], axis=1).reshape(-1)
        now_ms = replay.time_ms[requests][seen.pairs.request_index]
        times = (found.start, found.end, at_ms, now_ms)
        return cls(requests, seen, held, past, found.by[past], *times)

    @property
    def shown_state(self) -> I64:
        by = self.held.pair_by[self.seen.impression]
        return np.where(by >= 0, 2 * by, 2 * self.requests[self.seen.pairs.request_index] + 1)

    def wanted(self, replay: Replay) -> Wanted:
        """The impressions, what stands for the pages' means, then the past."""
        states = (self.shown_state, 2 * self.held.sampled_by, 2 * self.past_by)
        items = (self.seen.pairs.item, self.held.sampled.item, replay.item[self.past])
        return Wanted(np.concatenate(states), np.concatenate(items))

    @property
    def of_shown(self) -> slice:
        return slice(0, len(self.seen.impression))

    @property
    def of_sampled(self) -> slice:
        return slice(self.of_shown.stop, self.of_shown.stop + len(self.held.sampled_by))

    @property
    def of_past(self) -> slice:
        return slice(self.of_sampled.stop, None)


def _pairs(into: Hints, plan: _Plan, said: Judged) -> None:
    rows = plan.seen.impression
    _write(into, rows, "pair", said.z, plan.now_ms - plan.at_ms[plan.shown_state])
    into.logit[rows] = said.logit


def _users(into: Hints, replay: Replay, plan: _Plan, said: Judged) -> None:
    """The mean over a user's entries, as old as the newest of them, on all that a request shows."""
    requests, index = np.unique(plan.held.sampled.request_index, return_inverse=True)
    newest = np.zeros(len(requests), np.int64)
    np.maximum.at(newest, index, plan.at_ms[2 * plan.held.sampled_by])
    seen = shown(replay, requests)
    rows = seen.pairs.request_index
    mean = _mean_by(index, said.z, len(requests))
    age_ms = replay.time_ms[requests] - newest
    _write(into, seen.impression, "user", mean[rows], age_ms[rows])


def _lend(notes: Annotations, replay: Replay, plan: _Plan, said: Judged, rules: CacheRules) -> None:
    """What a refresh said of the impressions just before it stands for all that its page held."""
    pairs = _pair_codes(replay)
    entries = Entries(
        user=replay.user[plan.past_by],
        pair=pairs.of(plan.past_by, replay.item[plan.past]),
        item=replay.item[plan.past],
        at_ms=plan.at_ms[2 * plan.past_by],
        z=said.z,
        logit=said.logit,
    )
    by, item = plan.requests[plan.seen.pairs.request_index], plan.seen.pairs.item
    asked = Asked(replay.user[by], pairs.of(by, item), item, plan.now_ms)
    ttl_s = rules.hard_ttl_s
    lent = neighbour_lent(entries, asked, NeighbourRules(hard_ttl_s=ttl_s))
    _write_lent(notes.neighbour, plan.seen.impression, "neighbour", lent)
    lent = item_lent(entries, asked, ItemRules(hard_ttl_s=ttl_s))
    _write_lent(notes.item, plan.seen.impression, "item", lent)


class _PairCodes(NamedTuple):
    contexts: I64  # [Q]
    base: int

    def of(self, requests: I64, item: I64) -> I64:
        """One number an item and a context."""
        return item * self.base + self.contexts[requests]


def _pair_codes(replay: Replay) -> _PairCodes:
    contexts = context_codes(replay)
    return _PairCodes(contexts, int(contexts.max(initial=0)) + 1)


def _held(notes: Annotations, plan: _Plan) -> I64:
    """The best tier of each impression, codes of models.schema.TIERS."""
    best = np.where(plan.held.pair_by >= 0, TIERS.index("pair"), TIERS.index("none"))
    for lower in (notes.neighbour, notes.user, notes.item):
        best = np.where(best == TIERS.index("none"), lower.tier, best)
    return best


def _write_lent(into: Hints, impressions: I64, tier: Tier, lent: Lent) -> None:
    rows = np.flatnonzero(lent.found)
    age_ms = (lent.age_s[rows] * 1000.0).astype(np.int64)
    _write(into, impressions[rows], tier, lent.z[rows], age_ms)


def _write(into: Hints, impressions: I64, tier: Tier, z: F32, age_ms: I64) -> None:
    into.z[impressions] = z
    into.tier[impressions] = TIERS.index(tier)
    into.age_s[impressions] = (age_ms / 1000.0).astype(np.float32)


def _mean_by(index: I64, values: F32, groups: int) -> F32:
    total = np.zeros((groups, values.shape[1]), np.float32)
    np.add.at(total, index, values)
    counts = np.maximum(np.bincount(index, minlength=groups), 1).astype(np.float32)
    mean: F32 = total / counts[:, None]
    return mean
