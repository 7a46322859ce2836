"""How much worse than the stable lane a canary may be, and how sure one must be that it is."""

from typing import Final, Self

from pydantic import ConfigDict, Field, model_validator

from models.schema import Frozen
from server.rollout.guardrails.layout import DEGRADED

GUARDRAILS: Final = (
    "errors",
    *(f"degraded_{stage}" for stage in DEGRADED),
    "total_p50",
    "total_p99",
    "inference",
    "scores",
    "agreement",
    "coverage",
    "calibration",
    "clicks",
    "value",
)
"""Each decided by statistics, with a part of α. In this order they are asked."""


class Finite(Frozen):
    """What has no number in JSON would be written, and never read again."""

    model_config = ConfigDict(allow_inf_nan=False)


class Limit(Finite):
    """Passed by so many requests that are at least this share of all, where the stable lane's share
    is less than half the canary's: what befalls both lanes is not the canary's doing."""

    requests: int = Field(ge=1)
    share: float = Field(ge=0.0, le=1.0)


class Plan(Finite):
    alpha: float = Field(
        0.01, gt=0, lt=1, description="Chance that a canary like the stable lane is rolled back"
    )
    weights: dict[str, float] = Field(
        default_factory=dict, description="Part of α by guardrail, 1 where none is given; 0 is off"
    )
    ramp_steps: int = Field(
        1,
        ge=1,
        description="Steps of the canary's share, each judged by its own sums and part of α",
    )
    fewest_requests: int = Field(
        2_000, ge=1, description="Answers of the canary before it can pass"
    )
    most_requests: int = Field(
        20_000, ge=1, description="Answers after which it passes with what is not proven by then"
    )
    fewest_settled: int = Field(
        200, ge=30, description="Settled requests of each lane before clicks are compared"
    )
    fewest_clicks: float = Field(
        30.0, ge=10, description="Clicks the canary should have had by then, by the stable rate"
    )
    budget_ms: float = Field(100.0, gt=0, description="Latency budget of a request")
    errors: float = Field(0.001, ge=0, description="Tolerated difference of error rates")
    degraded: float = Field(0.01, ge=0, description="The same of degraded answers, each class")
    clicks: float = Field(0.03, ge=0, lt=1, description="Tolerated loss of clicks, as a share")
    value: float = Field(0.05, ge=0, lt=1, description="Tolerated loss of value, as a share")
    calibration: float = Field(
        0.25, gt=0, description="Tolerated excess of Σp ÷ Σy, or of its inverse, as a share"
    )
    coverage: float = Field(0.05, ge=0, lt=1, description="Tolerated loss of coverage, as a share")
    p50: float = Field(
        0.2, ge=0, description="Tolerated excess of a median time, or of inference, as a share"
    )
    p99: float = Field(0.5, ge=0, description="The same of a 99th percentile")
    psi: float = Field(0.25, gt=0, description="Tolerated population stability index of scores")
    agreement: float = Field(
        0.3, ge=0, le=1, description="Least mean share of first places shared with the stable lane"
    )
    error_limit: Limit = Limit(requests=5, share=0.1)
    nan_limit: Limit = Limit(requests=3, share=0.001)
    constant_limit: Limit = Limit(requests=10, share=0.2)
    late_limit: Limit = Limit(requests=10, share=0.02)

    @model_validator(mode="after")
    def _check(self) -> Self:
        unknown = sorted(set(self.weights) - set(GUARDRAILS))
        if unknown:
            raise ValueError(f"weights {unknown[0]!r}: give some of {', '.join(GUARDRAILS)}")
        negative = sorted(name for name, weight in self.weights.items() if not weight >= 0.0)
        if negative:
            raise ValueError(f"weights {negative[0]!r} {self.weights[negative[0]]}: give 0 or more")
        if not any(self._weight(name) for name in GUARDRAILS):
            raise ValueError("weights are 0 for all guardrails: leave one on")
        if self.fewest_requests > self.most_requests:
            raise ValueError(
                f"fewest_requests {self.fewest_requests}: "
                f"give at most most_requests, {self.most_requests}"
            )
        return self

    def alpha_of(self, guardrail: str) -> float:
        """Its part of the budget, in each ramp step; 0 when it is off."""
        total = sum(self._weight(name) for name in GUARDRAILS)
        return self.alpha / self.ramp_steps * self._weight(guardrail) / total

    def _weight(self, guardrail: str) -> float:
        return self.weights.get(guardrail, 1.0)
