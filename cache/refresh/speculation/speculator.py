"""A policy at work on what is really asked for: what it hears, and what it would have computed.

The policy, its scheduler and its cadence are the simulator's own; here codes stand for real users.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Final

import numpy as np

from cache.arrays import I64, U64
from cache.demand import Demand
from cache.refresh.hand import MAX_USERS
from cache.refresh.speculation.cadence import Cadence
from cache.refresh.speculation.contexts import Contexts
from cache.refresh.speculation.hearing import asked_of
from cache.refresh.speculation.ledger import Ledger
from cache.refresh.speculation.log_time import LogTime
from cache.refresh.speculation.news import News
from cache.refresh.speculation.people import People, code_of
from cache.refresh.tally import Tally
from cache.refresh.worker import Verdict
from cache.tiers import TtlPolicy
from models.speculation.policy import Computed, Policy
from models.speculation.scheduler import Budget, Run, Scheduler

WISHES: Final = 4096
"""Asked of the policy at once."""


class Speculator:
    """`plan` and `take` are for idle moments, `hear` and what tells of pages for all others.

    Selected = computed + waiting + what was dropped, by reason.
    """

    def __init__(
        self,
        policy: Policy,
        budget: Budget,
        ttl: TtlPolicy,
        tally: Tally,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.people = People()
        self.contexts = Contexts()
        self.ledger = Ledger(ttl)
        self.time = LogTime(clock)
        self._policy = policy
        self._news = News(policy)
        self._scheduler = Scheduler(budget, policy, self.ledger.is_fresh)
        self._cadence = Cadence()
        self._tally = tally
        self._rest: Run | None = None  # of a run that was longer than the batch
        self._late = 0  # requests
        self._dropped: Counter[str] = Counter()
        self.computed = 0

    @property
    def selected(self) -> int:
        return self._scheduler.selected

    @property
    def dropped(self) -> Counter[str]:
        """Pairs by reason."""
        return self._dropped + Counter({str(k): n for k, n in self._scheduler.dropped.items()})

    @property
    def has_news(self) -> bool:
        """Whether the policy has still to be told of requests."""
        return bool(self._news)

    @property
    def waiting(self) -> int:
        """Pairs."""
        return len(self._scheduler) + (0 if self._rest is None else len(self._rest.pair))

    def hear(self, shard: int, demand: Demand, waited_ms: int) -> None:
        """Of a request that this worker's shard was told of so long ago."""
        if not self.people.heard(shard, demand):
            self._late += 1
            return
        self.contexts.heard(demand.context)
        self.time.heard(demand.as_of_ms + waited_ms)
        asked = asked_of(demand)
        self.ledger.heard(asked)
        self._news.asked(asked)
        self._cadence.heard(self.time.now_ms())

    def plan(self) -> None:
        """Tells the policy what there is to tell, at most a little of it at once, and asks it for
        wishes when it is time, or when there is more to tell: it wishes for those who have asked.
        """
        self._news.tell()
        now_ms = self.time.now_ms()
        if not (self._cadence.take(now_ms) or self._news):
            return
        for user, pairs in self._scheduler.offer(self._policy.wishes(now_ms, WISHES), now_ms):
            if len(pairs):
                self.ledger.selected(user, pairs, now_ms)

    def take(self, pairs: int) -> list[Run]:
        """The best of what waits, as far as there is budget: at most so many pairs."""
        runs: list[Run] = []
        now_ms = self.time.now_ms()
        while pairs > 0 and len(runs) < MAX_USERS and (run := self._next(now_ms)) is not None:
            runs.append(_part(run, slice(pairs)))
            self._rest = _part(run, slice(pairs, None)) if len(run.pair) > pairs else None
            pairs -= len(runs[-1].pair)
        return runs

    def demanded(self, verdict: Verdict, stored: Collection[str]) -> None:
        """What was computed because it was asked for, of users whose pages have it."""
        for user_id in stored:
            if (fresh := verdict.fresh.get(user_id)) is not None:
                entries = fresh.entries
                at_ms = int(entries.computed_at_ms.min())
                self._computed(user_id, entries.pair_keys, at_ms, is_speculated=False)

    def speculated(self, user_id: str, pair_keys: U64, at_ms: int) -> None:
        """Distinct pairs."""
        self.computed += len(pair_keys)
        self._computed(user_id, pair_keys, at_ms, is_speculated=True)

    def found(self, user_id: str, pair_keys: U64, at_ms: int) -> None:
        """That the page has held these pairs since then, whoever computed them."""
        self._news.computed(Computed(code_of(user_id), _codes(pair_keys), at_ms))

    def drop(self, reason: str, pairs: int) -> None:
        self._dropped[reason] += pairs

    def measure(self) -> None:
        """Brings the tally up to date."""
        ledger = self.ledger.counts
        told = {"selected": self.selected, "computed": self.computed, **ledger}
        told |= {"late": self._late, "untold": self._news.lost}
        counts: dict[tuple[str, str], int] = self._tally.counts
        counts |= {("speculation", name): count for name, count in told.items()}
        counts |= {("speculation_dropped", why): pairs for why, pairs in self.dropped.items()}
        self._tally.levels |= {
            "speculation_waiting_pairs": self.waiting,
            "speculation_useful_ratio": _ratio(ledger["read"], self.computed),
            "speculation_recall": _ratio(ledger["foreseen"], ledger["asked"]),
        }

    def _next(self, now_ms: int) -> Run | None:
        if self._rest is not None:
            rest, self._rest = self._rest, None
            return rest
        return next(self._scheduler.run_until(now_ms), None)

    def _computed(self, user_id: str, pair_keys: U64, at_ms: int, is_speculated: bool) -> None:
        user, pairs = code_of(user_id), _codes(pair_keys)
        self.ledger.computed(user, pairs, at_ms, is_speculated)
        self._news.computed(Computed(user, pairs, at_ms))


def _part(run: Run, of: slice) -> Run:
    return run._replace(pair=run.pair[of], item=run.item[of])


def _codes(pair_keys: U64) -> I64:
    """Ascending, which the keys are by another order."""
    return np.sort(pair_keys.view(np.int64))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
