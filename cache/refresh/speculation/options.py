"""Options of speculation in `understudy refresh`."""

from typing import Annotated, Final, Literal, NamedTuple, Self

import typer

from cache.refresh.speculation.speculator import Speculator
from cache.refresh.tally import Tally
from cache.tiers import TtlPolicy
from models.speculation.policies import policy_of
from models.speculation.scheduler import Budget

NOTHING: Final = "demand-only"
WAITING_PAIRS: Final = 8192
"""Fewer than a simulation has: when there are too many all are valued anew, and demand waits."""
PolicyName = Literal["demand-only", "popularity", "student-score", "hazard", "all"]

PolicyOption = Annotated[
    PolicyName,
    typer.Option("--policy", help="What is computed before it is asked for: docs/speculation.md."),
]
PairsPerS = Annotated[
    float,
    typer.Option(
        "--speculate-pairs-per-s",
        min=0.001,
        help="This worker's budget for that, on top of demand.",
    ),
]


class Speculating(NamedTuple):
    policy: PolicyName
    pairs_per_s: float

    @classmethod
    def of(cls, policy: PolicyName, pairs_per_s: float) -> Self | None:
        """None where demand is all: it is answered with any policy."""
        return None if policy == NOTHING else cls(policy, pairs_per_s)

    def speculator(self, ttl: TtlPolicy, tally: Tally) -> Speculator:
        budget = Budget(pairs_per_s=self.pairs_per_s, waiting_pairs=WAITING_PAIRS)
        return Speculator(policy_of(self.policy, ttl.hard_s), budget, ttl, tally)
