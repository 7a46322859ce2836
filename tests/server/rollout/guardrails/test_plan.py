"""What a plan allows, and how it spends α."""

import pytest
from pydantic import ValidationError

from server.rollout.guardrails.plan import GUARDRAILS, Plan


def test_parts_of_alpha_add_up_to_it() -> None:
    plan = Plan(alpha=0.02, weights={"clicks": 5.0, "scores": 0.5})
    parts = {name: plan.alpha_of(name) for name in GUARDRAILS}
    assert sum(parts.values()) == pytest.approx(0.02)
    assert parts["clicks"] == pytest.approx(10 * parts["scores"])


def test_ramp_steps_share_alpha() -> None:
    one, five = Plan(), Plan(ramp_steps=5)
    assert five.alpha_of("errors") == pytest.approx(one.alpha_of("errors") / 5)


def test_weight_of_zero_turns_a_guardrail_off_and_leaves_more_to_others() -> None:
    plan = Plan(weights={"agreement": 0.0})
    assert plan.alpha_of("agreement") == 0.0
    assert plan.alpha_of("errors") > Plan().alpha_of("errors")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"weights": {"clock": 1.0}}, r"'clock'.*clicks"),
        ({"weights": {"clicks": -1.0}}, r"'clicks' -1.0: give 0 or more"),
        ({"weights": {"clicks": float("nan")}}, "finite number"),
        ({"fewest_clicks": float("inf")}, "finite number"),
        ({"weights": dict.fromkeys(GUARDRAILS, 0.0)}, "leave one on"),
        ({"fewest_requests": 30_000}, "at most most_requests, 20000"),
        ({"alpha": 0.0}, "alpha"),
        ({"alfa": 0.1}, "alfa"),
    ],
)
def test_impossible_plan_is_refused_by_field(fields: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Plan.model_validate(fields)


def test_plan_reads_back_from_json() -> None:
    plan = Plan(clicks=0.1, weights={"value": 2.0})
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
