"""Many rollouts at once, judged at every look, until each is rolled back or over."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from models.features.records import F64, I64, Mask
from server.rollout.guardrails.layout import WIDTH
from server.rollout.guardrails.limits import passed
from server.rollout.guardrails.simulation.stages import Stage
from server.rollout.guardrails.simulation.students import STABLE, STUDENTS, Student
from server.rollout.guardrails.simulation.traffic import Lane, drawn, lane
from server.rollout.guardrails.simulation.world import Behaviour, behaviour, build
from server.rollout.guardrails.sums import Sums
from server.rollout.guardrails.verdict import assess, breaches


class Outcome(NamedTuple):
    """`[rollouts]`, and by stage `[rollouts, stages]`."""

    caught_in: I64  # place of the stage; −1 where it was not rolled back
    requests: I64  # by stage, of the canary
    by: Counter[str]
    proven: dict[str, list[float]]
    """By guardrail and stage, the share of rollouts that had shown by its end that all is well."""

    @property
    def is_caught(self) -> Mask:
        return self.caught_in >= 0


class Tried(NamedTuple):
    """A student and what its requests look like, beside the stable one's."""

    student: Student
    behaviour: Behaviour
    stable: Behaviour


class Judged(NamedTuple):
    """By rollout, at one look."""

    breaches: Mapping[str, Mask]
    is_proven: Mask
    proven: Mapping[str, Mask]


def tried(name: str, rollouts: int, stages: Sequence[Stage], seed: int) -> Outcome:
    """Raises KeyError for a student that is none of STUDENTS."""
    rng = np.random.default_rng(seed)
    world, student = build(rng), STUDENTS[name]
    ours, theirs = (
        behaviour(world, scores) for scores in (student.scoring(world, rng), world.stable)
    )
    outcome = Outcome(
        caught_in=np.full(rollouts, -1),
        requests=np.zeros((rollouts, len(stages)), np.int64),
        by=Counter(),
        proven={},
    )
    going = np.arange(rollouts)
    for place in range(len(stages)):
        going = _go_through(Tried(student, ours, theirs), stages, place, going, outcome, rng)
    return outcome


def looks(most: int) -> I64:
    """Requests of the canary at which it is judged: each 25, from 500 on each 100, from 4,000 on
    each 500."""
    parts = (np.arange(25, 500, 25), np.arange(500, 4_000, 100), np.arange(4_000, 1_000_000, 500))
    every = np.concatenate(parts)
    return np.append(every[every < most], most)


def _go_through(
    who: Tried,
    stages: Sequence[Stage],
    place: int,
    going: I64,
    outcome: Outcome,
    rng: np.random.Generator,
) -> I64:
    """Those of `going` that pass the stage; of the others it is noted when and by what."""
    stage, goes_on = stages[place], []
    lanes = _lanes(who, stage, len(going), rng)
    canary = stable = Sums(np.zeros((len(going), WIDTH)))
    for before, at in pairwise([0, *looks(stage.most).tolist()]):
        if not len(going):
            break
        busy = rng.beta(1.0, 4.0, len(going))
        canary += _step(lanes[0], stage, before, at, 1.0, busy, rng)
        if stage.is_compared:
            stable += _step(lanes[1], stage, before, at, stage.others, busy, rng)
        judged = _judged(stable, canary, stage)
        caught = _caught(judged.breaches, going, place, outcome)
        outcome.requests[going, place] = at
        ends = ~caught & _is_over(judged.is_proven, stage, at)
        _note_proven(judged, ends, stages, place, outcome)
        goes_on.append(going[ends])
        left = ~caught & ~ends
        going, lanes = going[left], (lanes[0].kept(left), lanes[1].kept(left))
        canary, stable = Sums(canary.held[left]), Sums(stable.held[left])
    return np.sort(np.concatenate([*goes_on, going]))


def _lanes(who: Tried, stage: Stage, rollouts: int, rng: np.random.Generator) -> tuple[Lane, Lane]:
    """Of users of its own in each stage. In shadow both score the same requests, of the same users,
    who then make no difference: as if there were no end of them."""
    requests = stage.most if not stage.shadowed else 1_000 * stage.most
    others = max(round(requests * stage.others), 1)
    return (
        lane(who.student, who.behaviour, requests, rollouts, rng),
        lane(STABLE, who.stable, others, rollouts, rng),
    )


def _step(
    lane: Lane,
    stage: Stage,
    before: int,
    at: int,
    multiple: float,
    busy: F64,
    rng: np.random.Generator,
) -> Sums:
    requests = round(multiple * at) - round(multiple * before)
    settled = 0
    if stage.settling is not None:
        last, first = (max(each - stage.settling, 0) for each in (at, before))
        settled = round(multiple * last) - round(multiple * first)
    return drawn(lane, requests, settled, busy, at - before if stage.shadowed else 0, rng)


def _judged(stable: Sums, canary: Sums, stage: Stage) -> Judged:
    if not stage.is_compared:
        everywhere = np.ones(len(canary.held), np.bool_)
        return Judged(passed(stable, canary, stage.guardrails), everywhere, {})
    found = assess(stable, canary, stage.guardrails)
    proven = {name: each.proven for name, each in found.findings.items()}
    return Judged(breaches(found), np.logical_and.reduce([*proven.values()]), proven)


def _is_over(is_proven: Mask, stage: Stage, at: int) -> Mask:
    if at < stage.least or (stage.is_compared and at < stage.guardrails.fewest_requests):
        return np.zeros_like(is_proven)
    return is_proven | (at >= stage.most)


def _caught(past: Mapping[str, Mask], going: I64, place: int, outcome: Outcome) -> Mask:
    """Which are, noting by what: the first that is asked."""
    caught = np.zeros(len(going), np.bool_)
    for name, is_past in past.items():
        new = is_past & ~caught
        outcome.by[name] += int(new.sum())
        caught |= new
    outcome.caught_in[going[caught]] = place
    return caught


def _note_proven(
    judged: Judged, ends: Mask, stages: Sequence[Stage], place: int, outcome: Outcome
) -> None:
    for name, proven in judged.proven.items():
        shares = outcome.proven.setdefault(name, [0.0] * len(stages))
        shares[place] += float((proven & ends).sum()) / len(outcome.caught_in)
