from pathlib import Path
from typing import Any

import pytest

from server.rollout.errors import PlanInvalid
from server.rollout.guardrails.plan import GUARDRAILS
from server.rollout.plan import DEFAULT, DIRECT, PAIRED, SHADOWED, RolloutPlan, find_plan, plan_of


def test_plan_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        "steps = [0.1, 1.0]\nleast_s = [5, 60]\nimpressions = 'slate'\n"
        "[guardrails]\nclicks = 0.1\nweights = { value = 0.0 }\n"
        "[guardrails.nan_limit]\nrequests = 1\nshare = 0.0\n"
    )
    plan = find_plan(str(path))
    assert (plan.steps, plan.least_s_of(1), plan.impressions) == ((0.1, 1.0), 60.0, "slate")
    assert (plan.guardrails.clicks, plan.guardrails.nan_limit.requests) == (0.1, 1)
    assert plan.canary_guardrails.alpha_of("value") == 0.0


def test_page_names_every_field_of_a_plan() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rollouts.md").read_text(encoding="utf-8")
    assert [name for name in RolloutPlan.model_fields if f"| `{name}` |" not in page] == []


def test_named_plans_need_no_file() -> None:
    assert find_plan("default") is DEFAULT
    assert find_plan("direct") is DIRECT
    assert (DIRECT.share_of(0), DIRECT.is_last(0)) == (1.0, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [0.5]}, "the last is 0.5: let it be 1"),
        ({"steps": [0.5, 0.5, 1.0]}, "0.5 after 0.5"),
        ({"steps": [0.0, 1.0]}, "0 after 0: give shares that grow"),
        ({"steps": [0.5, float("nan"), 1.0]}, "steps.1 nan: .* finite number"),
        ({"least_s": [1.0, 2.0]}, "least_s has 2 values: give one, or 5"),
        ({"least_s": 90_000.0}, "give 0 to most_s, 86400"),
        ({"shadow_s": 5_000.0}, "give at most shadow_most_s, 3600"),
        ({"shadow_share": 0.0}, "shadow_share 0.0"),
        ({"keep_s": float("inf")}, "keep_s inf: Input should be a finite number"),
        ({"least_s": [0.0, 1.0, 2.0, 3.0, float("nan")]}, "least_s"),
        ({"most_s": float("inf")}, "most_s inf"),
        ({"guardrails": {"psi": float("inf")}}, "guardrails.psi inf"),
        ({"guardrails": {"weights": {"clicks": float("inf")}}}, "weights.clicks inf"),
        ({"guardrails": {"nan_limit": {"requests": 1, "share": float("nan")}}}, "share nan"),
        ({"impressions": "seen"}, "impressions 'seen'"),
        ({"step": [1.0]}, "step"),
        ({"guardrails": {"alpha": 2.0}}, "guardrails.alpha 2.0"),
        ({"guardrails": {"weights": {"clix": 1.0}}}, "weights 'clix'"),
        (
            {"guardrails": {"weights": {n: 0.0 for n in GUARDRAILS if n not in PAIRED}}},
            "0 for all but agreement, inference, which no canary",
        ),
        ([], "dictionary"),
    ],
)
def test_what_breaks_a_rule_is_named_with_value_and_remedy(given: Any, said: str) -> None:
    with pytest.raises(PlanInvalid, match=said) as raised:
        plan_of(given, "plan.toml")
    assert str(raised.value).startswith("plan.toml: ")


@pytest.mark.parametrize("text", ["steps = ", "\udcff", "[" * 70_000])
def test_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(PlanInvalid, match=r"plan\.toml"):
        find_plan(str(path))


def test_file_that_is_not_there_names_the_plans_that_are() -> None:
    with pytest.raises(PlanInvalid, match="default or direct"):
        find_plan("/nowhere/plan.toml")


def test_chance_of_a_false_alarm_is_spent_once_over_shadow_and_steps() -> None:
    plan = RolloutPlan()
    judged = [plan.shadow_guardrails, *[plan.canary_guardrails] * (len(plan.steps) - 1)]
    spent = sum(each.alpha_of(name) for each in judged for name in GUARDRAILS)
    assert spent == pytest.approx(plan.guardrails.alpha)


def test_only_a_shadow_is_asked_for_what_only_a_shadow_can_tell() -> None:
    plan = RolloutPlan()
    asked = {name for name in GUARDRAILS if plan.shadow_guardrails.alpha_of(name)}
    assert asked == set(SHADOWED)
    assert {n for n in GUARDRAILS if not plan.canary_guardrails.alpha_of(n)} == set(PAIRED)


def test_shadow_that_lasts_until_clicks_settle_is_asked_for_its_calibration() -> None:
    long = RolloutPlan(shadow_s=601.0, attribution_s=600.0)
    assert long.shadow_guardrails.alpha_of("calibration") > 0.0


def test_shadow_is_judged_by_something_whatever_is_off() -> None:
    off = RolloutPlan.model_validate({"guardrails": {"weights": dict.fromkeys(SHADOWED, 0.0)}})
    assert off.shadow_guardrails.alpha_of("agreement") > 0.0
