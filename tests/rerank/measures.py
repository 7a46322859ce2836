"""What a slate is worth, and how much its items differ."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from models.features.records import F32, F64
from tests.rerank.lists import Listed


class Measures(NamedTuple):
    """Of one slate; of many, the means."""

    ndcg: float  # of its clicks, against the best order of the list
    clicks: float  # share of its items that were clicked
    score: float  # mean
    distance: float  # ILAD: mean (1 − cos) / 2 of its pairs
    least: float  # ILMD: the least of them
    kinds: float  # mean Jaccard distance of its pairs' kinds, which no rerank sees


def measured(listed: Listed, slate: Sequence[int]) -> Measures:
    picks = list(slate)
    labels = listed.labels[picks]
    distances = pair_distances(listed.z[picks])
    return Measures(
        ndcg(labels, listed.labels),
        float(labels.mean()),
        float(listed.scores[picks].mean()),
        float(distances.mean()),
        float(distances.min()),
        float(
            np.mean([jaccard(*pair) for pair in combinations([listed.kinds[i] for i in picks], 2)])
        ),
    )


def mean_of(many: Sequence[Measures]) -> Measures:
    return Measures(*np.nanmean(np.array(many), axis=0).tolist())


def ndcg(labels: F64, of: F64) -> float:
    """NaN where nothing of the list was clicked."""
    discounts = 1.0 / np.log2(np.arange(len(labels)) + 2.0)
    best = float(discounts[: int(of.sum())].sum())
    return float(labels @ discounts) / best if best else float("nan")


def pair_distances(z: F32) -> F64:
    units = z.astype(np.float64) / np.linalg.norm(z, axis=1)[:, None]
    distances: F64 = ((1.0 - units @ units.T) / 2.0)[np.triu_indices(len(z), 1)]
    return distances


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    either = left | right
    return 1.0 - len(left & right) / len(either) if either else 0.0
