"""Many rollouts at once, judged at every look, until each is rolled back or over."""

from collections import Counter
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from models.features.records import F64, I64, Mask
from server.rollout.guardrails.layout import WIDTH
from server.rollout.guardrails.plan import Plan
from server.rollout.guardrails.simulation.students import STUDENTS, Student
from server.rollout.guardrails.simulation.traffic import Lane, drawn, lane
from server.rollout.guardrails.simulation.world import Behaviour, behaviour, build
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import Assessment, assess, breaches

STABLE: Final = Student()
CANARY_SHARE: Final = 0.1
SHADOW_SHARE: Final = 0.1
"""Of the canary's requests that the other lane scores too."""
SETTLING: Final = 300
"""Requests of the canary that come while one waits for its labels."""


class Outcome(NamedTuple):
    caught_at: F64  # [rollouts] requests of the canary; infinite where it was not rolled back
    by: Counter[str]
    proven: dict[str, float]
    """Share of the rollouts left at the end in which a guardrail had shown that all is well."""


def tried(name: str, rollouts: int, plan: Plan, seed: int) -> Outcome:
    """Raises KeyError for a student that is none of STUDENTS."""
    rng = np.random.default_rng(seed)
    world, student = build(rng), STUDENTS[name]
    ours, theirs = (
        behaviour(world, scores) for scores in (student.scoring(world, rng), world.stable)
    )
    return _run(_lanes((student, ours), (STABLE, theirs), rollouts, plan, rng), plan, rng)


def looks(plan: Plan) -> I64:
    """Requests of the canary at which it is judged: each 25, from 500 on each 100, from 4,000 on
    each 500."""
    parts = (np.arange(25, 500, 25), np.arange(500, 4_000, 100), np.arange(4_000, 1_000_000, 500))
    every = np.concatenate(parts)
    return np.append(every[every < plan.most_requests], plan.most_requests)


def _lanes(
    canary: tuple[Student, Behaviour],
    stable: tuple[Student, Behaviour],
    rollouts: int,
    plan: Plan,
    rng: np.random.Generator,
) -> tuple[Lane, Lane]:
    others = round(plan.most_requests * (1.0 - CANARY_SHARE) / CANARY_SHARE)
    return (
        lane(*canary, plan.most_requests, rollouts, rng),
        lane(*stable, others, rollouts, rng),
    )


def _run(lanes: tuple[Lane, Lane], plan: Plan, rng: np.random.Generator) -> Outcome:
    going = np.arange(len(lanes[0].factors))
    outcome = Outcome(np.full(len(going), np.inf), Counter(), {})
    canary = stable = Sums(np.zeros((len(going), WIDTH)))
    times = looks(plan).tolist()
    for before, at in pairwise([0, *times]):
        busy = rng.beta(1.0, 4.0, len(going))
        canary += _step(lanes[0], before, at, 1.0, busy, rng)
        stable += _step(lanes[1], before, at, (1.0 - CANARY_SHARE) / CANARY_SHARE, busy, rng)
        found = assess(stable, canary, plan)
        left = ~_caught(found, going, at, outcome)
        if at == times[-1]:
            outcome.proven.update(_proven(found, left))
        going = going[left]
        canary, stable = Sums(canary.held[left]), Sums(stable.held[left])
        lanes = lanes[0].kept(left), lanes[1].kept(left)
        if not len(going):
            break
    return outcome


def _step(
    lane: Lane, before: int, at: int, multiple: float, busy: F64, rng: np.random.Generator
) -> Sums:
    requests = round(multiple * (at - before))
    settled = round(multiple * (max(at - SETTLING, 0) - max(before - SETTLING, 0)))
    shadowed = round(SHADOW_SHARE * at) - round(SHADOW_SHARE * before)
    return drawn(lane, requests, settled, busy, shadowed, rng)


def _caught(found: Assessment, going: I64, at: int, outcome: Outcome) -> Mask:
    """Which are, noting when and by what: the first that is asked."""
    caught = np.zeros(len(going), np.bool_)
    for name, past in breaches(found).items():
        new = past & ~caught
        outcome.by[name] += int(new.sum())
        caught |= new
    outcome.caught_at[going[caught]] = at
    return caught


def _proven(found: Assessment, left: Mask) -> dict[str, float]:
    some = max(int(left.sum()), 1)
    return {name: (each.proven & left).sum() / some for name, each in found.findings.items()}
