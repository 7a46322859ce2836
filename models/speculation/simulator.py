"""Replays a trace against a policy: what would the cache have held when it was asked?

A request reads before the policy hears of it. The policy plans every `tick_s` while requests come;
while nobody asks the pause doubles, up to `idle_tick_s`. The teacher works through what waits as
fast as its budget allows; an entry can be read `delay_s` after it was computed, and its age counts
from when it was computed. What the teacher thinks of a pair, which a full page goes by, is
stood for by the student's latest score of the item.
"""

from collections import deque
from typing import Final, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from models.features.records import I64, U8
from models.schema import Frozen
from models.speculation.outcome import Outcome
from models.speculation.pages import Page, Pages
from models.speculation.policy import HIT, MISS, STALE, Asked, Computed, Policy
from models.speculation.scheduler import Budget, Run, Scheduler
from models.speculation.selections import Selections
from models.speculation.trace import Mask, Trace

UNSCORED: Final = 0.5


class Rules(Frozen):
    budget: Budget
    soft_ttl_s: float = Field(default=600.0, gt=0)
    hard_ttl_s: float = Field(default=86_400.0, gt=0)
    page_entries: int = Field(default=512, gt=0)
    delay_s: float = Field(default=1.0, ge=0)
    tick_s: float = Field(default=1.0, ge=0.01)
    idle_tick_s: float = Field(default=60.0, ge=0.01)
    wishes_a_tick: int = Field(default=4096, gt=0)
    warm_up: float = Field(default=0.25, ge=0, lt=1)  # share of the requests that no figure counts

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        if self.soft_ttl_s > self.hard_ttl_s:
            raise ValueError(
                f"soft TTL {self.soft_ttl_s} s is past the hard TTL {self.hard_ttl_s} s: "
                "an entry is stale before it expires"
            )
        return self


class _Way(NamedTuple):
    """A run until it can be read."""

    run: Run
    readable_ms: int


class Simulator:
    def __init__(self, trace: Trace, policy: Policy, rules: Rules) -> None:
        self._trace, self._policy, self._rules = trace, policy, rules
        self._first = int(rules.warm_up * len(trace))
        self._pages = Pages(
            hard_ttl_ms=1000.0 * rules.hard_ttl_s,
            limit=rules.page_entries,
            counted_from_ms=int(trace.time_ms[self._first]),
        )
        self._selections = Selections(1000.0 * rules.hard_ttl_s)
        self._scheduler = Scheduler(rules.budget, policy, self._fresh)
        self._under_way: deque[_Way] = deque()
        self._planned_ms = int(trace.time_ms[0])
        self._pause_ms = 1000.0 * rules.tick_s
        self._score = np.full(int(trace.item.max(initial=-1)) + 2, UNSCORED)  # by item
        self._age_ms = np.full(len(trace.pair), -1)
        self._had = np.zeros(len(trace.pair), np.bool_)

    def run(self) -> Outcome:
        for request, now_ms in enumerate(self._trace.time_ms.tolist()):
            self._plan_until(now_ms)
            self._work_until(now_ms)
            self._ask(request, now_ms)
        return self._ended(int(self._trace.time_ms[-1]))

    def _plan_until(self, now_ms: int) -> None:
        while (due_ms := self._planned_ms + int(self._pause_ms)) <= now_ms:
            self._work_until(due_ms)
            wishes = self._policy.wishes(due_ms, self._rules.wishes_a_tick)
            for user, pairs in self._scheduler.offer(wishes, due_ms):
                self._selections.add(user, pairs, due_ms)
            self._planned_ms = due_ms
            self._pause_ms = min(2.0 * self._pause_ms, 1000.0 * self._rules.idle_tick_s)

    def _work_until(self, now_ms: int) -> None:
        delay_ms = int(1000.0 * self._rules.delay_s)
        for run in self._scheduler.run_until(now_ms):
            self._under_way.append(_Way(run, run.at_ms + delay_ms))
        while self._under_way and self._under_way[0].readable_ms < now_ms:
            self._write(*self._under_way.popleft())

    def _write(self, run: Run, readable_ms: int) -> None:
        score = self._score[np.minimum(run.item, len(self._score) - 1)]
        self._pages.write(run.user, Page.of(run.pair, run.at_ms, score), readable_ms)
        self._policy.computed(Computed(run.user, run.pair, run.at_ms))

    def _ask(self, request: int, now_ms: int) -> None:
        trace, user = self._trace, int(self._trace.user[request])
        part = slice(*trace.offsets[request : request + 2].tolist())
        pairs = trace.pair[part]
        ages_ms = self._pages.read_ages_ms(user, pairs, now_ms)
        self._age_ms[part] = ages_ms
        self._had[part] = self._selections.had(user, pairs, now_ms)
        standing = self._standing(ages_ms)
        self._policy.asked(
            Asked(user, now_ms, pairs, trace.item[part], trace.score[part], standing)
        )
        self._score[trace.item[part]] = trace.score[part]
        self._wake(now_ms)

    def _wake(self, now_ms: int) -> None:
        """From the request, where the pause began longer ago: no plan may be older than what it is
        made from."""
        self._pause_ms = 1000.0 * self._rules.tick_s
        if self._planned_ms + self._pause_ms < now_ms:
            self._planned_ms = now_ms

    def _standing(self, ages_ms: I64) -> U8:
        soft_ttl_ms = 1000.0 * self._rules.soft_ttl_s
        standing = np.where(ages_ms > soft_ttl_ms, STALE, HIT)
        return np.where(ages_ms < 0, MISS, standing).astype(np.uint8)

    def _fresh(self, user: int, pairs: I64, now_ms: int) -> Mask:
        ages_ms = self._pages.ages_ms(user, pairs, now_ms)
        fresh: Mask = (ages_ms >= 0) & (ages_ms <= 1000.0 * self._rules.soft_ttl_s)
        for way in self._under_way:
            if way.run.user == user:
                fresh |= np.isin(pairs, way.run.pair)
        return fresh

    def _ended(self, now_ms: int) -> Outcome:
        self._work_until(now_ms)
        for way in self._under_way:
            self._write(*way)
        self._pages.close(now_ms)
        self._scheduler.close()
        return Outcome.of(
            self._trace, self._rules.soft_ttl_s, self._first, self._age_ms, self._had,
            self._scheduler, self._pages,
        )  # fmt: skip


def simulate(trace: Trace, policy: Policy, rules: Rules) -> Outcome:
    return Simulator(trace, policy, rules).run()
