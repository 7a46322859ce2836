"""A rollout's stages as the guardrails see them: shadowing, then each step of the plan."""

from typing import NamedTuple

from server.rollout.evidence.control import LEAST
from server.rollout.guardrails.attribution import GRACE_S
from server.rollout.guardrails.plan import Plan
from server.rollout.plan import RolloutPlan


class Stage(NamedTuple):
    name: str
    share: float  # of the traffic; 0 in shadow
    guardrails: Plan
    others: float  # requests of the stable lane that are counted, for each of the canary
    least: int  # requests of the canary in the shortest time that the stage may last
    settling: int | None  # requests while one waits for its labels; None where none ever come
    shadowed: bool = False

    @property
    def is_compared(self) -> bool:
        """Once the canary answers everybody, only limits are left."""
        return self.others > 0.0

    @property
    def most(self) -> int:
        return max(self.guardrails.most_requests, self.least) if self.is_compared else self.least


def stages_of(plan: RolloutPlan, rate: float) -> list[Stage]:
    """At so many requests a second in all."""
    shadow = Stage(
        name="shadow",
        share=0.0,
        guardrails=plan.shadow_guardrails,
        others=1.0,
        least=max(round(rate * plan.shadow_share * plan.shadow_s), 1),
        settling=None,
        shadowed=True,
    )
    return [shadow, *(_step(plan, place, rate) for place in range(len(plan.steps)))]


def _step(plan: RolloutPlan, place: int, rate: float) -> Stage:
    share = plan.share_of(place)
    return Stage(
        name=f"{100.0 * share:g} %",
        share=share,
        guardrails=plan.canary_guardrails,
        others=min(max(share, LEAST), 1.0 - share) / share,
        least=max(round(rate * share * plan.least_s_of(place)), 1),
        settling=round(rate * share * (plan.attribution_s + GRACE_S)),
    )
