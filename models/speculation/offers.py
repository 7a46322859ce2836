"""How often each pair is offered of late: its share of the requests since it was first seen.

Counts are halved every day, so a new item soon stands where it belongs.
"""

from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64, I64

HALF_LIFE_MS: Final = 86_400_000.0
RENEWED: Final = 2.0**60
"""Later requests weigh more, instead of all before them less; past this all are scaled back."""
PRIOR_REQUESTS: Final = 20.0
"""Requests that a pair counts as having missed before it was first seen."""
PAIRS: Final = 65_536
LEVELS: Final = 8


class Popular(NamedTuple):
    pair: I64
    item: I64
    share: F64  # descending


class Offers:
    """Of at most `limit` pairs; when there are more, the rarer half is forgotten."""

    def __init__(self, limit: int = PAIRS) -> None:
        self._limit = limit
        self._place: dict[int, int] = {}
        self._codes = np.zeros((2, limit), np.int64)  # pair, item
        self._weights = np.zeros((2, limit))  # requests that offered it, those before the first
        self._requests = 0.0
        self._since_ms: int | None = None
        self._unit = 1.0

    def __len__(self) -> int:
        return len(self._place)

    def heard(self, pairs: I64, items: I64, now_ms: int) -> F64:
        """Of one request, distinct pairs; their shares."""
        self._advance(now_ms)
        places = self._places(pairs)
        new = np.flatnonzero(places < 0)
        if len(new) and self._has_room(len(new)):
            places = self._places(pairs)
            new = np.flatnonzero(places < 0)
            places[new] = self._added(pairs[new], items[new])
        self._weights[0, places[places >= 0]] += self._unit
        self._requests += self._unit
        return self._shares(places)

    def shares(self, pairs: I64) -> F64:
        return self._shares(self._places(pairs))

    def most(self, count: int) -> Popular:
        places = np.arange(len(self._place))
        share = self._shares(places)
        order = np.lexsort((self._codes[0, places], -share))[:count]
        pair, item = self._codes[:, places[order]]
        return Popular(pair, item, share[order])

    def _advance(self, now_ms: int) -> None:
        self._since_ms = now_ms if self._since_ms is None else self._since_ms
        self._unit = float(np.exp2((now_ms - self._since_ms) / HALF_LIFE_MS))
        if self._unit > RENEWED:
            self._weights /= self._unit
            self._requests /= self._unit
            self._since_ms, self._unit = now_ms, 1.0

    def _places(self, pairs: I64) -> I64:
        find = self._place.get
        return np.array([find(pair, -1) for pair in pairs.tolist()], np.int64)

    def _shares(self, places: I64) -> F64:
        offered, before = self._weights[:, places]
        since = self._requests - before + PRIOR_REQUESTS * self._unit
        return np.where(places >= 0, offered / since, 0.0)

    def _has_room(self, count: int) -> bool:
        if len(self._place) + count > self._limit:
            self._forget()
        return len(self._place) + count <= self._limit

    def _added(self, pairs: I64, items: I64) -> I64:
        places = np.arange(len(self._place), len(self._place) + len(pairs))
        self._place.update(zip(pairs.tolist(), places.tolist(), strict=True))
        self._codes[:, places] = pairs, items
        self._weights[0, places], self._weights[1, places] = 0.0, self._requests
        return places

    def _forget(self) -> None:
        used = np.arange(len(self._place))
        kept = np.sort(np.argsort(-self._weights[0, used], kind="stable")[: self._limit // 2])
        self._codes[:, : len(kept)] = self._codes[:, kept]
        self._weights[:, : len(kept)] = self._weights[:, kept]
        self._place = {
            pair: place for place, pair in enumerate(self._codes[0, : len(kept)].tolist())
        }


def level_of(shares: F64) -> I64:
    """0 for a pair that half of the requests offer, then one more each time that it is halved."""
    halvings = -np.log2(np.maximum(shares, 2.0**-LEVELS))
    return np.minimum(halvings, LEVELS - 1).astype(np.int64)
