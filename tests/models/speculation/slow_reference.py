"""The simulator again, with plain dicts and loops, for a policy whose values are fixed.

Pairs are valued by `VALUES[pair]`; what was no hit is wished for. Budget is spent as soon
as it is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from models.features.records import F64
from models.speculation.policy import HIT, Asked, Computed, Waits, Wishes, best, joined
from models.speculation.simulator import UNSCORED, Rules
from models.speculation.trace import Trace

VALUES = np.array([8.0, 4.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.25])


class FixedValues:
    holds_back = False

    def __init__(self) -> None:
        self.heard: list[Asked] = []
        self._demand: list[Wishes] = []

    def asked(self, asked: Asked) -> None:
        self.heard.append(asked)
        wanted = asked.standing != HIT
        pairs, items = asked.pairs[wanted], asked.items[wanted]
        self._demand.append(Wishes(np.full(len(pairs), asked.user), pairs, items, VALUES[pairs]))

    def computed(self, computed: Computed) -> None: ...

    def wishes(self, now_ms: int, limit: int) -> Wishes:
        demand, self._demand = self._demand, []
        return best(joined(demand), limit)

    def values(self, waits: Waits, now_ms: int) -> F64:
        return VALUES[waits.pairs]


class SlowRun(NamedTuple):
    user: int
    pairs: list[int]
    at_ms: int


@dataclass
class Entry:
    at_ms: int
    chance: float
    is_read: bool = False


@dataclass
class SlowSimulator:
    trace: Trace
    rules: Rules
    pages: dict[int, dict[int, Entry]] = field(default_factory=dict)
    waiting: dict[int, set[int]] = field(default_factory=dict)
    demand: list[tuple[int, int]] = field(default_factory=list)
    chosen_ms: dict[tuple[int, int], int] = field(default_factory=dict)
    under_way: list[SlowRun] = field(default_factory=list)
    score: dict[int, float] = field(default_factory=dict)
    paid_ms: float = 0.0
    offered_ms: int = 0
    ages_ms: list[int] = field(default_factory=list)
    had: list[bool] = field(default_factory=list)
    selected: int = 0
    computed: int = 0
    fresh: int = 0
    written: int = 0
    read: int = 0

    def run(self) -> None:
        planned_ms, pause_ms = int(self.trace.time_ms[0]), 1000.0 * self.rules.tick_s
        for request, now_ms in enumerate(self.trace.time_ms.tolist()):
            while planned_ms + int(pause_ms) <= now_ms:
                planned_ms += int(pause_ms)
                self.work(planned_ms)
                self.plan(planned_ms)
                pause_ms = min(2.0 * pause_ms, 1000.0 * self.rules.idle_tick_s)
            self.work(now_ms)
            self.ask(request, now_ms)
            pause_ms = 1000.0 * self.rules.tick_s
            if planned_ms + pause_ms < now_ms:
                planned_ms = now_ms
        self.work(int(self.trace.time_ms[-1]))
        for run in self.under_way:
            self.write(run)

    def plan(self, now_ms: int) -> None:
        self.offered_ms = now_ms
        for user, pair in self.demand:
            if pair not in self.waiting.setdefault(user, set()):
                self.waiting[user].add(pair)
                self.selected += 1
                self.chosen_ms[user, pair] = now_ms
        self.demand = []

    def work(self, now_ms: int) -> None:
        for run in self.runs_until(now_ms):
            self.under_way.append(run)
        while self.under_way and self.readable_ms(self.under_way[0]) < now_ms:
            self.write(self.under_way.pop(0))

    def readable_ms(self, run: SlowRun) -> int:
        return run.at_ms + int(1000 * self.rules.delay_s)

    def runs_until(self, now_ms: int) -> Iterator[SlowRun]:
        budget = self.rules.budget
        while any(self.waiting.values()):
            self.paid_ms = max(self.paid_ms, self.offered_ms - budget.saved_ms)
            at_ms = max(int(self.paid_ms), self.offered_ms)
            if at_ms >= now_ms:
                return
            user, pairs = self.best_run()
            self.waiting[user] -= set(pairs)
            wanted = [pair for pair in pairs if not self.is_fresh(user, pair, at_ms)]
            self.fresh += len(pairs) - len(wanted)
            if wanted:
                self.paid_ms += 1000.0 * (len(wanted) + budget.user_pairs) / budget.pairs_per_s
                self.computed += len(wanted)
                yield SlowRun(user, wanted, at_ms)

    def best_run(self) -> tuple[int, list[int]]:
        found: list[tuple[float, int, list[int]]] = []
        for user, waits in self.waiting.items():
            ordered = sorted(waits, key=lambda pair: (-VALUES[pair], pair))
            ordered = ordered[: self.rules.budget.run_pairs]
            pairs = [pair for pair in ordered if VALUES[pair] >= 0.5 * VALUES[ordered[0]]]
            total = sum(VALUES[pair] for pair in pairs)
            if pairs:
                found.append((-total / (len(pairs) + self.rules.budget.user_pairs), user, pairs))
        _, user, pairs = min(found)
        return user, pairs

    def is_fresh(self, user: int, pair: int, now_ms: int) -> bool:
        entry = self.pages.get(user, {}).get(pair)
        if entry is not None and now_ms - entry.at_ms <= 1000 * self.rules.soft_ttl_s:
            return True
        return any(run.user == user and pair in run.pairs for run in self.under_way)

    def write(self, run: SlowRun) -> None:
        now_ms, ttl_ms = self.readable_ms(run), 1000 * self.rules.hard_ttl_s
        page = self.pages.get(run.user, {})
        page = {pair: entry for pair, entry in page.items() if now_ms - entry.at_ms <= ttl_ms}
        for pair in run.pairs:
            page[pair] = Entry(run.at_ms, self.score.get(pair // 2, UNSCORED))
            self.written += self.is_counted(page[pair])

        def worth(pair: int) -> tuple[float, int, float, int]:
            entry = page[pair]
            left_ms = entry.at_ms - (now_ms - ttl_ms)
            return left_ms * entry.chance, entry.at_ms, entry.chance, pair

        kept = sorted(page, key=worth)[-self.rules.page_entries :]
        self.pages[run.user] = {pair: page[pair] for pair in kept}

    def is_counted(self, entry: Entry) -> bool:
        first = int(self.rules.warm_up * len(self.trace))
        return entry.at_ms >= int(self.trace.time_ms[first])

    def ask(self, request: int, now_ms: int) -> None:
        user = int(self.trace.user[request])
        begin, end = self.trace.offsets[request : request + 2].tolist()
        for row in range(begin, end):
            self.read_one(user, int(self.trace.pair[row]), now_ms)
        for row in range(begin, end):
            self.score[int(self.trace.item[row])] = float(self.trace.score[row])

    def read_one(self, user: int, pair: int, now_ms: int) -> None:
        entry = self.pages.get(user, {}).get(pair)
        if entry is not None and now_ms - entry.at_ms <= 1000 * self.rules.hard_ttl_s:
            age_ms = now_ms - entry.at_ms
            self.read += self.is_counted(entry) and not entry.is_read
            entry.is_read = True
        else:
            age_ms = -1
        self.ages_ms.append(age_ms)
        chosen_ms = self.chosen_ms.get((user, pair), now_ms)
        self.had.append(0 < now_ms - chosen_ms <= 1000 * self.rules.hard_ttl_s)
        if age_ms < 0 or age_ms > 1000 * self.rules.soft_ttl_s:
            self.demand.append((user, pair))
