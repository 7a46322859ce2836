"""What is to be expected of users, learnt from all that was heard so far.

The chance that a user asks for a pair while an entry made now would live, and the one that is there
does no more: Σ over gaps g in between of P(next gap is g | elapsed) · P(offered then).
"""

from typing import Final

import numpy as np

from models.features.records import F64, I64
from models.speculation.gaps import BINS, at_gap, between, place_of
from models.speculation.memory import PAIRS, USERS, Known, Memory
from models.speculation.offers import LEVELS, Offers, level_of
from models.speculation.policy import Asked
from models.speculation.repeats import OFFERED, Repeats, cells
from models.speculation.return_times import KINDS, ReturnTimes
from models.speculation.slots import Slots

SURE: Final = 0.995
"""No chance is taken for more."""


class Outlook:
    def __init__(self, hard_ttl_ms: int, users: int = USERS, pairs: int = PAIRS) -> None:
        self.memory = Memory(users, pairs)
        self.offers = Offers()
        self.slots = Slots(users)
        self._user = np.zeros(users, np.int64)
        self._returns = ReturnTimes(users)
        self._repeats = Repeats()
        self._hard_ttl_ms = hard_ttl_ms
        self._tabulate(0)

    def asked(self, asked: Asked) -> None:
        if (known := self.memory.find(asked.user)) is not None:
            self._repeats.heard(known, asked.pairs, asked.now_ms)
        slot, is_new = self.slots.use(asked.user)
        self._user[slot] = asked.user
        self._returns.asked(slot, asked.now_ms, is_new)
        shares = self.offers.heard(asked.pairs, asked.items, asked.now_ms)
        self.memory.asked(asked, level_of(shares))
        if self._returns.is_due():
            self._tabulate(asked.now_ms)

    def chances(self, known: Known, rows: I64, now_ms: int) -> F64:
        """`[n]` of these rows of the user's pairs."""
        slot = self.slots.find(known.user)
        if slot is None:
            return np.zeros(len(rows))
        kind, elapsed_ms = int(self._returns.kinds(slot)), now_ms - known.last_ms
        level, cell = known.pairs.level[rows], cells(known, rows, now_ms)
        back, again = self._until(kind, elapsed_ms, elapsed_ms + self._hard_ttl_ms)
        is_last = cell >= OFFERED * LEVELS * BINS
        chance = np.where(is_last, again[level], back * self._repeated[cell])
        left_ms = known.pairs.computed_ms[rows] + self._hard_ttl_ms - now_ms
        if len(live := np.flatnonzero(left_ms > 0)):
            chance[live] *= self._uncovered(kind, elapsed_ms, left_ms[live])
        return np.asarray(np.minimum(chance, SURE))

    def _until(self, kind: int, since_ms: int, until_ms: int) -> tuple[float, F64]:
        """Chance that the user returns in between, and `[levels]` that the return offers again
        what the last request had."""
        begin, end = (float(at_gap(self._back[kind], ms)) for ms in (since_ms, until_ms))
        away = max(1.0 - begin, 1e-9)
        again = at_gap(self._again[kind], until_ms) - at_gap(self._again[kind], since_ms)
        return (end - begin) / away, again / away

    def _uncovered(self, kind: int, elapsed_ms: int, left_ms: I64) -> F64:
        """Share of the returns within the hard TTL that find the present entry expired."""
        rows = np.full(len(left_ms), kind)
        begin, end = (
            float(at_gap(self._back[kind], ms))
            for ms in (elapsed_ms, elapsed_ms + self._hard_ttl_ms)
        )
        covered = between(self._back, rows, place_of(elapsed_ms + left_ms)) - begin
        return 1.0 - covered / max(end - begin, 1e-9)

    def returning(self, slots: I64, now_ms: int) -> F64:
        """Chance that users come back within the hard TTL."""
        kinds, elapsed_ms = self._returns.kinds(slots), now_ms - self._returns.last_ms[slots]
        begin, end = (
            between(self._back, kinds, place_of(gap_ms))
            for gap_ms in (elapsed_ms, elapsed_ms + self._hard_ttl_ms)
        )
        return np.asarray(np.minimum((end - begin) / np.maximum(1.0 - begin, 1e-9), SURE))

    def users(self, slots: I64) -> list[int]:
        found: list[int] = self._user[slots].tolist()
        return found

    def _tabulate(self, now_ms: int) -> None:
        stays, repeated = self._returns.stays(now_ms), self._repeats.tables()
        ends = -np.diff(stays, axis=1)
        again = np.cumsum(ends[:, None] * repeated[OFFERED], axis=2)
        self._back = 1.0 - stays  # [kinds, bins + 1] returned before the bin begins
        # [kinds, levels, bins + 1]: and offered again what the last request had
        self._again = np.concatenate([np.zeros((KINDS, LEVELS, 1)), again], axis=2)
        self._repeated = repeated.reshape(-1)
