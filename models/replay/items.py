"""The tier of the item alone: the mean of all that a teacher has said of it, to whomever."""

from typing import NamedTuple

import numpy as np
from pydantic import Field

from models.features.records import F32, F64, I64
from models.replay.lending import Asked, Entries, Lent, Shelf, Windows, nothing_lent, whole_ms
from models.schema import Frozen


class ItemRules(Frozen):
    hard_ttl_s: float = Field(default=86_400.0, gt=0)
    least_entries: int = Field(default=1, gt=0)  # fewer say nothing


class _Means(NamedTuple):
    """Of every value up to and including a place of its group's, so that a run is a difference.

    Sums start anew with every group: what is said later changes no bit of an earlier mean.
    """

    values: F32  # [E, …] by place
    through: F64  # [E, …]

    @classmethod
    def of(cls, values: F32, starts: I64) -> "_Means":
        through = np.empty(values.shape, np.float64)
        for first, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            np.cumsum(values[first:end], axis=0, dtype=np.float64, out=through[first:end])
        return cls(values, through)

    def over(self, runs: Windows) -> F64:
        total = self.through[runs.end - 1] - self.through[runs.first] + self.values[runs.first]
        mean: F64 = total / (runs.end - runs.first)[:, None]
        return mean


def item_lent(entries: Entries, asked: Asked, rules: ItemRules) -> Lent:
    """The asker's own entries and other contexts' count too.

    What is said of an asker does not change with what comes at or after its time.
    """
    lent = nothing_lent(asked, entries)
    shelf = Shelf(entries.item, entries.at_ms)
    runs = shelf.alive(asked.item, asked.now_ms, whole_ms(rules.hard_ttl_s))
    lent.found[:] = runs.end - runs.first >= rules.least_entries
    rows = np.flatnonzero(lent.found)
    runs = Windows(runs.first[rows], runs.end[rows])
    for into, values in ((lent.z, entries.z), (lent.logit, entries.logit)):
        into[rows] = _Means.of(values[shelf.order], shelf.starts()).over(runs)
    newest_ms = entries.at_ms[shelf.order[runs.end - 1]]
    lent.age_s[rows] = (asked.now_ms[rows] - newest_ms) / 1000.0
    return lent
