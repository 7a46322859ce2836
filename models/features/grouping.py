"""The candidates of a batch by request, so that a model can meet each one's own with its history.

R requests, N candidates, K candidates of the fullest request.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.features.records import I64


class Grouping(NamedTuple):
    rows: I64  # [R, K] of the candidates; 0 where a request has fewer than K
    place: I64  # [N] where each candidate stands in rows, read as one long row


def grouped(request_index: I64, requests: int) -> Grouping:
    """Of candidates in any order; those of one request keep theirs."""
    sizes = np.bincount(request_index, minlength=requests)
    order = np.argsort(request_index, kind="stable")
    grouping = grouped_in_order(sizes.tolist())
    place = np.empty_like(grouping.place)
    place[order] = grouping.place
    rows = np.zeros_like(grouping.rows)
    rows.reshape(-1)[place] = np.arange(len(place))
    return Grouping(rows, place)


def grouped_in_order(sizes: Sequence[int]) -> Grouping:
    """Of one request's candidates after another's."""
    if len(set(sizes)) == 1:
        place = np.arange(len(sizes) * sizes[0])
        return Grouping(place.reshape(len(sizes), sizes[0]), place)
    counts = np.array(sizes, np.int64)
    widest = int(counts.max(initial=0))
    starts = counts.cumsum() - counts
    within = np.arange(widest)
    rows = (starts[:, None] + within) * (within < counts[:, None])
    ahead = np.arange(len(sizes)) * widest - starts
    return Grouping(rows, np.arange(counts.sum()) + ahead.repeat(counts))
