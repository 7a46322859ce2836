"""How alike two slates are, from 0 to 1."""

from collections.abc import Sequence
from typing import NamedTuple


class Agreement(NamedTuple):
    top_k: float
    overlap: float


def agreement(one: Sequence[int], other: Sequence[int], k: int) -> Agreement:
    """Of two orders of the same candidates, best first.

    top_k = |first k of one ∩ first k of the other| ÷ k; overlap = its mean over depths 1 … k
    (average overlap: Webber, Moffat & Zobel, "A Similarity Measure for Indefinite Rankings", ACM
    TOIS 2010, section 3), so that the first places weigh most.
    """
    depth = min(k, len(one), len(other))
    if depth == 0:
        return Agreement(1.0, 1.0)
    shared, total = 0, 0.0
    ours: set[int] = set()
    theirs: set[int] = set()
    for place in range(depth):
        mine, its = one[place], other[place]
        ours.add(mine)
        theirs.add(its)
        shared += 1 if mine == its else (mine in theirs) + (its in ours)
        total += shared / (place + 1)
    return Agreement(shared / depth, total / depth)
