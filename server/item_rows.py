"""Item ids → catalogue rows, remembered: the same ads are ranked again and again."""

from collections.abc import Sequence
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np

from models.features.catalogue import Catalogue
from models.features.catalogue_view import View
from models.features.hashing import keys64
from models.features.records import I64, U64

MAX_REMEMBERED: Final = 1 << 18
_UNSEEN: Final = -1


class Located(NamedTuple):
    keys: U64  # [N]
    rows: I64  # [N] of the view


class ItemRows:
    """Remembers items of the catalogue's file alone: their rows there never change, and callers
    cannot make it grow. Where too many are remembered it begins anew."""

    def __init__(self, base: Catalogue) -> None:
        self._base = base
        self._row_of: dict[str, int] = {}

    def locate(self, item_ids: Sequence[str], view: View) -> Located:
        try:
            rows = np.fromiter(map(self._row_of.__getitem__, item_ids), np.int64, len(item_ids))
        except KeyError:
            return self._searched(item_ids, view)
        keys = self._base.keys.take(rows)
        return Located(keys, view.moved(keys, rows))

    def _searched(self, item_ids: Sequence[str], view: View) -> Located:
        known = map(self._row_of.get, item_ids, repeat(_UNSEEN))
        rows = np.fromiter(known, np.int64, len(item_ids))
        unseen = np.flatnonzero(rows == _UNSEEN)
        ids = [item_ids[position] for position in unseen.tolist()]
        keys = np.zeros(len(item_ids), np.uint64)
        keys[unseen] = keys64(ids)
        rows[unseen] = found = self._base.rows(keys[unseen])
        seen = np.flatnonzero(keys == 0)
        keys[seen] = self._base.keys[rows[seen]]
        self._remember(ids, found)
        return Located(keys, view.moved(keys, rows))

    def _remember(self, item_ids: Sequence[str], rows: I64) -> None:
        if len(self._row_of) + len(item_ids) > MAX_REMEMBERED:
            self._row_of.clear()
        known = np.flatnonzero(rows < len(self._base)).tolist()
        for position, row in zip(known, rows[known].tolist(), strict=True):
            self._row_of[item_ids[position]] = row
