"""Candidate lists for a log that kept none, as a retrieval stage would have made them.

Two channels, each learnt from what came strictly before: items seen together with the user's last
ones (cosine of their audiences, an index built anew every day), and the most shown items of the
last day, by the hour. The items shown are among the candidates.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from models.data.batches import Pairs, requests_as_of, shown
from models.data.causal import Replay
from models.features.records import F64, I64

SEEDS: Final = 10
NEIGHBOURS: Final = 20
CHANNEL: Final = 50
"""Items of each channel, at most."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
SHRINKAGE: Final = 10.0
"""Common users that speak against a similarity."""


class _Index(NamedTuple):
    item: I64  # [items, NEIGHBOURS], 0 = none
    similarity: F64


def retrieved(replay: Replay, rows: I64) -> Pairs:
    """Lists of the requests in `rows`, ascending: by request, then item, each once."""
    items = len(replay.catalogue) + 1
    channels = (_similar(replay, rows), _popular(replay, rows), shown(replay, rows).pairs)
    keys = np.unique(np.concatenate([_keys(pairs, items) for pairs in channels]))
    return Pairs(keys // items, keys % items)


def _keys(pairs: Pairs, items: int) -> I64:
    return pairs.request_index * items + pairs.item


def _similar(replay: Replay, rows: I64) -> Pairs:
    day = replay.time_ms[rows] // DAY_MS
    parts = []
    for each in np.unique(day).tolist():
        places = np.flatnonzero(day == each)
        index = _index(replay, each * DAY_MS)
        found = _neighbours(replay, rows[places], index)
        parts.append(Pairs(places[found.request_index], found.item))
    return Pairs(*map(np.concatenate, zip(*parts, strict=True)))


def _index(replay: Replay, before_ms: int) -> _Index:
    """Of all that was shown before that instant."""
    shown_by = replay.user[
        np.searchsorted(replay.offsets, np.arange(len(replay.item)), "right") - 1
    ]
    count = int(replay.offsets[np.searchsorted(replay.time_ms, before_ms)])
    items = len(replay.catalogue) + 1
    ones = np.ones(count, np.float32)
    audience = coo_matrix(
        (ones, (shown_by[:count], replay.item[:count])), (int(replay.user.max()) + 1, items)
    ).tocsr()
    audience.data[:] = 1.0
    return _nearest((audience.T @ audience).tocsr(), items)


def _nearest(together: csr_matrix, items: int) -> _Index:
    alone = together.diagonal()
    pairs = together.tocoo()
    apart = pairs.row != pairs.col
    row, col, both = pairs.row[apart], pairs.col[apart], pairs.data[apart]
    similarity = both / (np.sqrt(alone[row] * alone[col]) + SHRINKAGE)
    order = np.lexsort((col, -similarity, row))
    row, col, similarity = row[order], col[order], similarity[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = place < NEIGHBOURS
    index = _Index(np.zeros((items, NEIGHBOURS), np.int64), np.zeros((items, NEIGHBOURS)))
    index.item[row[kept], place[kept]] = col[kept]
    index.similarity[row[kept], place[kept]] = similarity[kept]
    return index


def _neighbours(replay: Replay, rows: I64, index: _Index) -> Pairs:
    """The best of each request by the sum of similarities to the user's last items."""
    past = requests_as_of(replay, rows, SEEDS, replay.time_ms[rows]).history
    items = len(index.item)
    request = np.repeat(np.arange(len(rows)), SEEDS * NEIGHBOURS)
    worth = (index.similarity[past.row] * (past.outcome > 0)[..., None]).reshape(-1)
    keys, place = np.unique(request * items + index.item[past.row].reshape(-1), return_inverse=True)
    total = np.bincount(place, worth)
    keys, total = keys[total > 0], total[total > 0]
    order = np.lexsort((keys, -total, keys // items))
    request = (keys // items)[order]
    kept = np.arange(len(order)) - np.searchsorted(request, request) < CHANNEL
    return Pairs(request[kept], (keys % items)[order][kept])


def _popular(replay: Replay, rows: I64) -> Pairs:
    """The most shown items of the day before the hour of each request."""
    hour = replay.time_ms[rows] // HOUR_MS
    hours, which = np.unique(hour, return_inverse=True)
    ends = replay.offsets[np.searchsorted(replay.time_ms, hours * HOUR_MS)]
    starts = replay.offsets[np.searchsorted(replay.time_ms, hours * HOUR_MS - DAY_MS)]
    tops = [_most_shown(replay.item[start:end]) for start, end in zip(starts, ends, strict=True)]
    count = np.array([len(top) for top in tops])
    begins = np.append(0, np.cumsum(count))
    flat = np.concatenate(tops)
    request = np.repeat(np.arange(len(rows)), count[which])
    within = np.arange(len(request)) - np.searchsorted(request, request)
    return Pairs(request, flat[begins[which[request]] + within])


def _most_shown(items: I64) -> I64:
    """Of equals the one with the lower row."""
    count = np.bincount(items)
    order = np.lexsort((np.arange(len(count)), -count))[:CHANNEL]
    return order[count[order] > 0]
