"""How often a pair is offered to a user who was offered it before.

By how long ago that was and how popular the pair is, in three tables: of pairs that were foreseen
and never offered to the user, of those that the user's last request left out, and of those that it
offered.
"""

from typing import Final

import numpy as np

from models.features.records import F64, I64
from models.speculation.gaps import BINS, bin_of
from models.speculation.memory import NEVER, Known
from models.speculation.offers import LEVELS

FORESEEN: Final = 0
LEFT_OUT: Final = 1
OFFERED: Final = 2
PRIOR_CHANCE: Final = np.array([0.01, 0.02, 0.5])
PRIOR_TRIALS: Final = 50.0
SHAPE: Final = (3, LEVELS, BINS)


class Repeats:
    def __init__(self) -> None:
        self._tried = np.zeros(SHAPE)
        self._again = np.zeros(SHAPE)

    def heard(self, known: Known, asked: I64, now_ms: int) -> None:
        """A user, as remembered before this request, and the pairs that it offers."""
        pairs = known.pairs.pair
        again = np.isin(pairs, asked, assume_unique=True)
        cell = cells(known, np.arange(len(pairs)), now_ms)
        size = int(np.prod(SHAPE))
        self._tried += np.bincount(cell, minlength=size).reshape(SHAPE)
        self._again += np.bincount(cell[again], minlength=size).reshape(SHAPE)

    def tables(self) -> F64:
        """`[3, levels, bins]` chances; a cell with few trials leans on all ages of its level, and
        that on its table."""
        prior = PRIOR_TRIALS * PRIOR_CHANCE[:, None]
        tried, again = self._tried.sum(2), self._again.sum(2)
        level = (again + prior) / (tried + PRIOR_TRIALS)
        return np.asarray(
            (self._again + PRIOR_TRIALS * level[..., None]) / (self._tried + PRIOR_TRIALS)
        )


def cells(known: Known, rows: I64, now_ms: int) -> I64:
    """Where in the tables, flattened, these rows of a user's pairs belong."""
    level, asked_ms = known.pairs.level[rows], known.pairs.asked_ms[rows]
    cell = level * BINS
    is_last = asked_ms == known.last_ms
    elapsed = int(bin_of(np.array(now_ms - known.last_ms)))
    cell[is_last] += OFFERED * LEVELS * BINS + elapsed
    if len(other := np.flatnonzero(~is_last & (asked_ms != NEVER))):
        cell[other] += LEFT_OUT * LEVELS * BINS + bin_of(now_ms - asked_ms[other])
    return cell
