"""Item ids → catalogue rows, remembered: the same ads are ranked again and again."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.features.catalogue import Catalogue
from models.features.hashing import keys64
from models.features.records import I64, U64


class Located(NamedTuple):
    keys: U64  # [N]
    rows: I64  # [N] those of unknown items are past the last


class ItemRows:
    """Remembers only items of the catalogue, so callers cannot make it grow beyond that."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._row_of: dict[str, int] = {}

    def locate(self, item_ids: Sequence[str]) -> Located:
        try:
            rows = np.fromiter(map(self._row_of.__getitem__, item_ids), np.int64, len(item_ids))
        except KeyError:
            return self._hashed(item_ids)
        return Located(self._catalogue.keys.take(rows), rows)

    def _hashed(self, item_ids: Sequence[str]) -> Located:
        keys = keys64(item_ids)
        rows = self._catalogue.rows(keys)
        known = (rows < len(self._catalogue)).nonzero()[0].tolist()
        for position, row in zip(known, rows[known].tolist(), strict=True):
            self._row_of[item_ids[position]] = row
        return Located(keys, rows)
