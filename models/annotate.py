"""A fixed teacher's word on a later log, as a cache would have held it at each request's time.

Only what was computed strictly before the request counts: the teacher reads the state of an
earlier instant, and the student is told how old the answer is. The checkpoint was trained on an
earlier period, so it never saw the label of a row that it annotates.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress

from models.data.batches import Pairs, offered, shown
from models.data.causal import Replay
from models.examples import Examples
from models.features.build import no_hints
from models.features.records import F32, I64, Hints
from models.inputs import Inputs
from models.predict import chunked
from models.schema import TIERS
from models.teacher import Teacher

REFRESH_DELAY_MS: Final = 1_000
HARD_TTL_MS: Final = 24 * 3_600_000
LOOK_BACK: Final = 4
AGGREGATED: Final = 8


class Cached(NamedTuple):
    """When the entries that request q reads were computed, and after which request's demand."""

    at_ms: I64  # [Q] strictly before the request
    after: I64  # [Q] row of the user's earlier request, −1 without one within the hard TTL


class Annotations(NamedTuple):
    """Hints by impression of the log; zeros and tier `none` outside the annotated requests."""

    pair: Hints
    aggregate: Hints


def cached_at(replay: Replay, rng: np.random.Generator) -> Cached:
    """One of the user's last few requests made the demand; else speculation did, some time ago."""
    after = _earlier(replay, rng)
    found = after >= 0
    now = replay.time_ms
    demanded = np.where(found, replay.time_ms[after] + REFRESH_DELAY_MS, 0)
    seconds = np.exp(rng.uniform(0.0, np.log(HARD_TTL_MS / 1000), len(now)))
    speculated = now - (seconds * 1000).astype(np.int64)
    return Cached(np.minimum(np.where(found, demanded, speculated), now - 1), after)


def annotate(
    teacher: Teacher,
    examples: Examples,
    requests: I64,
    rng: np.random.Generator,
    progress: Progress,
) -> Annotations:
    replay = examples.replay
    cached = cached_at(replay, rng)
    notes = _empty(replay, teacher.bottleneck.encode.out_features)
    bar = progress.add_task("annotate", total=len(requests))
    with torch.inference_mode():
        for rows in chunked(requests):
            _annotate(teacher, examples, rows, cached, notes, rng)
            progress.advance(bar, len(rows))
    return notes


def _empty(replay: Replay, dim: int) -> Annotations:
    count, tasks = replay.labels.shape
    return Annotations(no_hints(count, dim, tasks), no_hints(count, dim, tasks))


def _annotate(
    teacher: Teacher,
    examples: Examples,
    rows: I64,
    cached: Cached,
    into: Annotations,
    rng: np.random.Generator,
) -> None:
    """The pairs shown, and a sample of what the user's earlier request had offered, in one run."""
    replay = examples.replay
    seen, sampled = shown(replay, rows), _earlier_offers(replay, rows, cached, rng)
    asked = Pairs(*map(np.concatenate, zip(seen.pairs, sampled, strict=True)))
    logit, z = _said(teacher, examples, rows, asked, cached)
    age_s = ((replay.time_ms[rows] - cached.at_ms[rows]) / 1000.0).astype(np.float32)
    index, count = seen.pairs.request_index, len(seen.impression)
    _write(into.pair, seen.impression, "pair", z[:count], age_s[index])
    into.pair.logit[seen.impression] = logit[:count]
    mean = _mean_by(sampled.request_index, z[count:], len(rows))
    known = (cached.after[rows] >= 0)[index]
    _write(into.aggregate, seen.impression[known], "user", mean[index[known]], age_s[index[known]])


def _write(into: Hints, impressions: I64, tier: str, z: F32, age_s: F32) -> None:
    into.z[impressions] = z
    into.tier[impressions] = TIERS.index(tier)
    into.age_s[impressions] = age_s


def _earlier_offers(replay: Replay, rows: I64, cached: Cached, rng: np.random.Generator) -> Pairs:
    """Indexed into `rows`; nothing for a request without an earlier one."""
    known = np.flatnonzero(cached.after[rows] >= 0)
    if not len(known):
        return Pairs(known, known)
    sampled = _sampled(offered(replay, cached.after[rows][known]), len(known), rng)
    return Pairs(known[sampled.request_index], sampled.item)


def _said(
    teacher: Teacher, examples: Examples, rows: I64, pairs: Pairs, cached: Cached
) -> tuple[F32, F32]:
    arrays = examples.arrays(rows, pairs, as_of_ms=cached.at_ms[rows])
    answered = teacher(Inputs.of(arrays))
    return answered.logit.numpy(), answered.z.numpy()


def _earlier(replay: Replay, rng: np.random.Generator) -> I64:
    """The row of the user's k-th last request, k ≤ LOOK_BACK drawn; −1 when none is recent."""
    order = np.lexsort((replay.time_ms, replay.user))
    user, time_ms = replay.user[order], replay.time_ms[order]
    place = np.arange(len(order))
    earlier = np.full(len(order), -1)
    drawn = rng.integers(1, LOOK_BACK + 1, len(order))
    for back in range(1, LOOK_BACK + 1):
        source = np.maximum(place - back, 0)
        fits = (place >= back) & (user[source] == user) & (drawn >= back)
        recent = fits & _is_recent(time_ms - time_ms[source])
        earlier[recent] = order[source[recent]]
    found = np.empty_like(earlier)
    found[order] = earlier
    return found


def _is_recent(age_ms: I64) -> NDArray[np.bool_]:
    return (age_ms > REFRESH_DELAY_MS) & (age_ms < HARD_TTL_MS)


def _sampled(pairs: Pairs, requests: int, rng: np.random.Generator) -> Pairs:
    """At most AGGREGATED pairs of each request, at random."""
    order = np.lexsort((rng.random(len(pairs.item)), pairs.request_index))
    index = pairs.request_index[order]
    starts = np.searchsorted(index, np.arange(requests))
    chosen = order[np.arange(len(index)) - starts[index] < AGGREGATED]
    return Pairs(pairs.request_index[chosen], pairs.item[chosen])


def _mean_by(index: I64, values: F32, groups: int) -> F32:
    total = np.zeros((groups, values.shape[1]), np.float32)
    np.add.at(total, index, values)
    counts = np.maximum(np.bincount(index, minlength=groups), 1).astype(np.float32)
    mean: F32 = total / counts[:, None]
    return mean
