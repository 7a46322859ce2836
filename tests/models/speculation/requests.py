"""Requests as policies hear of them."""

from collections.abc import Sequence

import numpy as np

from models.features.records import F32
from models.speculation.policy import MISS, Asked, Wishes

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def asked_of(
    user: int,
    now_ms: int,
    pairs: Sequence[int],
    scores: Sequence[float] | None = None,
    standing: Sequence[int] | None = None,
) -> Asked:
    """Pairs ascending, an item each; all missed and scored alike unless said otherwise."""
    pair = np.array(pairs, np.int64)
    score: F32 = np.full(len(pair), 0.5, np.float32)
    if scores is not None:
        score = np.array(scores, np.float32)
    stood = np.full(len(pair), MISS, np.uint8)
    if standing is not None:
        stood = np.array(standing, np.uint8)
    return Asked(user, now_ms, pair, pair, score, stood)


def wishes_of(*wished: tuple[int, int, float]) -> Wishes:
    """(user, pair, value), an item a pair."""
    user, pair, value = zip(*wished, strict=True)
    pairs = np.array(pair, np.int64)
    return Wishes(np.array(user, np.int64), pairs, pairs, np.array(value, np.float64))


def valued(wishes: Wishes) -> dict[tuple[int, int], float]:
    """By user and pair."""
    keys = zip(wishes.user.tolist(), wishes.pair.tolist(), strict=True)
    return dict(zip(keys, wishes.value.tolist(), strict=True))
