"""What each part of a run follows from."""

from typing import Any, assert_never

from models.annotation.record import Given
from models.run_folder import Part
from models.training.parts import Plan
from models.training.terms import Terms, terms_of

ELSEWHERE = {"teacher", "size", "student"}
"""Fields of Chosen that are no word on how a student listens."""


def part_terms(part: Part, plan: Plan, log: str, space: str) -> Terms:
    """`log`: its digest. The config of a model joins them where it is trained."""
    return terms_of(log=log, seed=plan.seed, **_own(part, plan, space))


def _own(part: Part, plan: Plan, space: str) -> dict[str, Any]:
    chosen, placement = plan.chosen, plan.placement.terms()
    student = {
        "family": chosen.student,
        "recipe": plan.recipes.student,
        "placement": placement,
        "days": chosen.days,
        "history": chosen.history,
    }
    match part:
        case "teacher":
            return {
                "family": chosen.teacher,
                "size": chosen.size,
                "recipe": plan.recipes.teacher,
                "placement": placement,
            }
        case "annotations":
            return {"space": space, **_given(plan)}
        case "alone":
            return student
        case "student":
            listening = chosen._asdict().items()
            return {**student, "space": space} | {
                name: value for name, value in listening if name not in ELSEWHERE
            }
    assert_never(part)


def _given(plan: Plan) -> dict[str, Any]:
    """What joint annotations were made of; nothing where the run's own teacher annotates."""
    return (
        {} if plan.annotations is None else {"given": Given.read(plan.annotations).record.terms()}
    )
