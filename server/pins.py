"""Candidates that stand at a place of the slate whatever they are worth."""

from typing import NamedTuple, Self

import numpy as np

from models.features.records import I64


class Pins(NamedTuple):
    """Places count from 0 and ascend."""

    places: I64  # [P]
    items: I64  # [P]

    @classmethod
    def of(cls, wanted: I64 | None) -> Self:
        """From `[n]` places that count from 1, 0 = wherever."""
        if wanted is None:
            return cls(*np.zeros((2, 0), np.int64))
        items = np.flatnonzero(wanted)
        items = items[np.argsort(wanted[items])]
        return cls(wanted[items] - 1, items)

    def among(self, others: I64, length: int) -> I64:
        """The slate: `others` in their order around the pins, at most `length`. Where there are
        too few of them the last pins move up."""
        if not len(self.items):
            return others[:length]
        count = len(self.items)
        size = min(length, len(others) + count)
        places = np.minimum(self.places, np.arange(size - count, size))
        slate = np.empty(size, np.int64)
        is_other = np.ones(size, np.bool_)
        is_other[places] = False
        slate[places] = self.items
        slate[is_other] = others[: size - count]
        return slate
