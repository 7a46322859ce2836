"""Diversity: greedy MAP of a determinantal point process over the candidates' embeddings.

Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process", arXiv
1709.05135. With L = diag(q)·S·diag(q), one more item multiplies det L by q² × its variance given
the items picked, under S alone (server/variance.py). So S is factored by itself, in float64, and
no quality is too small or too large. docs/rerank.md has the formulas and what a window means.

Candidates are numbered by value, the best first: of two equal gains the more valuable is picked.
"""

from time import thread_time
from typing import Final, NamedTuple, Self

import numpy as np

from models.features.records import F32, F64, Mask
from server.caps import Caps
from server.pins import Pins
from server.scratch import Scratch
from server.variance import EPSILON, GivenAll, GivenSome, Variance, has_choice, vectors

MAX_QUALITY: Final = 300.0


class Wish(NamedTuple):
    strength: float  # 0 … 1
    window: int | None = None  # places above that an item is to differ from; None: all


class Room(NamedTuple):
    """The places to fill, and what bounds them."""

    depth: int
    budget_ms: float
    pins: Pins
    caps: Caps | None  # which know of the pins


class Picked(NamedTuple):
    items: list[int]  # for the first places that are not pinned
    reason: str | None  # why this is not, or not wholly, a diverse order


def diversify(
    values: F64, embeddings: F32, known: Mask, wish: Wish, room: Room, scratch: Scratch
) -> Picked:
    """`[n]` values in falling order, `[n, d]` embeddings.

    A candidate without an embedding (`known` false) has the mean variance of the others at each
    step: it gains nothing and loses nothing by being unknown.
    """
    width, plan = embeddings.shape[1] + 1, Plan.of(len(values), wish, room)
    table = scratch.table(width + plan.window_rows, len(values))
    has_embedding = vectors(embeddings, known, table[:width])
    if has_embedding is None or not np.isfinite(values).all():
        return Picked([], "not_finite")
    if not has_embedding.any():
        return Picked([], "no_embeddings")
    given = (GivenAll if plan.keeps_all else GivenSome)(table, width)
    greedy = _Greedy(weights(values, wish.strength), table[:width], has_embedding, plan, given)
    # Its own work alone: while a thread holds the interpreter, nobody gets on by giving up.
    if not greedy.fill(thread_time() + room.budget_ms / 1000.0):
        return Picked(greedy.picks, "timeout")
    return Picked(greedy.picks, "rank" if greedy.lacks_rank else None)


def weights(values: F64, strength: float) -> F64:
    """q²: q = exp(a·r), r the value's place in this request's range, a = θ / 2(1 − θ),
    θ = 1 − strength; as shares of the greatest."""
    low, high = values.min(), values.max()
    if high <= low:
        return np.ones(len(values))
    a = min((1.0 - strength) / (2.0 * max(strength, 1e-9)), MAX_QUALITY)
    squares: F64 = np.exp(2.0 * a * ((values - high) / (high - low)))
    return squares


class Plan(NamedTuple):
    """Which places are filled how."""

    depth: int
    window: int
    keeps_all: bool  # nothing that is given is ever forgotten
    window_rows: int  # most that are given at a time, in a window
    pinned: dict[int, int]  # item by place
    caps: Caps | None

    @classmethod
    def of(cls, count: int, wish: Wish, room: Room) -> Self:
        depth, pins = min(room.depth, count), len(room.pins.items)
        window = depth if wish.window is None else min(wish.window, depth)
        # A window that nothing can leave is none.
        keeps_all = wish.window is None or (window >= depth - 1 and not pins)
        rows = 0 if keeps_all else window + 1 + min(pins, window + 1)
        pinned = zip(room.pins.places.tolist(), room.pins.items.tolist(), strict=True)
        return cls(depth, window, keeps_all, rows, dict(pinned), room.caps)


class _Greedy:
    """One slate in the making, place by place."""

    def __init__(self, weight: F64, rows: F64, known: Mask, plan: Plan, variance: Variance) -> None:
        self._weight = weight  # of those that can still be picked; 0 for the others
        self._rows, self._known, self._plan, self._variance = rows, known, plan, variance
        self._unknown = np.flatnonzero(~known)
        self._is_left = known.astype(np.float64)  # those with an embedding that are not picked
        self._gain = np.empty(len(weight))
        self.picks: list[int] = []
        self.lacks_rank = False
        """Some place had to be filled by value though there was choice."""

    def fill(self, until: float) -> bool:
        """Whether there was time for all places."""
        self._set_pins_apart()
        slate: list[int] = []
        for place in range(self._plan.depth):
            self._slide(place, slate)
            item = self._plan.pinned.get(place, -1)
            if item < 0:
                item = self._best()
                if item < 0:
                    break
                self._take(item)
            slate.append(item)
            if thread_time() > until:
                return place + 1 == self._plan.depth
        return True

    def _set_pins_apart(self) -> None:
        """They are nobody's choice, and given from the first place on that is near enough."""
        plan = self._plan
        if plan.caps is not None:
            self._weight *= plan.caps.open
        for place, item in plan.pinned.items():
            self._weight[item] = self._is_left[item] = 0.0
            if plan.keeps_all or place < plan.window:
                self._give(item)

    def _slide(self, place: int, slate: list[int]) -> None:
        """The window to this place: as far below it, where pins may stand, as above."""
        given = self._variance
        if not isinstance(given, GivenSome):
            return
        if (gone := place - self._plan.window - 1) >= 0:
            given.forget(slate[gone])
        if (come := self._plan.pinned.get(place + self._plan.window, -1)) >= 0:
            self._give(come)
        self._level()

    def _best(self) -> int:
        """The item of most gain, −1 when what is left goes by value."""
        left, gain = self._variance.left, self._gain
        np.multiply(self._weight, left, out=gain)
        item = int(gain.argmax())
        if left[item] > EPSILON and gain[item] > 0.0:
            return item
        gain[left <= EPSILON] = 0.0
        item = int(gain.argmax())
        return item if gain[item] > 0.0 else self._by_value()

    def _by_value(self) -> int:
        """All that is left lies in the span of what is given. Another window may span less."""
        item = int(self._weight.argmax())
        if self._weight[item] == 0.0:
            return -1
        self.lacks_rank = self.lacks_rank or self._has_choice()
        return -1 if self._plan.keeps_all else item

    def _has_choice(self) -> bool:
        """Where all but one are copies of picks, no order of them would be more diverse."""
        given = np.array([*self.picks, *self._plan.pinned.values()], np.int64)
        return has_choice(self._rows, np.flatnonzero(self._known & (self._weight > 0.0)), given)

    def _take(self, item: int) -> None:
        caps = self._plan.caps
        self.picks.append(item)
        self._weight[item] = self._is_left[item] = 0.0
        if caps is not None and caps.take(item):
            self._weight *= caps.open
        self._give(item)

    def _give(self, item: int) -> None:
        if self._known[item]:
            self._variance.pick(item)
            self._level()

    def _level(self) -> None:
        """Those without an embedding have the mean variance of the others that are left."""
        if len(self._unknown):
            left, others = self._variance.left, self._is_left
            self._variance.left[self._unknown] = (left @ others) / max(others.sum(), 1.0)
