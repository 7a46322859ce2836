"""Policies × budgets × seeds on one trace."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from pydantic import Field

from models.features.records import F32
from models.schema import Frozen
from models.simulation.budget_search import budget_for
from models.simulation.ceiling import Ceilings
from models.speculation.outcome import Outcome
from models.speculation.policies import POLICIES, policy_of
from models.speculation.scheduler import Budget
from models.speculation.simulator import Rules, simulate
from models.speculation.trace import Trace

NAMES: Final = tuple(POLICIES)
JITTER: Final = 1e-4


class Setting(Frozen):
    policies: tuple[str, ...] = NAMES
    budgets: tuple[float, ...] = ()  # pairs a second; none: found for `aim`
    aim: float = Field(default=0.4, gt=0, lt=1)
    seeds: int = Field(default=3, ge=1)
    users: float = Field(default=0.8, gt=0, le=1)  # share of them that each seed draws
    soft_ttl_s: float = Field(default=600.0, gt=0)
    hard_ttl_s: float = Field(default=86_400.0, gt=0)
    capacity: int = Field(default=512, gt=0)
    warm_up: float = Field(default=0.6, ge=0, lt=1)

    def rules(self, pairs_per_s: float) -> Rules:
        return Rules(
            budget=Budget(pairs_per_s=pairs_per_s),
            soft_ttl_s=self.soft_ttl_s,
            hard_ttl_s=self.hard_ttl_s,
            page_entries=self.capacity,
            warm_up=self.warm_up,
        )


class Point(NamedTuple):
    """One simulation; the place tells budgets apart that were found anew for each seed."""

    policy: str
    place: int
    seed: int
    pairs_per_s: float
    outcome: Outcome
    ceilings: Ceilings


def points(
    trace: Trace, setting: Setting, told: Callable[[str], None] = lambda _: None
) -> Iterator[Point]:
    """Seed by seed. Raises CoverageUnreachable, PolicyUnknown."""
    for seed in range(setting.seeds):
        drawn = sampled(trace, setting.users, seed)
        for place, budget in enumerate(setting.budgets or _found(drawn, setting, told)):
            rules = setting.rules(budget)
            ceilings = Ceilings.of(drawn, rules)
            for name in setting.policies:
                told(f"seed {seed}, {budget:.3g} pairs/s, {name}")
                outcome = simulate(drawn, policy_of(name, setting.hard_ttl_s), rules)
                yield Point(name, place, seed, budget, outcome, ceilings)


def sampled(trace: Trace, share: float, seed: int) -> Trace:
    """Some of the users, whole; and scores so little apart that only ties fall otherwise."""
    rng = np.random.default_rng(seed)
    users = np.unique(trace.user)
    kept = rng.random(len(users)) < share
    if kept.any() and not kept.all():
        trace = trace.of_users(users[kept])
    jitter: F32 = (JITTER * rng.random(len(trace.score))).astype(np.float32)
    return trace.scored(np.clip(trace.score - jitter, 0.0, 1.0))


def _found(trace: Trace, setting: Setting, told: Callable[[str], None]) -> Sequence[float]:
    span_s = max(int(trace.time_ms[-1] - trace.time_ms[0]) / 1000.0, 1.0)

    def coverage(pairs_per_s: float) -> float:
        told(f"what demand alone covers at {pairs_per_s:.3g} pairs/s")
        rules = setting.rules(pairs_per_s)
        outcome = simulate(trace, policy_of("demand-only", setting.hard_ttl_s), rules)
        return outcome.figures.coverage

    return (budget_for(setting.aim, len(trace.pair) / span_s, coverage),)
