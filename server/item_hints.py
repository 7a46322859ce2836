"""What a teacher has said of the catalogue's items to whomever, held by every gateway process."""

import numpy as np

from cache.arrays import I64, U64
from cache.item_means import ItemMeanFeed, ItemMeans
from cache.tiers import NEVER_MS, ItemLent
from models.features.catalogue import Catalogue
from models.features.catalogue_view import View
from server.following import Following


class ItemHints:
    """By row of the catalogue's file, and written from the event loop. 72 bytes an item at d = 32,
    of which 64 are taken when something is first said of it. Items that the file does not have yet
    are lent nothing.
    """

    def __init__(self, base: Catalogue, dim: int) -> None:
        self._base = base
        rows = len(base) + 1  # the last for items that the file does not have
        self._z = np.zeros((rows, dim), np.float16)
        self._newest_ms = np.full(rows, NEVER_MS)

    @property
    def nbytes(self) -> int:
        return self._z.nbytes + self._newest_ms.nbytes

    def of(self, keys: U64, rows: I64, view: View) -> ItemLent:
        """`rows` of the view; those that it has beside the file are looked for in the file."""
        beside = rows > view.unknown
        if beside.any():
            rows = rows.copy()
            rows[beside] = self._base.rows(keys[beside])
        return ItemLent(self._z, self._newest_ms, rows)

    async def follow(self, feed: ItemMeanFeed) -> None:
        """Until cancelled."""
        await Following(feed, self._take, "item hints").run()

    async def _take(self, means: ItemMeans) -> None:
        self.write(means)

    def write(self, means: ItemMeans) -> None:
        rows = self._base.rows(means.keys)
        is_known = rows < len(self._base)
        self._z[rows[is_known]] = means.z[is_known]
        self._newest_ms[rows[is_known]] = means.newest_ms[is_known]
