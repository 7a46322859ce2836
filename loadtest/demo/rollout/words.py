"""Two rollouts in two lines, for a terminal and for a page."""

from collections.abc import Mapping
from typing import Any, Final

ENDED: Final = {
    "done": "promoted by itself",
    "rolled_back": "rolled back by itself",
    "never started": "never started",
}


def lines(report: Mapping[str, Any]) -> list[str]:
    """`report` is the demo's, with `rollout` in it."""
    return [_better(report), _harmful(report["rollout"])]


def as_markdown(report: Mapping[str, Any]) -> str:
    told = report["rollout"]
    outage = told["redis_outage"]
    return "\n".join(
        [
            f"`understudy demo --rollout --data {report['data']} --seed {report['seed']}`, "
            f"{report['date']}, {report['hardware']}: {told['requests']:,} requests, "
            f"{told['failed_requests']} failed; while Redis was stopped {outage['requests']}, "
            f"{outage['failed_requests']} failed.",
            "",
            *(f"- {line[0].upper()}{line[1:]}." for line in lines(report)),
        ]
    )


def _better(report: Mapping[str, Any]) -> str:
    """What it gains was measured by the replay before, on the same requests."""
    told, scorers = report["rollout"], report["quality"]["scorers"]
    better = told["rollouts"]["better"]
    deaf, hearing = (scorers[name] for name in ("student_without_cache", "student_with_cache"))
    unproven = max((len(each["unproven"]) for each in better["transitions"]), default=0)
    proven = f"; no breach, {unproven} guardrails not proven by so few" if unproven else ""
    return (
        f"better student (AUC {hearing['auc']:.4f}, first one {deaf['auc']:.4f}): "
        f"{_ended(better)} after {better['took_s']:.0f} s and "
        f"{better['answers_as_canary']:,} answers as canary, Redis stopped for "
        f"{_outage_s(told):.0f} s of them{proven}"
    )


def _harmful(told: Mapping[str, Any]) -> str:
    harmful = told["rollouts"]["harmful"]
    figures = harmful["guardrail_over_time"][-1:] if harmful["guardrail_decided"] else []
    why = "".join(
        f", by {harmful['guardrail']}: {_worse(each)}, tolerated {each['margin']:g}"
        for each in figures
    )
    return (
        f"harmful student (order inverted): {_ended(harmful)} after {harmful['took_s']:.0f} s and "
        f"{harmful['answers_as_canary']:,} answers as canary{why}"
    )


def _worse(figures: Mapping[str, Any]) -> str:
    harm, low = figures["harm"], figures["low"]
    return f"{harm:.3g} worse" if low is None else f"at least {low:.3g} worse"


def _ended(rollout: Mapping[str, Any]) -> str:
    stage: str = rollout["ended"]
    return ENDED.get(stage, f"still {stage}")


def _outage_s(told: Mapping[str, Any]) -> float:
    outage = told["redis_outage"]
    seconds: float = outage["until_s"] - outage["from_s"]
    return seconds
