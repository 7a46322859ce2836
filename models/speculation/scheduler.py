"""Which wishes the teacher is given, and when: a budget in pairs a second, most valuable first.

A run of n pairs of one user shares that user's side and costs 1 + c·n user sides, which is
n + 1 / c pairs. A run begins as soon as there is any budget, and what it costs beyond that is paid
off before the next one; unused budget is saved up to a bound.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, get_args

from pydantic import Field

from models.features.records import I64
from models.schema import Frozen
from models.speculation.lots import Lot, lots
from models.speculation.policy import Policy, Wishes
from models.speculation.price import Free, Price
from models.speculation.trace import Mask
from models.speculation.waiting import Waiting

Dropped = Literal["overflow", "worthless", "fresh", "left"]
Fresh = Callable[[int, I64, int], Mask]
"""User, pairs, now in ms → which of them need no computing."""


class Budget(Frozen):
    pairs_per_s: float = Field(gt=0)
    saved_pairs: float = Field(default=256.0, ge=0)  # while there is nothing to do, at most
    spare: float = Field(
        default=0.25, gt=0, le=1
    )  # of the saved, for what is worth next to nothing
    pair_cost: float = Field(default=0.25, gt=0)  # c, in user sides
    run_pairs: int = Field(default=256, gt=0)
    waiting_pairs: int = Field(default=20_000, gt=1)

    @property
    def user_pairs(self) -> float:
        """What a user's side costs, in pairs."""
        return 1.0 / self.pair_cost

    @property
    def saved_ms(self) -> float:
        return 1000.0 * self.saved_pairs / self.pairs_per_s


class Run(NamedTuple):
    """n pairs of one user, computed together."""

    user: int
    pair: I64  # [n] ascending
    item: I64
    at_ms: int


class Scheduler:
    """Selected = computed + what waits + what was dropped, by reason."""

    def __init__(self, budget: Budget, policy: Policy, fresh: Fresh) -> None:
        self.selected = 0
        self.computed = 0
        self.runs = 0
        self.cost = 0.0  # in pairs
        self._dropped: dict[Dropped, int] = dict.fromkeys(get_args(Dropped), 0)
        self._budget = budget
        self._fresh = fresh
        self._price = Price() if policy.holds_back else Free()
        self._waiting = Waiting(
            limit=budget.waiting_pairs,
            run_pairs=budget.run_pairs,
            overhead=budget.user_pairs,
            values=policy.values,
        )
        self._paid_ms = 0.0  # until then all budget is spent
        self._offered_ms = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def dropped(self) -> dict[Dropped, int]:
        return {**self._dropped, "worthless": self._waiting.worthless}

    def offer(self, wishes: Wishes, now_ms: int) -> list[tuple[int, I64]]:
        """The pairs selected by it, by user: those that did not wait already."""
        self._offered_ms = now_ms
        added = [(user, self._waiting.add(user, lot, now_ms)) for user, lot in lots(wishes, now_ms)]
        self.selected += sum(len(pairs) for _, pairs in added)
        self._dropped["overflow"] += self._waiting.cut(now_ms)
        return added

    def run_until(self, now_ms: int) -> Iterator[Run]:
        """What the teacher begins before then, as wishes stand since the last offer."""
        while (taken := self._next(now_ms)) is not None:
            user, lot, at_ms = taken
            is_fresh = self._fresh(user, lot.pair, at_ms)
            self._dropped["fresh"] += int(is_fresh.sum())
            if not is_fresh.all():
                yield self._begun(user, lot.taken(~is_fresh), at_ms)

    def close(self) -> None:
        """Drops what still waits."""
        self._dropped["left"] += len(self._waiting)

    def _next(self, now_ms: int) -> tuple[int, Lot, int] | None:
        self._paid_ms = max(self._paid_ms, self._offered_ms - self._budget.saved_ms)
        soonest_ms = max(int(self._paid_ms), self._offered_ms)
        if soonest_ms >= now_ms or (worth := self._waiting.best(soonest_ms)) is None:
            return None
        reserve = self._price.reserve(worth)
        at_ms = max(soonest_ms, int(self._paid_ms + reserve * self._budget.saved_ms))
        if at_ms >= now_ms:
            return None
        user, lot = self._waiting.take(self._most(reserve))
        self._price.paid(worth)
        return user, lot, at_ms

    def _most(self, reserve: float) -> int:
        """Pairs of a run that has to leave this share of what can be saved."""
        if not reserve:
            return self._budget.run_pairs
        spare = self._budget.spare * self._budget.saved_pairs / reserve
        return max(1, int(spare - self._budget.user_pairs))

    def _begun(self, user: int, lot: Lot, at_ms: int) -> Run:
        cost = len(lot.pair) + self._budget.user_pairs
        self._paid_ms += 1000.0 * cost / self._budget.pairs_per_s
        self.cost += cost
        self.computed += len(lot.pair)
        self.runs += 1
        return Run(user, lot.pair, lot.item, at_ms)
